//! `jornada serve --read-only`: shows what other instances take in, and takes in nothing.

use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::json;

use crate::votes::{Polls, valid};
use jornada_testkit::instance::{RunningProcess, Stores, expect_problem};

#[tokio::test]
async fn a_read_only_instance_shows_and_takes_in_nothing() {
    let polls = Polls::start(Stores::Servers).await;
    let (vote, election) = (&polls.app.vote, &polls.installation.election);
    assert_eq!(polls.post(&valid()).send().await.unwrap().status(), 201);
    let command = polls.installation.command(&["serve", "--read-only"]);
    let mut process = RunningProcess::start(command);
    let base = process.wait_for_address("the form is at ").await;
    let http = Client::builder().redirect(Policy::none()).build().unwrap();

    let results = format!("/c/{election}/results");
    let chart = format!("{base}/api/v1/campaigns/{election}/chart");
    let counts = async |_: &_| {
        let chart = http.get(&chart).send().await.unwrap();
        chart.status() == 200 && chart.json::<serde_json::Value>().await.unwrap()["total"] == 1
    };
    polls.app.wait_until("it shows the vote", counts).await;
    for (path, target) in [
        (format!("/c/{election}"), &*results),
        (
            format!("/c/{vote}?lang=en"),
            &format!("/c/{vote}/results?lang=en"),
        ),
    ] {
        let page = http.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(
            (page.status().as_u16(), &page.headers()["location"]),
            (303, &target.parse().unwrap())
        );
    }
    for path in [&*results, "/", "/staff/login", "/api/docs"] {
        let page = http.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
    }

    let api = format!("/api/v1/campaigns/{election}/votes");
    for path in [
        &*api,
        &format!("{api}/batch"),
        "/grpc/insert",
        "/staff/accounts",
    ] {
        let sent = http.post(format!("{base}{path}")).json(&json!([valid()]));
        let sent = sent.header("Accept", "*/*");
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.headers()["allow"], "GET, HEAD");
        if path == "/staff/accounts" {
            assert_eq!(answer.status(), 405);
        } else {
            let problem = expect_problem(answer, 405).await;
            assert!(problem["type"].as_str().unwrap().ends_with("read-only"));
        }
    }
    let form = http.post(format!("{base}/c/{vote}"));
    let form = form.header("Content-Type", "application/x-www-form-urlencoded");
    let form = form.body("artista=Los+Ejemplos");
    let answer = form.header("Accept-Language", "es").send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("Esta dirección solo muestra")
    );
    assert!(!process.log().iter().any(|line| line.contains("gRPC is at")));
}
