//! A queue of its own for each test.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

use jornada_domain::QueueRecord;
use jornada_queue::metrics::{ConsumerMetrics, ProducerMetrics};
use jornada_queue::{
    Consumer, Observer, OutgoingRecord, Producer, QueueBatch, QueueSetting, QueueState,
    create_queue,
};
use jornada_testkit::servers::variable;
use prometheus::Registry;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Longest wait for a batch: members of a group find each other slowly.
const PATIENCE: Duration = Duration::from_secs(40);

pub enum Kind {
    Kafka,
    Redis,
}

pub struct TestQueue {
    pub setting: QueueSetting,
}

/// A consumer and its stop.
pub struct Member {
    consumer: Consumer,
    stop: CancellationToken,
    read: VecDeque<QueueRecord>,
}

impl TestQueue {
    /// Creates a new queue with three partitions.
    pub async fn create(kind: Kind) -> Self {
        let setting = setting(&kind);
        assert!(create_queue(&setting, 3, 1).await.unwrap());
        Self { setting }
    }

    pub async fn producer(&self) -> Producer {
        producer(&self.setting).await
    }

    pub fn member(&self, name: &str) -> Member {
        let stop = CancellationToken::new();
        let metrics = ConsumerMetrics::new(&Registry::new()).unwrap();
        let consumer = Consumer::start(&self.setting, name, metrics, stop.clone());
        Member {
            consumer: consumer.unwrap().unwrap(),
            stop,
            read: VecDeque::new(),
        }
    }

    pub async fn state(&self) -> QueueState {
        let observer = Observer::open(&self.setting).unwrap().unwrap();
        observer.state().await.unwrap()
    }
}

impl Member {
    /// Returns the next batch.
    pub async fn next(&mut self) -> QueueBatch {
        let next = timeout(PATIENCE, self.consumer.next());
        next.await.expect("no batch in time").expect("ended")
    }

    /// Reads and acknowledges at least `count` records.
    pub async fn read(&mut self, count: usize) -> Vec<QueueRecord> {
        let mut read = Vec::new();
        while read.len() < count {
            read.push(self.next_record().await);
        }
        read.extend(std::mem::take(&mut self.read));
        read
    }

    pub async fn next_record(&mut self) -> QueueRecord {
        while self.read.is_empty() {
            let batch = self.next().await;
            batch.acknowledgement.acknowledge();
            self.read.extend(batch.records);
        }
        self.read.pop_front().unwrap()
    }

    /// Reads and acknowledges what comes within this time.
    pub async fn read_for(&mut self, time: Duration) -> Vec<QueueRecord> {
        let mut read = Vec::from(std::mem::take(&mut self.read));
        while let Ok(Some(batch)) = timeout(time, self.consumer.next()).await {
            batch.acknowledgement.acknowledge();
            read.extend(batch.records);
        }
        read
    }

    pub async fn reads_nothing_for(&mut self, time: Duration) -> bool {
        timeout(time, self.consumer.next()).await.is_err()
    }

    /// Stops the consumer, and returns what it still handed out.
    pub async fn stop(mut self) -> Vec<QueueRecord> {
        self.stop.cancel();
        let mut read = Vec::from(self.read);
        while let Some(batch) = self.consumer.next().await {
            batch.acknowledgement.acknowledge();
            read.extend(batch.records);
        }
        self.consumer.finish().await;
        read
    }
}

pub async fn producer(setting: &QueueSetting) -> Producer {
    let metrics = ProducerMetrics::new(&Registry::new()).unwrap();
    Producer::open(setting, metrics).await.unwrap().unwrap()
}

/// Returns records with the numbers as keys.
pub fn records(numbers: Range<usize>) -> Vec<OutgoingRecord> {
    let record = |number| OutgoingRecord {
        key: format!("{number:032x}").into_bytes().try_into().unwrap(),
        value: format!("{{\"number\":{number}}}").into_bytes(),
    };
    numbers.map(record).collect()
}

/// Returns the distinct keys.
pub fn keys(records: &[QueueRecord]) -> BTreeSet<&[u8]> {
    let keys = records.iter().map(|record| record.key.as_deref());
    keys.map(Option::unwrap).collect()
}

fn setting(kind: &Kind) -> QueueSetting {
    let name = Uuid::new_v4().simple();
    let url = match kind {
        Kind::Kafka => format!(
            "kafka://{}/votes-{name}?group=g-{name}",
            variable("JORNADA_TEST_KAFKA")
        ),
        Kind::Redis => format!(
            "{}?stream=votes-{name}",
            variable("JORNADA_TEST_REDIS_QUEUE")
        ),
    };
    match QueueSetting::parse(&url).unwrap() {
        QueueSetting::Redis(mut setting) => {
            setting.claim_after = Duration::from_secs(1);
            QueueSetting::Redis(setting)
        }
        setting => setting,
    }
}
