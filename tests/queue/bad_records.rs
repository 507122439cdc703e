//! Records of other programs that cannot become votes are kept as dead letters, and touch nothing else.

use std::time::Duration;

use jornada_testkit::queue::QueueKind;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};

use crate::on_both_queues;
use crate::poll::{Poll, metric, ready, vote};

on_both_queues!(
    each_bad_record_is_a_dead_letter_and_the_others_are_stored,
    a_consumer_stops_after_too_many_dead_letters,
);

/// A record as a foreign program sends it.
struct Foreign {
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    campaign: Option<String>,
}

fn foreign(key: &str, value: impl Into<Vec<u8>>) -> Foreign {
    Foreign {
        key: Some(key.into()),
        value: value.into(),
        campaign: None,
    }
}

/// Writes records into the queue of an installation.
async fn write(poll: &Poll, kind: QueueKind, records: Vec<Foreign>) {
    let settings = poll.installation.settings.iter();
    let queue = settings.clone().find(|(name, _)| name == "JORNADA_QUEUE");
    let url = queue.unwrap().1.clone();
    let (server, name) = match kind {
        QueueKind::Kafka => {
            let rest = url.strip_prefix("kafka://").unwrap();
            rest.split_once('?').unwrap().0.split_once('/').unwrap()
        }
        QueueKind::Redis => url.split_once("?stream=").unwrap(),
    };
    match kind {
        QueueKind::Kafka => write_to_kafka(server, name, records),
        QueueKind::Redis => write_to_redis(server, name, records).await,
    }
}

fn write_to_kafka(server: &str, topic: &str, records: Vec<Foreign>) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", server)
        .set("message.max.bytes", "4000000")
        .create()
        .unwrap();
    for record in records {
        let mut sent = BaseRecord::to(topic).payload(&record.value);
        sent.key = record.key.as_ref();
        sent.headers = record.campaign.as_deref().map(|campaign| {
            OwnedHeaders::new().insert(Header {
                key: "campaign",
                value: Some(campaign),
            })
        });
        producer.send(sent).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();
    assert_eq!(producer.in_flight_count(), 0);
}

async fn write_to_redis(server: &str, stream: &str, records: Vec<Foreign>) {
    let client = ::redis::Client::open(server).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for record in records {
        let mut append = ::redis::cmd("XADD");
        append.arg(stream).arg("*").arg("value").arg(record.value);
        if let Some(key) = record.key {
            append.arg("key").arg(key);
        }
        if let Some(campaign) = record.campaign {
            append.arg("campaign").arg(campaign);
        }
        append.query_async::<()>(&mut connection).await.unwrap();
    }
}

fn with_campaign(mut vote: Value, campaign: &str) -> Value {
    vote["_campaign"] = campaign.into();
    vote
}

async fn each_bad_record_is_a_dead_letter_and_the_others_are_stored(kind: QueueKind) {
    let poll = Poll::start(kind).await;
    let election = poll.installation.election.clone();
    let of_election = |number| with_campaign(vote(number), &election).to_string();
    let bad = [
        ("not_json", foreign("key-not-json", "no json")),
        ("not_json", foreign("key-array", "[1]")),
        ("not_json", foreign("key-utf8", b"{\"sede\": \"\xff\"}")),
        ("not_json", foreign("key-empty", "")),
        ("not_json", foreign("key-deep", "[".repeat(60_000))),
        (
            "no_campaign",
            foreign("key-no-campaign", vote(1).to_string()),
        ),
        (
            "unknown_campaign",
            foreign("key-unknown", with_campaign(vote(1), "otra").to_string()),
        ),
        (
            "other_kind",
            foreign(
                "key-other-kind",
                with_campaign(vote(1), &poll.installation.campaign).to_string(),
            ),
        ),
        (
            "invalid",
            foreign(
                "key-invalid",
                with_campaign(json!({"sede": 1}), &election).to_string(),
            ),
        ),
        (
            "invalid",
            foreign(
                "key-repeated",
                of_election(1).replacen('{', "{\"sede\":1,", 1),
            ),
        ),
        (
            "no_id",
            Foreign {
                key: None,
                ..foreign("", of_election(1))
            },
        ),
        ("bad_id", foreign("short", of_election(1))),
        ("too_large", foreign("key-large", "x".repeat(900_000))),
    ];
    let mut records = vec![foreign("good-vote-0001", of_election(1))];
    let mut reasons = std::collections::BTreeMap::new();
    for (reason, record) in bad {
        *reasons.entry(reason).or_insert(0_u8) += 1;
        records.push(record);
    }
    // The same key for another vote; a campaign in the header; an id as key.
    records.push(foreign("good-vote-0001", of_election(2)));
    *reasons.entry("conflict").or_insert(0) += 1;
    records.push(Foreign {
        campaign: Some(election.clone()),
        ..foreign("good-vote-0002", vote(3).to_string())
    });
    records.push(foreign(&"0123456789abcdef".repeat(2), of_election(4)));
    write(&poll, kind, records).await;
    let consumer = poll.consumer().await;
    poll.require_exactly(3).await;
    for (reason, expected) in &reasons {
        let name = format!("jornada_dead_letters_total{{reason=\"{reason}\"}}");
        assert_eq!(
            metric(&consumer.ops, &name).await,
            Some(f64::from(*expected)),
            "{reason}"
        );
    }
    let kept = reasons.values().map(|count| f64::from(*count)).sum::<f64>();
    poll.app
        .wait_until("the dead letters are counted", async |_| {
            metric(&consumer.ops, "jornada_dead_letters").await == Some(kept)
        })
        .await;
    assert!(ready(&consumer.ops).await);
    // Nothing of what was sent is in the log.
    assert!(
        consumer
            .process
            .log()
            .iter()
            .all(|line| !line.contains("Mixco"))
    );
}

async fn a_consumer_stops_after_too_many_dead_letters(kind: QueueKind) {
    let poll = Poll::start(kind).await;
    let bad = (0..150).map(|number| foreign(&format!("key-{number:05}"), "no json"));
    write(&poll, kind, bad.collect()).await;
    let mut consumer = poll.consumer().await;
    poll.app
        .wait_until("the consumer has stopped", async |_| {
            metric(&consumer.ops, "jornada_consumer_stopped").await == Some(1.0)
                && !ready(&consumer.ops).await
        })
        .await;
    // It leaves the group, and reads no more.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(poll.cast(&vote(1), "waiting-vote").await.status(), 202);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(poll.counted().await, 0);
    consumer.process.signal("-TERM");
    assert!(consumer.process.wait_for_exit().await.success());
    let _next = poll.consumer().await;
    poll.require_exactly(1).await;
}
