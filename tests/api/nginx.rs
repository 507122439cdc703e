//! The shipped nginx.conf in front of real instances: retries, added headers, limits and hidden pages.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use jornada_testkit::instance::{
    DEFAULT_TIMEOUT, Installation, RunningInstance, Stores, expect_problem, form_without_photo,
    photo_part,
};
use jornada_testkit::nginx::Nginx;
use jornada_testkit::photos::jpeg_of_size;
use jornada_testkit::raw::connect;
use jornada_testkit::recorder::Recorder;

const MIB: usize = 1024 * 1024;

fn host_and_port(app: &RunningInstance) -> &str {
    app.base.trim_start_matches("http://")
}

fn votes_url(nginx: &Nginx, app: &RunningInstance) -> String {
    format!("{}/api/v1/campaigns/{}/registrations", nginx.base, app.vote)
}

fn vote() -> Value {
    json!({"album": "Ejemplo", "artista": "Los Ejemplos", "puesto": "1"})
}

/// Returns a client that nginx does not exempt from its rate limit.
fn limited_client() -> Client {
    let builder = Client::builder().local_address(Some([127, 0, 0, 2].into()));
    builder.build().unwrap()
}

async fn expect_page(answer: Response, status: u16) -> String {
    assert_eq!(answer.status().as_u16(), status);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert!(answer.headers().contains_key("x-request-id"));
    assert!(answer.headers().contains_key("content-security-policy"));
    answer.text().await.unwrap()
}

