//! A staff user whose browser sends marked headers; stores cookies and the CSRF token of the last form.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use jornada_testkit::instance::{Installation, RunningInstance};

const PASSWORD: &str = "caballo correcto grapa";

pub struct Clerk {
    http: Client,
    base: String,
    cookies: Vec<String>,
    csrf_token: String,
    /// `Location` of the last response.
    pub location: String,
    pub body: String,
}

impl Clerk {
    /// Creates an administrator with this email address and logs in.
    pub async fn log_in(
        installation: &Installation,
        app: &RunningInstance,
        http: Client,
        mail: &str,
    ) -> Self {
        let command = ["staff", "add", mail, "--role", "admin"];
        let added = installation.command(&command).output().unwrap();
        let link = String::from_utf8(added.stdout).unwrap();
        let (_, path) = link.trim().split_once("/staff/").unwrap();
        let mut clerk = Self {
            http,
            base: app.base.clone(),
            cookies: Vec::new(),
            csrf_token: String::new(),
            location: String::new(),
            body: String::new(),
        };
        let path = format!("/staff/{path}");
        assert_eq!(clerk.get(&path).await, 200);
        let chosen = [("new", PASSWORD), ("again", PASSWORD)];
        assert_eq!(clerk.post(&path, &chosen).await, 303);
        clerk.get("/staff/login").await;
        let wrong = [("mail", mail), ("password", "otra cosa larga")];
        assert_eq!(clerk.post("/staff/login", &wrong).await, 422);
        let right = [("mail", mail), ("password", PASSWORD)];
        assert_eq!(clerk.post("/staff/login", &right).await, 303);
        clerk
    }

    /// Returns a client that follows no redirects and sends these headers.
    pub fn build_client(headers: reqwest::header::HeaderMap) -> Client {
        let client = Client::builder().redirect(Policy::none());
        client.default_headers(headers).build().unwrap()
    }

    pub async fn get(&mut self, path: &str) -> u16 {
        let request = self.http.get(format!("{}{path}", self.base));
        let request = request
            .header(COOKIE, self.cookies.join("; "))
            .header("accept", "text/html");
        self.read(request.send().await.unwrap()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> u16 {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields)
            .append_pair("_form", &self.csrf_token);
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request
            .header(COOKIE, self.cookies.join("; "))
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.finish());
        self.read(request.send().await.unwrap()).await
    }

    async fn read(&mut self, answer: Response) -> u16 {
        let status = answer.status().as_u16();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookies.push(pair.to_owned());
        }
        let location = answer.headers().get(LOCATION);
        location
            .map_or("", |location| location.to_str().unwrap())
            .clone_into(&mut self.location);
        self.body = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
        if let Some(key) = self.text_after("name=\"_form\" value=\"") {
            self.csrf_token = key;
        }
        status
    }

    /// Returns the text of the last page between `start` and the next quotation mark.
    pub fn text_after(&self, start: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(start)?;
        rest.split_once('"').map(|(text, _)| text.to_owned())
    }
}
