//! Reads the queue in batches.

use std::thread::JoinHandle;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::batch::{MAX_PENDING_BATCHES, QueueBatch};
use crate::error::QueueError;
use crate::kafka;
use crate::metrics::ConsumerMetrics;
use crate::redis;
use crate::setting::QueueSetting;

/// One member of the group of consumers.
#[derive(Debug)]
pub struct Consumer {
    batches: mpsc::Receiver<QueueBatch>,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Thread(JoinHandle<()>),
    Task(tokio::task::JoinHandle<()>),
}

impl Consumer {
    /// Starts to read. `name` is that of this process. A queue that is down or does not exist is tried again until `stop`,
    /// after which the reader waits shortly for the acknowledgement of what it has read, and leaves the group. `None` for
    /// [`QueueSetting::Direct`].
    pub fn start(
        setting: &QueueSetting,
        name: &str,
        metrics: ConsumerMetrics,
        stop: CancellationToken,
    ) -> Result<Option<Self>, QueueError> {
        // A batch waits here only if it was counted as pending before, so the channel is never full.
        let (sender, batches) = mpsc::channel(MAX_PENDING_BATCHES);
        let reader = match setting {
            QueueSetting::Direct => return Ok(None),
            QueueSetting::Kafka(setting) => {
                let reader = kafka::consumer::Reader::new(setting, metrics, sender, stop);
                Reader::Thread(reader.start()?)
            }
            QueueSetting::Redis(setting) => {
                let reader = redis::consumer::Reader::new(setting, name, metrics, sender)?;
                Reader::Task(tokio::spawn(reader.run(stop)))
            }
        };
        Ok(Some(Self { batches, reader }))
    }

    /// Waits for the next batch. `None` after the stop, when all batches were returned.
    pub async fn next(&mut self) -> Option<QueueBatch> {
        self.batches.recv().await
    }

    /// Waits until the reader has told the queue what was acknowledged, and has left the group.
    pub async fn finish(self) {
        match self.reader {
            Reader::Thread(thread) => {
                spawn_blocking(move || thread.join().ok()).await.ok();
            }
            Reader::Task(task) => {
                task.await.ok();
            }
        }
    }
}