#[tokio::test]
async fn a_post_without_key_survives_a_killed_instance_and_counts_once() {
    const SENT: u64 = 400;
    let installation = Installation::new(Stores::Servers);
    let (dying, living) = (installation.start().await, installation.start().await);
    let nginx = Nginx::start(&[host_and_port(&dying), host_and_port(&living)]).await;
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..SENT {
        let request = living.http.post(votes_url(&nginx, &living)).json(&vote());
        sending.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let mut answered = 0;
    while let Some(status) = sending.join_next().await {
        let status = status.unwrap();
        // 200 is a retry of a registration that the killed instance had already stored.
        assert!(matches!(status, 200 | 201), "{status}: {:?}", nginx.log());
        answered += 1;
        if answered == 40 {
            dying.signal("-KILL");
        }
    }
    let attempts = |line: &Value| line["instance"].as_str().unwrap().matches(':').count();
    living
        .wait_until(
            "some were in flight when the instance was killed",
            async |_| nginx.log().iter().any(|line| attempts(line) > 1),
        )
        .await;
    let chart = format!("/api/v1/campaigns/{}/chart", living.vote);
    living
        .wait_until("each is counted once", async |app| {
            let chart: Value = app.get(&chart).await.json().await.unwrap_or_default();
            let total = chart["total"].as_u64().unwrap_or_default();
            assert!(total <= SENT, "some were counted twice");
            total == SENT
        })
        .await;
}

#[tokio::test]
async fn only_pages_that_need_the_client_address_get_it_and_it_cannot_be_forged() {
    let (instance, recorder) =
        Recorder::start("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
    let nginx = Nginx::start(&[&instance.to_string()]).await;
    let paths = [
        (Method::GET, "/staff/login"),
        (Method::GET, "/staff"),
        (Method::GET, "/api/v1/campaigns/x/reports/_all.csv"),
        (Method::GET, "/"),
        (Method::GET, "/api/v1/campaigns/x/chart"),
        (Method::GET, "/staffing"),
        (Method::POST, "/c/x"),
        (Method::GET, "/c/x/chart"),
        (Method::POST, "/api/v1/campaigns/x/registrations"),
        (Method::POST, "/api/v1/campaigns/x/votes/batch"),
        (Method::POST, "/insert"),
        (Method::GET, "/r/7K3M9-QXT2V-B8HC"),
    ];
    for (method, path) in paths {
        let request = Client::new().request(method, format!("{}{path}", nginx.base));
        let sent = request
            .header("x-client-address", "203.0.113.9")
            .send()
            .await;
        assert_eq!(sent.unwrap().status(), 204, "{path}");
    }
    let mut clients = recorder.header("x-client-address");
    clients.sort_unstable();
    let here = Some("127.0.0.1".to_owned());
    assert_eq!(clients[..4], [None, None, None, None]);
    assert_eq!(clients[4..], vec![here; 8]);
}

#[tokio::test]
async fn every_attempt_carries_the_same_key_and_request_id() {
    let (dying, first) = Recorder::start("").await;
    let (living, second) =
        Recorder::start("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
    let nginx = Nginx::start(&[&dying.to_string(), &living.to_string()]).await;
    for _ in 0..4 {
        let sent = Client::new().post(&nginx.base).body("x").send().await;
        assert_eq!(sent.unwrap().status(), 201);
    }
    assert!(!first.header("idempotency-key").is_empty());
    for name in ["idempotency-key", "x-request-id"] {
        let accepted = second.header(name);
        assert!(accepted.iter().all(Option::is_some));
        assert!(
            first
                .header(name)
                .iter()
                .all(|sent| accepted.contains(sent)),
            "another {name} on the second attempt"
        );
        let unique: std::collections::HashSet<_> = accepted.iter().collect();
        assert_eq!(unique.len(), 4, "each request has its own {name}");
    }
}

#[tokio::test]
async fn the_key_and_request_id_of_the_client_are_passed_on() {
    let (address, recorder) = Recorder::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let nginx = Nginx::start(&[&address.to_string()]).await;
    for id in ["prueba-0001", "not modest"] {
        let request = Client::new().post(&nginx.base);
        let request = request
            .header("Idempotency-Key", "key-of-the-client")
            .header("X-Request-Id", id)
            .header("X-Forwarded-For", "192.0.2.1");
        request.send().await.unwrap();
    }
    let ids = recorder.header("x-request-id");
    assert_eq!(ids[0].as_deref(), Some("prueba-0001"));
    assert_eq!(ids[1].as_ref().unwrap().len(), 32);
    for key in recorder.header("idempotency-key") {
        assert_eq!(key.as_deref(), Some("key-of-the-client"));
    }
    assert_eq!(recorder.header("x-forwarded-for"), [None, None]);
}

#[tokio::test]
async fn too_many_posts_are_answered_with_retry_after() {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[host_and_port(&app)]).await;
    let mut refused = Vec::new();
    for path in ["/c/nothing", "/api/v1/nothing"] {
        for _ in 0..130 {
            let sent = limited_client()
                .post(format!("{}{path}", nginx.base))
                .send();
            let answer = sent.await.unwrap();
            if answer.status() == 429 {
                assert_eq!(answer.headers()["retry-after"], "5");
                refused.push(answer);
                break;
            }
        }
    }
    assert_eq!(refused.len(), 2, "both kinds of client are limited");
    let body = expect_problem(refused.pop().unwrap(), 429).await;
    assert_eq!(body["type"], "urn:jornada:problem:too-many-requests");
    let body = expect_page(refused.pop().unwrap(), 429).await;
    assert!(body.contains("Demasiados envíos seguidos"), "{body}");
    let reading = limited_client()
        .get(format!("{}/healthz", nginx.base))
        .send();
    assert_eq!(
        reading.await.unwrap().status(),
        200,
        "reading is not limited"
    );
    for _ in 0..130 {
        let sent = Client::new().post(format!("{}/nothing", nginx.base)).send();
        assert_ne!(sent.await.unwrap().status(), 429, "loopback is exempt");
    }
}

#[tokio::test]
async fn events_are_not_buffered() {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[host_and_port(&app)]).await;
    let url = format!("{}/api/v1/campaigns/{}/chart/events", nginx.base, app.vote);
    let events = app.http.get(url).send().await.unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut events = events.bytes_stream();
    let mut received = String::new();
    for total in 0..3 {
        let wanted = format!("\"total\":{total}");
        while !received.contains(&wanted) {
            let event = tokio::time::timeout(DEFAULT_TIMEOUT, events.next()).await;
            let event = event.expect("an event is buffered").unwrap().unwrap();
            received.push_str(std::str::from_utf8(&event).unwrap());
        }
        let sent = app.http.post(votes_url(&nginx, &app)).json(&vote()).send();
        assert_eq!(sent.await.unwrap().status(), 201);
    }
}

/// Requests a response of at least `whole` bytes, reads nothing for up to `at_most`, then all of it. Returns the time
/// until nginx spooled a part of it to disk, or `None` if it did not.
fn time_until_spooled(
    nginx: &Nginx,
    path: &str,
    whole: usize,
    at_most: Duration,
) -> Option<Duration> {
    let (before, start) = (nginx.last_spooled(), Instant::now());
    let mut client = connect(&nginx.base);
    write!(client, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    while nginx.last_spooled() == before && start.elapsed() < at_most {
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = start.elapsed();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.len() > whole, "{} came", answer.len());
    (nginx.last_spooled() != before).then_some(took)
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_responses_are_not_spooled_to_disk() {
    const WHOLE: usize = 30 * MIB;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {WHOLE}\r\nconnection: close\r\n\r\n");
    let answer = (head + &"x".repeat(WHOLE)).leak();
    let (instance, _) = Recorder::start(answer).await;
    let nginx = Nginx::start(&[&instance.to_string()]).await;
    let took =
        time_until_spooled(&nginx, "/", WHOLE, DEFAULT_TIMEOUT).expect("other pages are spooled");
    let at_most = Duration::from_millis(500).max(took * 3);
    for path in [
        "/c/x",
        "/staff",
        "/staff/c/x/reports/1/file",
        "/staff/c/x/registrations/1/photo",
        "/api/v1/campaigns/x/reports/_all.csv",
    ] {
        let spooled = time_until_spooled(&nginx, path, WHOLE, at_most);
        assert_eq!(spooled, None, "{path}");
    }
}

#[tokio::test]
async fn too_large_bodies_get_a_readable_error() {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[host_and_port(&app)]).await;
    let send = async |path: &str, bytes: usize| {
        let form = form_without_photo("Ana Ejemplo", "1234567", "Cali")
            .part("foto", photo_part(jpeg_of_size(bytes)));
        let url = format!("{}{path}", nginx.base);
        let request = app.http.post(url).multipart(form);
        request
            .header("Accept-Language", "en-GB")
            .send()
            .await
            .unwrap()
    };
    let api = format!("/api/v1/campaigns/{}/registrations", app.campaign);
    assert_eq!(send(&api, 8 * MIB).await.status(), 201);
    let by_the_application = expect_problem(send(&api, 8 * MIB + 1).await, 413).await;
    let by_nginx = expect_problem(send(&api, 34 * MIB).await, 413).await;
    assert_eq!(by_nginx["type"], "urn:jornada:problem:too-large");
    assert_eq!(by_nginx["title"], "What you sent is too large");
    assert_ne!(by_nginx["title"], by_the_application["title"]);
    let body = expect_page(send(&format!("/c/{}", app.campaign), 34 * MIB).await, 413).await;
    assert!(body.contains("8 MB at most"), "{body}");
}

#[tokio::test]
async fn unreachable_instances_give_a_readable_error() {
    let nginx = Nginx::start(&["127.0.0.1:9"]).await;
    let asked = Client::new().get(&nginx.base).send().await.unwrap();
    assert_eq!(asked.headers()["retry-after"], "2");
    let body = expect_page(asked, 502).await;
    assert!(
        body.contains("<html lang=\"es\">") && body.contains("no quedará registrado dos veces")
    );
    let asked = Client::new().get(format!("{}/?lang=en", nginx.base)).send();
    let body = expect_page(asked.await.unwrap(), 502).await;
    assert!(body.contains("you will not be registered twice"), "{body}");
    let asked = Client::new()
        .post(format!("{}/api/v1/x", nginx.base))
        .send();
    let body = expect_problem(asked.await.unwrap(), 502).await;
    assert_eq!(body["type"], "urn:jornada:problem:unavailable");
}

#[tokio::test]
async fn errors_of_the_application_pass_unchanged() {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[host_and_port(&app)]).await;
    let url = |base: &str| format!("{base}/api/v1/campaigns/{}/registrations", app.campaign);
    let mut bodies = Vec::new();
    for base in [&app.base, &nginx.base] {
        let form = form_without_photo("", "1234567", "Nowhere");
        let answer = app.http.post(url(base)).multipart(form).send().await;
        bodies.push(expect_problem(answer.unwrap(), 422).await);
    }
    assert_eq!(bodies[0], bodies[1]);
    let home = app.http.get(&nginx.base).send().await.unwrap();
    let policies = home.headers().get_all("content-security-policy");
    assert_eq!(policies.iter().count(), 1, "its policy stands alone");
}

#[tokio::test]
async fn operator_pages_are_hidden() {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[host_and_port(&app)]).await;
    for path in ["/metrics", "/readyz", "/nginx_status", "/_error_page"] {
        let asked = app.http.get(format!("{}{path}", nginx.base)).send().await;
        assert_eq!(asked.unwrap().status(), 404, "{path}");
    }
    let status = format!("{}/nginx_status", nginx.status);
    let status = app.http.get(status).send().await.unwrap();
    assert!(status.text().await.unwrap().contains("Active connections"));
}

