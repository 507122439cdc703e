//! A shutdown under a stream of votes: what was acknowledged is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use jornada_proto::v1::{Status as VoteStatus, VoteBatch};
use jornada_testkit::instance::{Installation, Stores};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::grpc::{client, connect, vote};
use crate::on_both;

on_both!(every_acknowledged_vote_survives_a_shutdown);

async fn every_acknowledged_vote_survives_a_shutdown(stores: Stores) {
    let installation = Installation::new(stores);
    let mut app = installation.start().await;
    let mut votes = client(&app).await;
    let contest = installation.contest.clone();
    let (sender, sent) = mpsc::channel(100);
    let sending = tokio::spawn(async move {
        let numbers = 0_u64..;
        for number in numbers {
            let vote = vote(&contest, &format!("shutdown-{number}"), "Shakira");
            if sender.send(vote).await.is_err() {
                return;
            }
        }
    });
    let outcomes = votes.cast_stream(ReceiverStream::new(sent)).await.unwrap();
    let mut outcomes = outcomes.into_inner();
    let mut acknowledged = BTreeMap::new();
    let end = loop {
        match outcomes.next().await.unwrap() {
            Ok(outcome) => {
                assert_eq!(outcome.status(), VoteStatus::Stored);
                acknowledged.insert(outcome.index, outcome.id);
                if acknowledged.len() == 500 {
                    app.signal("-TERM");
                }
            }
            Err(end) => break end,
        }
    };
    assert_eq!(end.code(), Code::Unavailable, "{end:?}");
    assert!(acknowledged.len() >= 500);
    sending.await.unwrap();
    assert!(app.wait_for_exit().await.success());
    let app = installation.start().await;
    let mut client = client(&app).await;
    let all: Vec<_> = acknowledged.into_iter().collect();
    for chunk in all.chunks(1_000) {
        let again = chunk.iter();
        let again = again.map(|(number, _)| vote("", &format!("shutdown-{number}"), "Shakira"));
        let batch = VoteBatch {
            campaign: installation.contest.clone(),
            votes: again.collect(),
            ..VoteBatch::default()
        };
        let again = client.cast_batch(batch).await.unwrap().into_inner();
        for ((number, id), outcome) in chunk.iter().zip(again.outcomes) {
            assert_eq!(outcome.status(), VoteStatus::AlreadyStored, "vote {number}");
            assert_eq!(&outcome.id, id);
        }
    }
    let path = format!("/api/v1/campaigns/{}/tallies/artista", installation.contest);
    let count = u64::try_from(all.len()).unwrap();
    app.wait_until("they are counted", async |app| {
        let tally: serde_json::Value = app.get(&path).await.json().await.unwrap_or_default();
        // Votes whose outcome was still on its way may be stored, too.
        tally["total"]
            .as_u64()
            .is_some_and(|total| (count..count + 3_000).contains(&total))
    })
    .await;
}

#[tokio::test]
async fn health_ends_with_not_serving() {
    let mut app = Installation::new(Stores::Embedded).start().await;
    let mut health = HealthClient::new(connect(&app.grpc).await);
    let service = "jornada.v1.Votes".to_owned();
    let statuses = health.watch(HealthCheckRequest { service }).await.unwrap();
    let mut statuses = statuses.into_inner();
    assert_eq!(statuses.next().await.unwrap().unwrap().status, 1, "serving");
    app.signal("-TERM");
    let next = tokio::time::timeout(Duration::from_secs(5), statuses.next()).await;
    assert_eq!(next.unwrap().unwrap().unwrap().status, 2, "not serving");
    assert!(statuses.next().await.is_none(), "it holds up no shutdown");
    assert!(app.wait_for_exit().await.success());
}
