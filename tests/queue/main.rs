//! Votes through a queue: the real doors and consumers on real brokers.

#![expect(clippy::unwrap_used, reason = "a test fails at once")]

mod bad_records;
mod deaths;
mod outages;
mod passing;
mod poll;

/// Runs tests on both queues.
#[macro_export]
macro_rules! on_both_queues {
    ($($name:ident),* $(,)?) => {
        mod kafka { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(jornada_testkit::queue::QueueKind::Kafka).await; }
        )* }
        mod redis { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(jornada_testkit::queue::QueueKind::Redis).await; }
        )* }
    };
}