#[tokio::test]
async fn redirects_do_not_use_the_host_header() {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[host_and_port(&app)]).await;
    let client = Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    for path in ["/api", "/static"] {
        let asked = client.get(format!("{}{path}", nginx.base));
        let answer = asked.header("Host", "other.example").send().await.unwrap();
        assert_eq!(answer.status(), 301);
        assert_eq!(answer.headers()["location"], format!("{path}/").as_str());
    }
}

#[tokio::test]
async fn the_log_names_the_request_and_no_person() {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[host_and_port(&app)]).await;
    for path in [
        "/r/ABCD-1234?q=Marcada",
        "/Marcada",
        "/c/vac?nombre=Marcada",
    ] {
        let request = app.http.get(format!("{}{path}", nginx.base));
        let request = request.header("X-Request-Id", "prueba-0001");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["x-request-id"], "prueba-0001");
    }
    app.wait_until("the lines are written", async |_| nginx.log().len() == 3)
        .await;
    let log = nginx.log();
    let routes: Vec<_> = log
        .iter()
        .map(|line| line["route"].as_str().unwrap())
        .collect();
    assert_eq!(routes, ["/r/{number}", "other", "/c/{campaign}"]);
    let text = format!("{log:?}");
    for secret in ["Marcada", "ABCD", "127.0.0.1\""] {
        assert!(!text.contains(secret), "{secret} is logged");
    }
    assert!(log.iter().all(|line| line["request_id"] == "prueba-0001"));
    let same = |line: &&String| line.contains("prueba-0001");
    app.wait_until("the instance logs each of them too", async |app| {
        app.log().iter().filter(same).count() == 3
    })
    .await;
}
