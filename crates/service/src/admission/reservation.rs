//! A token reserved before the outcome is known. It is refunded unless the outcome reveals something, also if the
//! client disconnects first. Parallel requests therefore reveal no more than sequential ones.

use jiff::Timestamp;

use super::AbuseCounters;
use super::rate::RateBucket;

/// An admitted submission or lookup. Dropping it refunds the reserved conflict or miss.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    pub(super) token: ReservedToken,
}

impl Admitted {
    /// Consumes the conflict (or miss) if the outcome revealed whether an identity (or receipt) is known, else refunds
    /// it.
    pub async fn settle(self, revealed: bool) {
        self.token.settle(revealed).await;
    }
}

/// A token that returns to its bucket when it is dropped; `None` for exempt clients.
#[derive(Debug)]
pub(super) struct ReservedToken {
    counters: AbuseCounters,
    bucket: Option<RateBucket>,
}

impl ReservedToken {
    pub(super) fn new(counters: AbuseCounters, bucket: Option<RateBucket>) -> Self {
        Self { counters, bucket }
    }

    pub(super) async fn settle(mut self, is_used: bool) {
        if let Some(bucket) = self.bucket.take().filter(|_| !is_used) {
            self.counters.refund(&bucket, Timestamp::now()).await;
        }
    }
}

impl Drop for ReservedToken {
    fn drop(&mut self) {
        if let Some(bucket) = self.bucket.take() {
            let counters = self.counters.clone();
            tokio::spawn(async move { counters.refund(&bucket, Timestamp::now()).await });
        }
    }
}
