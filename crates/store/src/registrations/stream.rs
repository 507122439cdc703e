//! Streams long lists in batches. Reading and decoding run ahead of the consumer and wait when it is slower, so that
//! memory stays bounded.

use tokio::sync::mpsc;

use crate::error::Result;
use jornada_domain::Registration;

/// Rows per batch.
pub(crate) const BATCH_SIZE: usize = 1_000;

/// Batches read ahead of the consumer.
const MAX_BATCHES_AHEAD: usize = 2;

/// Sends batches from the reading task.
pub(crate) type BatchSender = mpsc::Sender<Result<Vec<Registration>>>;

/// Registrations in batches of about 1,000. Dropping it stops the reading.
#[derive(Debug)]
pub struct RegistrationStream(mpsc::Receiver<Result<Vec<Registration>>>);

impl RegistrationStream {
    pub(crate) fn channel() -> (BatchSender, Self) {
        let (sender, receiver) = mpsc::channel(MAX_BATCHES_AHEAD);
        (sender, Self(receiver))
    }

    /// Returns the next batch; `None` after the last one. After an error the list is incomplete. Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<Vec<Registration>>> {
        self.0.recv().await.transpose()
    }
}
