//! Contents of log lines on standard output and in Loki; requests never wait for either.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::loki::{Behaviour, Loki};
use jornada_testkit::instance::{DEFAULT_TIMEOUT, Installation, Stores};

const REGISTRATIONS: &str = "/api/v1/campaigns/{campaign}/registrations";

async fn with_loki() -> (Loki, Installation) {
    let loki = Loki::start().await;
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_LOKI", &loki.url());
    installation.set("JORNADA_INSTANCE", "app-1");
    (loki, installation)
}

/// Returns the fields that must be equal in both outputs.
fn fields(line: &Value) -> [&Value; 5] {
    ["method", "route", "status", "ms", "request_id"].map(|name| &line[name])
}

#[tokio::test]
async fn a_request_is_one_line_in_standard_output_and_in_loki() {
    let (loki, installation) = with_loki().await;
    let app = installation.start().await;
    let answer = app.register("Ana Ejemplo", "1000001", "Cali").await;
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    app.wait_until("Loki has the line", async |_| loki.has_line(&id))
        .await;
    let pushed: Vec<_> = loki
        .lines()
        .into_iter()
        .filter(|line| line.text.contains(&id))
        .collect();
    let written: Vec<_> = app
        .log()
        .into_iter()
        .filter(|line| line.contains(&id))
        .collect();
    assert_eq!(
        (pushed.len(), written.len()),
        (1, 1),
        "{pushed:?} {written:?}"
    );
    let (pushed, written) = (
        pushed[0].json(),
        serde_json::from_str::<Value>(&written[0]).unwrap(),
    );
    assert_eq!(fields(&pushed), fields(&written));
    assert_eq!(pushed["route"], REGISTRATIONS);
    assert_eq!(pushed["status"], 201);
    assert_eq!(pushed["request_id"], id.as_str());
    assert!(pushed["ms"].is_u64());
    assert_eq!(written["level"], "INFO");
    let at: jiff::Timestamp = written["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(at.duration_until(jiff::Timestamp::now()).as_secs() < 600);
}

#[tokio::test]
async fn labels_are_service_instance_and_level() {
    let (loki, mut installation) = with_loki().await;
    installation.set("JORNADA_LOG", "debug");
    let app = installation.start().await;
    app.get("/healthz").await;
    app.get("/nothing").await;
    app.wait_until("Loki has lines", async |_| {
        loki.has_line("/healthz 200") && loki.has_line("unknown 404")
    })
    .await;
    let labels: BTreeSet<_> = loki.lines().into_iter().map(|line| line.labels).collect();
    let expected = ["debug", "info"]
        .map(|level| format!(r#"{{service="jornada",instance="app-1",level="{level}"}}"#));
    assert_eq!(labels, BTreeSet::from(expected));
    let now = jiff::Timestamp::now().as_second();
    assert!(
        loki.lines()
            .iter()
            .all(|line| (now - 600..=now).contains(&line.seconds))
    );
}

#[tokio::test]
async fn pages_are_logged_and_health_checks_are_not() {
    let app = Installation::new(Stores::Embedded).start().await;
    app.get("/healthz").await;
    app.get("/").await;
    app.wait_until("the page is logged", async |app| {
        app.log()
            .iter()
            .any(|line| line.contains(r#""route":"/","status":200"#))
    })
    .await;
    let log = app.log().join("\n");
    for quiet in ["/healthz", "/readyz", "/metrics"] {
        assert!(
            !log.contains(&format!(r#""route":"{quiet}""#)),
            "{quiet} in {log}"
        );
    }
}

#[tokio::test]
async fn the_last_lines_reach_loki() {
    let (loki, installation) = with_loki().await;
    let mut app = installation.start().await;
    app.signal("-TERM");
    assert!(app.wait_for_exit().await.success());
    assert!(loki.has_line("\"ended\""));
}

#[tokio::test]
async fn requests_do_not_wait_for_a_loki_that_does_not_answer() {
    let (loki, installation) = with_loki().await;
    loki.set_behaviour(Behaviour::Slow(Duration::from_hours(1)));
    let mut app = installation.start().await;
    let slowest = slowest_request(300, &app.base).await;
    // A push times out after 15 s.
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    app.wait_until("metrics count the dropped lines", async |app| {
        let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
        let text = metrics.unwrap().text().await.unwrap();
        text.contains("jornada_log_lines_dropped_total{reason=\"loki_full\"}")
    })
    .await;
    app.signal("-TERM");
    assert!(
        app.wait_for_exit().await.success(),
        "shutdown does not wait for Loki either"
    );
}

#[tokio::test]
async fn requests_do_not_wait_for_an_unreachable_loki() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_LOKI", "http://127.0.0.1:1");
    let app = installation.start().await;
    slowest_request(100, &app.base).await;
    app.wait_until("the outage is logged once", async |app| {
        let is_outage = |line: &&String| line.contains("Loki rejects log lines");
        app.log().iter().filter(is_outage).count() == 1
    })
    .await;
}

/// Standard output is a pipe that is not read: full after 64 KiB, about 200 lines.
#[tokio::test]
async fn requests_do_not_wait_for_standard_output() {
    let mut installation = Installation::new(Stores::Embedded);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    installation.set("JORNADA_LISTEN", &address);
    let mut child = installation
        .command(&["serve"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let base = format!("http://{address}");
    let start = std::time::Instant::now();
    while reqwest::get(&base).await.is_err() {
        assert!(start.elapsed() < DEFAULT_TIMEOUT);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answered = tokio::time::timeout(DEFAULT_TIMEOUT * 3, slowest_request(1_000, &base)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    answered.expect("requests waited for standard output");
}

/// Sends requests one after the other and returns the longest time.
async fn slowest_request(requests: usize, base: &str) -> Duration {
    let http = reqwest::Client::new();
    let mut slowest = Duration::ZERO;
    for _ in 0..requests {
        let start = std::time::Instant::now();
        let answer = http.get(format!("{base}/nothing")).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        slowest = slowest.max(start.elapsed());
    }
    slowest
}
