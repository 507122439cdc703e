//! Nothing that a client sends is logged or exported: requests of every outcome carry marks in every place, and all
//! output of the process, at its most verbose level, is searched for them.

use std::fmt::Write;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::clerk::Clerk;
use crate::loki::Loki;
use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, form_with_photo, form_without_photo,
};
use jornada_testkit::photos::{jpeg, jpeg_of_size};
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::variable;

const NAME: &str = "Marcada Persona";
const DOCUMENT: &str = "9876543210";
const MAIL: &str = "marca@correo.example";
const CITY: &str = "Leticia";
const KEY: &str = "marca-de-clave-1";
/// Sent in headers, paths, queries, file names and media types, next to the email address.
const WORD: &str = "palabramarcada";

/// All output of one instance, and what it must not contain.
struct Output {
    text: String,
    secrets: Vec<String>,
}

impl Output {
    /// Stops the instance and collects its metrics and log lines.
    async fn collect(mut app: RunningInstance, loki: &Loki, secrets: Vec<String>) -> Self {
        let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
        let metrics = metrics.unwrap().text().await.unwrap();
        // City totals are public.
        let is_total = |line: &&str| line.starts_with("jornada_tally_registrations{");
        let lines: Vec<_> = metrics.lines().filter(|line| !is_total(line)).collect();
        let mut text = lines.join("\n");
        app.signal("-TERM");
        assert!(app.wait_for_exit().await.success());
        app.wait_until("the last line is read", async |app| {
            let log = app.log();
            log.iter().any(|line| line.contains("\"ended\""))
        })
        .await;
        text += &app.log().join("\n");
        for line in loki.lines() {
            write!(text, "\n{} {}", line.labels, line.text).unwrap();
        }
        Self { text, secrets }
    }

    fn contains(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    fn assert_nothing_leaks(&self) {
        let marks = [NAME, "Marcada", DOCUMENT, MAIL, "correo.example", CITY, KEY];
        let secrets = self.secrets.iter().map(String::as_str);
        for secret in marks.into_iter().chain([WORD]).chain(secrets) {
            let line = self.text.lines().find(|line| {
                let line = line.to_lowercase();
                line.contains(&secret.to_lowercase())
            });
            assert_eq!(line, None, "'{secret}' is leaked");
        }
        // The object key of a photo ends with its SHA-256.
        let is_hex = |byte: u8| byte.is_ascii_hexdigit();
        let runs = self.text.as_bytes().split(|byte| !is_hex(*byte));
        assert_eq!(runs.filter(|run| run.len() >= 64).count(), 0);
    }
}

fn marked_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let text = |text: String| HeaderValue::from_str(&text).unwrap();
    for name in ["user-agent", "referer", "x-forwarded-for", "accept"] {
        headers.insert(name, text(format!("{WORD} {MAIL}")));
    }
    headers.insert("cookie", text(format!("session={WORD}")));
    headers.insert("accept-language", text(WORD.into()));
    headers.insert("x-request-id", text(MAIL.into()));
    headers.insert("origin", text(format!("https://{WORD}.example")));
    headers.insert("sec-fetch-site", text("same-origin".into()));
    headers
}

async fn start_with_trace_logs(installation: &mut Installation) -> (Loki, RunningInstance) {
    let loki = Loki::start().await;
    installation.set("JORNADA_LOKI", &loki.url());
    installation.set("JORNADA_LOG", "trace");
    let mut app = installation.start().await;
    app.http = Client::builder()
        .default_headers(marked_headers())
        .build()
        .unwrap();
    (loki, app)
}

fn named_photo(bytes: Vec<u8>, kind: &str) -> Part {
    let part = Part::bytes(bytes).file_name(format!("{NAME} {DOCUMENT} {MAIL}.jpg"));
    part.mime_str(kind).unwrap()
}

