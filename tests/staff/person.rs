//! A person with a browser: stores cookies, sends the form of the last page, follows no redirects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jornada_domain::staff::Role;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::area::{Area, PASSWORD};
use jornada_testkit::instance::RunningInstance;

#[derive(Clone)]
pub struct Person {
    http: Client,
    base: String,
    pub cookies: BTreeMap<String, String>,
    /// CSRF token of the last page.
    pub form: String,
    /// Client address, as nginx would send it.
    pub from: String,
    /// Scheme of the request, as nginx would send it.
    pub scheme: String,
}

/// A response as a person sees it.
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Person {
    pub fn new(app: &RunningInstance) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self {
            http,
            base: app.base.clone(),
            cookies: BTreeMap::new(),
            form: String::new(),
            from: "192.0.2.1".into(),
            scheme: "http".into(),
        }
    }

    /// Returns a copy of the browser that talks to another instance.
    pub fn on_instance(&self, app: &RunningInstance) -> Self {
        Self {
            base: app.base.clone(),
            ..self.clone()
        }
    }

    /// Creates an account of this role with [`PASSWORD`], not logged in.
    pub async fn invited(area: &Area, mail: &str, role: Role, places: &[&str]) -> Self {
        let mut arguments = vec!["add", mail, "--role", role.into()];
        for place in places {
            arguments.extend(["--place", place]);
        }
        let link = area.run_staff(&arguments);
        let mut person = Self::new(&area.app);
        let path = link.split_once("/staff/").unwrap().1;
        let path = format!("/staff/{path}");
        assert_eq!(person.get(&path).await.status, 200);
        let set = person.post(&path, &[("new", PASSWORD), ("again", PASSWORD)]);
        assert_eq!(set.await.status, 303);
        person
    }

    /// Creates an account of this role and logs in.
    pub async fn logged_in(area: &Area, mail: &str, role: Role) -> Self {
        let mut person = Self::invited(area, mail, role, &[]).await;
        let page = person.log_in(mail, PASSWORD, "").await;
        assert_eq!(page.status, 303, "{}", page.body);
        person
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(format!("{}{path}", self.base));
        let answer = request
            .header(COOKIE, self.cookie())
            .header("x-forwarded-proto", &self.scheme)
            .header("accept", "text/html");
        self.read_page(answer.send().await.unwrap()).await
    }

    /// Sends the form of the last page.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let key = self.form.clone();
        self.post_with(path, Some(&key), fields).await
    }

    /// Sends a form with this CSRF token, or without one.
    pub async fn post_with(
        &mut self,
        path: &str,
        key: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Page {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        if let Some(key) = key {
            body.append_pair("_form", key);
        }
        let request = self.http.post(format!("{}{path}", self.base));
        let answer = request
            .header(COOKIE, self.cookie())
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-client-address", &self.from)
            .header("x-forwarded-proto", &self.scheme)
            .body(body.finish());
        self.read_page(answer.send().await.unwrap()).await
    }

    pub async fn log_in(&mut self, mail: &str, password: &str, code: &str) -> Page {
        self.get("/staff/login").await;
        let fields = [("mail", mail), ("password", password), ("code", code)];
        self.post("/staff/login", &fields).await
    }

    /// Returns whether the account page opens.
    pub async fn is_in(&mut self) -> bool {
        self.get("/staff/account").await.status == 200
    }

    pub fn session(&self) -> Option<&str> {
        self.cookies.get("jornada-session").map(String::as_str)
    }

    fn cookie(&self) -> String {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    async fn read_page(&mut self, answer: Response) -> Page {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, rest) = text.split_once('=').unwrap();
            let (value, _) = rest.split_once(';').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        let body = answer.text().await.unwrap();
        let page = Page {
            status,
            headers,
            body,
        };
        if let Some(key) = page.between("name=\"_form\" value=\"", "\"") {
            self.form = key;
        }
        page
    }
}

impl Page {
    /// Returns the target of the redirect.
    pub fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |to| to.to_str().unwrap())
    }

    /// Returns the text between two others.
    pub fn between(&self, start: &str, end: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(start)?;
        rest.split_once(end).map(|(text, _)| text.to_owned())
    }
}

/// Waits until the current 30-second step has some seconds left, so that a code is still valid when it arrives.
pub async fn wait_for_young_step() {
    while Timestamp::now().as_second() % 30 > 20 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
