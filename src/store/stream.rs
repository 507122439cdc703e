//! A long list, handed over in batches: reading and decoding go on while the consumer works on the batch before,
//! and wait when it is slower, so that memory stays bounded.

use tokio::sync::mpsc;

use super::StoreError;
use crate::domain::Registration;

/// Rows of one batch.
pub(super) const BATCH: usize = 1_000;

/// Batches that are ready and not yet taken.
const AHEAD: usize = 2;

/// What a reading task puts its batches into.
pub(super) type Sender = mpsc::Sender<Result<Vec<Registration>, StoreError>>;

/// Registrations in batches of about 1,000. Dropping it stops the reading.
#[derive(Debug)]
pub struct Batches(mpsc::Receiver<Result<Vec<Registration>, StoreError>>);

impl Batches {
    pub(super) fn channel() -> (Sender, Self) {
        let (sender, receiver) = mpsc::channel(AHEAD);
        (sender, Self(receiver))
    }

    /// The next registrations; `None` once all were answered. Cancel-safe.
    ///
    /// # Errors
    /// When the store stops answering: the list is not whole.
    pub async fn next(&mut self) -> Result<Option<Vec<Registration>>, StoreError> {
        self.0.recv().await.transpose()
    }
}
