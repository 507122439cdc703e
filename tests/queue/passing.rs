//! Votes pass the queue, whatever door they come by.

use jornada_proto::v1::votes_client::VotesClient;
use jornada_proto::v1::{Status, Vote};
use jornada_testkit::queue::QueueKind;
use serde_json::{Value, json};
use tonic::transport::Endpoint;

use crate::on_both_queues;
use crate::poll::{Poll, body, metric, ready, vote};

on_both_queues!(
    every_door_queues_votes_and_each_is_stored_once,
    the_form_shows_its_receipt_at_once,
    several_consumers_share_the_work,
);

async fn every_door_queues_votes_and_each_is_stored_once(kind: QueueKind) {
    let poll = Poll::start(kind).await;
    let ops = &poll.app.ops;
    assert_eq!(metric(ops, "jornada_queue_up").await, Some(1.0));
    // Nobody reads yet: acknowledged votes wait.
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = poll.cast(&vote(1), "key-of-a-vote").await;
        assert_eq!(answer.status(), 202);
        let told = body(answer).await;
        assert_eq!(told["status"], "queued");
        ids.push(told["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    let votes: Vec<Value> = (0..1_500).map(vote).chain([json!({"sede": "x"})]).collect();
    let told = poll.cast_batch(&votes, "a-whole-batch").await;
    assert_eq!(told["accepted"], 1_500);
    assert_eq!(told["results"][7]["status"], "queued");
    assert_eq!(told["results"][1_500]["status"], "invalid");
    let endpoint = Endpoint::from_shared(poll.app.grpc.clone()).unwrap();
    let mut grpc = VotesClient::new(endpoint.connect().await.unwrap());
    let answers = vote(3).as_object().unwrap().clone().into_iter();
    let answers = answers.map(|(name, value)| (name, value.to_string().replace('"', "")));
    let outcome = grpc.cast(Vote {
        campaign: poll.installation.election.clone(),
        idempotency_key: String::new(),
        answers: answers.collect(),
    });
    let outcome = outcome.await.unwrap().into_inner();
    assert_eq!(outcome.status(), Status::Queued);
    let status = poll
        .installation
        .command(&["queue", "status"])
        .output()
        .unwrap();
    let told = String::from_utf8(status.stdout).unwrap();
    assert!(told.contains("votes that are not stored: 1503\n"), "{told}");
    assert!(!status.status.success(), "nobody reads");

    let mut consumer = poll.consumer().await;
    poll.require_exactly(1_502).await;
    // A late retry finds its vote stored.
    let again = poll.cast(&vote(1), "key-of-a-vote").await;
    assert_eq!(again.status(), 202);
    poll.app
        .wait_until("the retry was found to be stored", async |_| {
            let name = "jornada_consumer_votes_total";
            let labels = format!(
                "{{campaign=\"{}\",outcome=\"repeated\"}}",
                poll.installation.election
            );
            metric(&consumer.ops, &(name.to_owned() + &labels)).await == Some(2.0)
        })
        .await;
    poll.require_exactly(1_502).await;
    poll.app
        .wait_until("nothing waits", async |_| {
            ready(&consumer.ops).await
                && metric(&consumer.ops, "jornada_queue_lag_votes").await == Some(0.0)
                && metric(&consumer.ops, "jornada_queue_consumers").await == Some(1.0)
        })
        .await;
    let told = poll.installation.run(&["queue", "status"]);
    assert!(told.contains("consumers: 1\n"), "{told}");
    consumer.process.signal("-TERM");
    assert!(consumer.process.wait_for_exit().await.success());
    let told = poll.installation.run(&["queue", "status"]);
    assert!(told.contains("consumers: 0\n"), "{told}");
}

async fn the_form_shows_its_receipt_at_once(kind: QueueKind) {
    let poll = Poll::start(kind).await;
    let campaign = &poll.installation.contest;
    let form = reqwest::multipart::Form::new()
        .text("artista", "Los Ejemplos")
        .text("album", "Uno")
        .text("puesto", "1");
    let url = format!("{}/api/v1/campaigns/{campaign}/votes", poll.app.base);
    let sent = poll.app.http.post(url).multipart(form);
    let sent = sent
        .header("Idempotency-Key", "form-0001")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 201);
    let receipt = body(sent).await["receipt"].as_str().unwrap().to_owned();
    assert_eq!(poll.app.get(&format!("/r/{receipt}")).await.status(), 200);
}

async fn several_consumers_share_the_work(kind: QueueKind) {
    let poll = Poll::start(kind).await;
    let first = poll.consumer().await;
    let mut stored = 0;
    let mut others = Vec::new();
    for round in 0..20 {
        let votes: Vec<Value> = (0..500).map(vote).collect();
        let told = poll.cast_batch(&votes, &format!("batch-{round:04}")).await;
        stored += told["accepted"].as_u64().unwrap();
        match round {
            3 => others.extend([poll.consumer().await, poll.consumer().await]),
            // All but one leave, in the middle of the work.
            12 => {
                for other in &others {
                    other.process.signal("-TERM");
                }
            }
            _ => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
        }
    }
    assert_eq!(stored, 10_000);
    poll.require_exactly(10_000).await;
    for mut other in others {
        assert!(other.process.wait_for_exit().await.success());
    }
    assert!(ready(&first.ops).await);
}