/// Registers the marked person and returns the response.
async fn register(app: &RunningInstance) -> Value {
    let form =
        form_without_photo(NAME, DOCUMENT, CITY).part("foto", named_photo(jpeg(0), "image/jpeg"));
    let answer = app.send(form, Some(KEY)).await;
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

async fn expect_status(status: u16, answer: Response) {
    assert_eq!(answer.status(), status, "{:?}", answer.text().await);
}

/// Sends forms that are rejected, each for another reason.
async fn send_rejected_forms(app: &RunningInstance) {
    expect_status(
        409,
        app.register("Otra Marcada Persona", DOCUMENT, CITY).await,
    )
    .await;
    for (document, city) in [(MAIL, CITY), (DOCUMENT, MAIL), (WORD, WORD)] {
        expect_status(422, app.register(NAME, document, city).await).await;
    }
    let unknown = form_with_photo(NAME, DOCUMENT, CITY).text(format!("{WORD} {MAIL}"), NAME);
    let unknown = app.send(unknown, None).await;
    assert!(unknown.status().is_client_error());
    let photo_of = |bytes, kind: &str| {
        form_without_photo(NAME, "9876543211", CITY).part("foto", named_photo(bytes, kind))
    };
    let not_a_photo = format!("{NAME} {DOCUMENT}").into_bytes();
    let refused = app.send(photo_of(not_a_photo, "image/jpeg"), None).await;
    assert!(refused.status().is_client_error());
    let kind = format!("text/{WORD}");
    let large = app.send(photo_of(jpeg_of_size(9 << 20), &kind), None).await;
    expect_status(413, large).await;
    let form = Form::new().text("nombre", NAME).text("documento", DOCUMENT);
    let page = format!("{}/c/{}", app.base, app.campaign);
    let posted = app.http.post(page).multipart(form).send().await.unwrap();
    expect_status(422, posted).await;
}

/// Sends bodies that cannot be parsed.
async fn send_broken_bodies(app: &RunningInstance) {
    let url = app.registrations_url(&app.campaign);
    let vote = app.registrations_url(&app.vote);
    for (url, kind, body) in [
        (&url, format!("text/{WORD}"), NAME.to_owned()),
        (
            &url,
            format!("multipart/form-data; boundary={WORD}"),
            format!(
                "--{WORD}\r\nContent-Disposition: form-data; name=\"{NAME}\"\r\n\r\n{DOCUMENT}"
            ),
        ),
        (&vote, "application/json".into(), format!("{{\"{NAME}\":")),
        (
            &vote,
            "application/json".into(),
            format!("{{\"{WORD}\":\"{MAIL}\"}}"),
        ),
    ] {
        let request = app.http.post(url).header("content-type", kind).body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_client_error(), "{}", answer.status());
    }
}

/// Requests paths and sends tokens that contain marks.
async fn send_marked_paths(app: &RunningInstance, receipt: &str, token: &str) {
    for path in [
        format!("/{WORD}/{MAIL}?{NAME}={DOCUMENT}"),
        format!("/r/{DOCUMENT}?de={MAIL}"),
        format!("/c/{WORD}"),
        format!("/api/v1/campaigns/{WORD}/chart?q={MAIL}"),
        format!("/static/{WORD}.css"),
    ] {
        expect_status(404, app.get(&path).await).await;
    }
    expect_status(200, app.get(&format!("/r/{receipt}?de={MAIL}")).await).await;
    let chart = format!("/c/{}/chart?ciudad={CITY}&q={MAIL}", app.campaign);
    expect_status(200, app.get(&chart).await).await;
    let file = format!("{CITY}.csv?q={MAIL}");
    expect_status(200, app.report(&file, token).await).await;
    expect_status(401, app.report(&file, WORD).await).await;
    let url = format!("{}/api/v1/campaigns/{WORD}/reports/{MAIL}", app.base);
    let basic = app.http.get(url).basic_auth(MAIL, Some(token));
    assert!(basic.send().await.unwrap().status().is_client_error());
    let method = Method::from_bytes(WORD.as_bytes()).unwrap();
    let odd = app.http.request(method, format!("{}/", app.base));
    expect_status(405, odd.send().await.unwrap()).await;
}

