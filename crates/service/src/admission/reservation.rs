//! A token reserved before the outcome is known. It is refunded unless the outcome reveals something, also if the
//! client disconnects first. Parallel requests therefore reveal no more than sequential ones.

use jiff::Timestamp;

use super::AbuseCounters;
use super::rate::RateBucket;

/// An admitted submission or lookup. Dropping it refunds the reserved conflict or miss.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    pub(super) counters: AbuseCounters,
    /// The bucket of the reserved token; `None` for exempt clients.
    pub(super) bucket: Option<RateBucket>,
}

impl Admitted {
    /// Consumes the conflict (or miss) if the outcome revealed whether an identity (or receipt) is known, else refunds
    /// it.
    pub async fn settle(mut self, revealed: bool) {
        if let Some(bucket) = self.bucket.take().filter(|_| !revealed) {
            self.counters.refund(&bucket, Timestamp::now()).await;
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(bucket) = self.bucket.take() {
            let counters = self.counters.clone();
            tokio::spawn(async move { counters.refund(&bucket, Timestamp::now()).await });
        }
    }
}
