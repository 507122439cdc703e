//! A token reserved before the answer is known. It is refunded unless the answer reveals something, also when the client
//! disconnects first. So parallel requests reveal no more than the same requests in a row.

use std::net::IpAddr;

use jiff::Timestamp;

use super::rate::RateBucket;
use super::{AbuseCounters, Admission, Denied, Evidence};
use crate::domain::Campaign;

/// A counted registration attempt with one reserved conflict. Dropping it refunds the conflict.
#[derive(Debug)]
#[must_use]
pub struct Reservation<'a> {
    pub(super) admission: &'a Admission,
    pub(super) client: IpAddr,
    pub(super) token: ReservedToken,
}

/// An admitted submission or lookup. Dropping it refunds the reserved conflict or miss.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    pub(super) token: ReservedToken,
}

impl Reservation<'_> {
    /// Checks bot signals, then consumes the proof of work where the campaign requires one.
    ///
    /// # Errors
    /// Every [`Denied`] but `RateLimited`. The conflict is refunded.
    pub async fn check(
        self,
        campaign: &Campaign,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Result<Admitted, Denied> {
        let Self {
            admission,
            client,
            token,
        } = self;
        match admission.check(client, campaign, evidence, now).await {
            Ok(()) => Ok(Admitted { token }),
            Err(denied) => {
                token.settle(false).await;
                Err(denied)
            }
        }
    }
}

impl Admitted {
    /// Keeps the conflict (or miss) if the outcome revealed whether an identity (or receipt) is known, else refunds it.
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

    async fn settle(mut self, is_used: bool) {
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