/// Searches, views and corrects as staff, with every outcome. Returns the encrypted search queries.
async fn visit_staff_pages(clerk: &mut Clerk, app: &RunningInstance, first: &Value) -> Vec<String> {
    let (id, receipt) = (
        first["id"].as_str().unwrap(),
        first["receipt"].as_str().unwrap(),
    );
    let list = format!("/staff/c/{}/registrations", app.campaign);
    assert_eq!(clerk.get(&format!("/staff?{NAME}={MAIL}")).await, 200);
    assert_eq!(clerk.get(&list).await, 200);
    let mut queries = Vec::new();
    for what in [NAME, DOCUMENT, receipt] {
        assert_eq!(
            clerk.post(&list, &[("what", what), ("place", CITY)]).await,
            303
        );
        let to = clerk.location.clone();
        assert_eq!(clerk.get(&to).await, 200);
        assert!(clerk.body.contains(NAME));
        queries.push(to.split_once("q=").unwrap().1.to_owned());
    }
    for wrong in [("what", "1@x"), ("place", MAIL), ("from", DOCUMENT)] {
        assert_eq!(clerk.post(&list, &[wrong]).await, 422);
    }
    let one = format!("{list}/{id}");
    for below in ["", "/print", "/photo", "/correct", "/delete"] {
        assert_eq!(
            clerk.get(&format!("{one}{below}?de={MAIL}&n={NAME}")).await,
            200
        );
    }
    for wrong in [WORD, MAIL, DOCUMENT, receipt] {
        // The receipt number is accepted in place of the id.
        let status = if wrong == receipt { 200 } else { 404 };
        let page = format!("{list}/{wrong}/correct");
        assert_eq!(clerk.get(&page).await, status);
        assert_eq!(
            clerk
                .get(&format!("/staff/c/{wrong}/registrations/{id}"))
                .await,
            404
        );
    }
    assert_eq!(clerk.get(&format!("{one}/correct")).await, 200);
    let correct = format!("{one}/correct");
    for (version, document, name, status) in [
        ("0", MAIL, NAME, 422),
        ("7", DOCUMENT, NAME, 409),
        (WORD, DOCUMENT, NAME, 409),
        ("0", DOCUMENT, "Marcada Corregida", 303),
    ] {
        let fields = [
            ("_version", version),
            ("nombre", name),
            ("documento", document),
            ("ciudad", CITY),
            ("_reason", WORD),
        ];
        assert_eq!(clerk.post(&correct, &fields).await, status);
    }
    let odd = [(NAME, DOCUMENT), ("_version", "1")];
    assert_eq!(clerk.post(&correct, &odd).await, 422);
    queries
}

/// Deletes the marked person through the staff pages.
async fn delete_registration(clerk: &mut Clerk, app: &RunningInstance, id: &str) {
    let path = format!("/staff/c/{}/registrations/{id}/delete", app.campaign);
    assert_eq!(clerk.get(&path).await, 200);
    let version = clerk.text_after("name=\"version\" value=\"").unwrap();
    let fields = [
        ("version", &*version),
        ("cause", "requested"),
        ("reason", WORD),
        ("sure", "true"),
    ];
    assert_eq!(clerk.post(&path, &fields).await, 303);
    assert_eq!(clerk.get(&path).await, 410);
    let elsewhere = format!("/staff/c/{}/close", app.campaign);
    assert_eq!(clerk.get(&elsewhere).await, 200);
    assert_eq!(clerk.post(&elsewhere, &[("reason", "\u{7}")]).await, 422);
}

#[tokio::test]
async fn the_staff_area_leaks_no_personal_data() {
    let mut installation = Installation::new(Stores::Embedded);
    let (loki, app) = start_with_trace_logs(&mut installation).await;
    let first = register(&app).await;
    let http = Clerk::build_client(marked_headers());
    let mut clerk = Clerk::log_in(&installation, &app, http, MAIL).await;
    let queries = visit_staff_pages(&mut clerk, &app, &first).await;
    let id = first["id"].as_str().unwrap().to_owned();
    delete_registration(&mut clerk, &app, &id).await;
    // With a broken store the pages fail, and the logged cause names nobody.
    for file in ["jornada.db", "jornada.db-wal", "jornada.db-shm"] {
        let path = installation.folder.path().join("data").join(file);
        std::fs::write(path, "no database").ok();
    }
    let list = format!("/staff/c/{}/registrations", app.campaign);
    for path in [
        format!("{list}?q={}", queries[0]),
        format!("{list}/{id}"),
        "/staff".into(),
    ] {
        assert!(clerk.get(&path).await >= 500);
    }
    let receipt = first["receipt"].as_str().unwrap().to_owned();
    let secrets = [receipt, id].into_iter().chain(queries).collect();
    let output = Output::collect(app, &loki, secrets).await;
    for status in [200, 303, 404, 409, 410, 422] {
        assert!(output.contains(&format!("\"status\":{status}")), "{status}");
    }
    assert!(output.contains("corrected a registration"));
    output.assert_nothing_leaks();
}

