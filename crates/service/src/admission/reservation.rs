//! A token reserved before the outcome is known. It is refunded unless the outcome reveals something, also if the
//! client disconnects first. Parallel requests therefore reveal no more than sequential ones.

use super::AbuseCounters;
use super::counters::TakenFrom;
use super::rate::RateBucket;

/// An admitted submission or lookup. Dropping it refunds the reserved conflict or miss.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    counters: AbuseCounters,
    /// The bucket of the reserved token; `None` for exempt clients.
    reserved: Option<(RateBucket, TakenFrom)>,
}

impl Admitted {
    /// Admits a client whose reserved token, if it has one, was taken from this bucket.
    pub(super) fn new(counters: AbuseCounters, reserved: Option<(RateBucket, TakenFrom)>) -> Self {
        Self { counters, reserved }
    }

    /// Consumes the conflict (or miss) if the outcome revealed whether an identity (or receipt) is known, else refunds
    /// it.
    pub fn settle(mut self, revealed: bool) {
        if revealed {
            self.reserved = None;
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some((bucket, from)) = self.reserved.take() {
            self.counters.refund(bucket, from);
        }
    }
}
