//! The queue of votes between doors and store: Kafka or Redis Streams.
//!
//! A [`Producer`] sends records and waits for the acknowledgement of the broker. A [`Consumer`] reads them in batches and
//! removes a batch from the queue only after it was acknowledged, so a record may be read again but is never lost. An
//! [`Observer`] tells how many records wait.

mod batch;
mod breaker;
mod budget;
mod consumer;
mod error;
mod kafka;
pub mod metrics;
mod observer;
mod outgoing;
mod producer;
mod redis;
mod setting;
mod state;

pub use batch::{Acknowledgement, MAX_PENDING_BATCHES, QueueBatch};
pub use consumer::Consumer;
pub use error::QueueError;
pub use observer::{Observer, create_queue};
pub use outgoing::OutgoingRecord;
pub use producer::Producer;
pub use setting::{KafkaLogin, KafkaSetting, QueueSetting, RedisSetting};
pub use state::QueueState;