#[tokio::test]
async fn no_outcome_leaks_what_was_sent() {
    let mut installation = Installation::new(Stores::Embedded);
    let token = installation.create_token();
    let (loki, app) = start_with_trace_logs(&mut installation).await;
    let first = register(&app).await;
    let receipt = first["receipt"].as_str().unwrap().to_owned();
    expect_status(200, app.register(NAME, DOCUMENT, CITY).await).await;
    send_rejected_forms(&app).await;
    send_broken_bodies(&app).await;
    send_marked_paths(&app, &receipt, &token).await;
    // With a broken store the logged causes contain nothing of the request.
    for file in ["jornada.db", "jornada.db-wal", "jornada.db-shm"] {
        let path = installation.folder.path().join("data").join(file);
        std::fs::write(path, "no database").ok();
    }
    expect_status(500, app.register(NAME, "9876543212", CITY).await).await;
    let id = first["id"].as_str().unwrap().to_owned();
    let output = Output::collect(app, &loki, vec![token, receipt, id]).await;
    for status in [200, 201, 401, 404, 405, 409, 413, 422, 500] {
        assert!(output.contains(&format!("\"status\":{status}")), "{status}");
    }
    assert!(output.contains("request failed: "));
    output.assert_nothing_leaks();
}

/// Creates an installation that reaches MongoDB and S3 through proxies. Connects to MongoDB directly, because a replica
/// set would announce its own address.
async fn installation_behind_proxies() -> (Installation, Proxy, Proxy) {
    let mongodb = variable("JORNADA_TEST_MONGODB");
    let host = mongodb.trim_start_matches("mongodb://");
    let store = Proxy::start(host.split(['/', ',']).next().unwrap().to_owned()).await;
    let s3 = variable("JORNADA_TEST_S3");
    let photos = Proxy::start(s3.trim_start_matches("http://").to_owned()).await;
    let mut installation = Installation::new(Stores::Servers);
    let database = installation.campaign.replace('-', "_");
    installation.set(
        "JORNADA_STORE",
        &format!(
            "mongodb://{}/test_{database}?directConnection=true",
            store.address
        ),
    );
    installation.set(
        "JORNADA_PHOTOS",
        &format!("s3://jornada-test?endpoint=http://{}", photos.address),
    );
    (installation, store, photos)
}

#[tokio::test(flavor = "multi_thread")]
async fn unavailable_stores_leak_nothing() {
    let (mut installation, store, photos) = installation_behind_proxies().await;
    let token = installation.create_token();
    let (loki, app) = start_with_trace_logs(&mut installation).await;
    let first = register(&app).await;
    photos.set_open(false);
    let waiting = app.register(NAME, "9876543211", CITY).await;
    assert!(waiting.status() == 201 || waiting.status() == 503);
    store.set_open(false);
    expect_status(503, app.register(NAME, "9876543212", CITY).await).await;
    expect_status(503, app.report(&format!("{CITY}.csv"), &token).await).await;
    let id = first["id"].as_str().unwrap().to_owned();
    let receipt = first["receipt"].as_str().unwrap().to_owned();
    let keys =
        ["S3_ACCESS_KEY", "S3_SECRET_KEY"].map(|name| variable(&format!("JORNADA_TEST_{name}")));
    let secrets = [token, receipt, id].into_iter().chain(keys).collect();
    let output = Output::collect(app, &loki, secrets).await;
    assert!(output.contains("dependency unavailable, answering 503: "));
    output.assert_nothing_leaks();
}
