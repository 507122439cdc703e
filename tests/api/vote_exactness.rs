//! Killed instances lose and double no vote; all votes are exported and erased.

use std::time::Duration;

use serde_json::{Value, json};

use crate::on_both;
use crate::votes::{Polls, body, with};
use jornada_testkit::instance::Stores;

on_both!(
    killed_instances_lose_and_double_nothing,
    all_votes_are_exported_and_erased
);

async fn killed_instances_lose_and_double_nothing(stores: Stores) {
    let polls = Polls::start(stores).await;
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..60 {
        let batch: Vec<_> = (0..100)
            .map(|item| with("sede", json!(number * 100 + item + 1)))
            .collect();
        let request = polls.app.http.post(polls.votes() + "/batch").json(&batch);
        let request = request.header("Idempotency-Key", format!("batch-{number:04}"));
        sending.spawn(async move {
            let sent = request.send().await;
            sent.is_ok_and(|answer| answer.status() == 200)
                .then_some(number)
        });
    }
    let mut acknowledged = Vec::new();
    while let Some(done) = sending.join_next().await {
        acknowledged.extend(done.unwrap());
        if acknowledged.len() == 3 {
            polls.app.signal("-KILL");
        }
    }
    assert!(acknowledged.len() < 60, "it was killed in the middle");
    let polls = Polls::on(polls.installation).await;
    for number in 0..60 {
        let batch: Vec<_> = (0..100)
            .map(|item| with("sede", json!(number * 100 + item + 1)))
            .collect();
        let request = polls.app.http.post(polls.votes() + "/batch").json(&batch);
        let answer = request
            .header("Idempotency-Key", format!("batch-{number:04}"))
            .send()
            .await
            .unwrap();
        let told = body(answer).await;
        assert_eq!(told["accepted"], 100, "{told}");
        if acknowledged.contains(&number) {
            let results = told["results"].as_array().unwrap();
            assert!(
                results.iter().all(|one| one["status"] == "already-stored"),
                "{number} was lost"
            );
        }
    }
    polls.wait_for_total("sedes", 6_000).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    polls.wait_for_total("sedes", 6_000).await;
}

async fn all_votes_are_exported_and_erased(stores: Stores) {
    let polls = Polls::start(stores).await;
    let batch: Vec<_> = (0..1_500)
        .map(|number| with("sede", json!(number + 1)))
        .collect();
    let request = polls.app.http.post(polls.votes() + "/batch").json(&batch);
    assert_eq!(request.send().await.unwrap().status(), 200);
    polls.wait_for_total("sedes", 1_500).await;
    let run = |arguments: &[&str]| {
        let all: Vec<_> = ["votes"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let done = polls.installation.command(&all).output().unwrap();
        let errors = String::from_utf8(done.stderr).unwrap();
        (
            done.status.success(),
            String::from_utf8(done.stdout).unwrap(),
            errors,
        )
    };
    let election = polls.installation.election.as_str();
    let (success, lines, _) = run(&["export", election]);
    assert!(success);
    let sedes: std::collections::BTreeSet<_> = lines
        .lines()
        .map(|line| {
            let vote: Value = serde_json::from_str(line).unwrap();
            assert_eq!(vote["door"], "http");
            vote["answers"]["sede"]
                .as_str()
                .unwrap()
                .parse::<u32>()
                .unwrap()
        })
        .collect();
    assert!(sedes.into_iter().eq(1..=1_500));
    let (success, csv, _) = run(&["export", election, "--format", "csv"]);
    let heading = "id,received_at,door,sede,departamento,municipio,papeleta,partido\r\n";
    assert!(success && csv.starts_with(heading) && csv.lines().count() == 1_501);
    for (arguments, words) in [
        (&["erase", election][..], "--yes"),
        (&["erase", "--yes", "narnia"], "has the id 'narnia'"),
        (
            &["export", &polls.installation.campaign],
            "takes in registrations",
        ),
    ] {
        let (success, _, told) = run(arguments);
        assert!(!success && told.contains(words), "{told}");
    }
    let (success, told, errors) = run(&["erase", "--yes", election]);
    assert!(success && told == "1500 erased\n", "{told} {errors}");
    polls.wait_for_total("sedes", 0).await;
    assert_eq!(run(&["export", election]).1, "");
}
