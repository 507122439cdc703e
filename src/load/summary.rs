//! Statistics of a load, as its clients observed it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::attempt::AttemptResult;
use super::client::Outcome;

/// Statistics of a load; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Registrations sent.
    pub sent: u32,
    /// Registrations with a receipt.
    pub acknowledged: u32,
    /// Registrations without a receipt after all attempts.
    pub failed: u32,
    /// Failed attempts; a registration may have several and still be acknowledged.
    pub failed_attempts: u32,
    /// Failed attempts and rejections by status; `silence` without a response.
    pub failures: BTreeMap<String, u32>,
    /// Registrations skipped because too many requests were in progress.
    pub held_back: u32,
    /// Duration of the run.
    pub ms: u64,
    /// Maximum time from the first attempt to the receipt or the last failure.
    pub longest_wait_ms: u64,
    /// Maximum time without any receipt while at least one request was in progress.
    pub longest_silence_ms: u64,
    /// Median time to a receipt.
    pub p50_ms: u64,
    /// 90th percentile of the time to a receipt.
    pub p90_ms: u64,
    /// 99th percentile of the time to a receipt.
    pub p99_ms: u64,
}

/// Collects outcomes during a run.
#[derive(Debug)]
pub struct OutcomeStats {
    /// The counts so far, without times.
    pub summary: Summary,
    waits: Vec<Duration>,
    started: Instant,
    last_receipt: Instant,
}

impl OutcomeStats {
    /// Starts collecting at `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            summary: Summary::default(),
            waits: Vec::new(),
            started: now,
            last_receipt: now,
        }
    }

    /// Records the outcome of a registration at `now`.
    pub fn record_outcome(&mut self, outcome: &Outcome, now: Instant) {
        let summary = &mut self.summary;
        summary.longest_wait_ms = summary.longest_wait_ms.max(ms(outcome.waited));
        summary.failed_attempts += u32::try_from(outcome.failed_statuses.len()).unwrap_or(u32::MAX);
        for status in &outcome.failed_statuses {
            let name = status.map_or_else(|| "silence".to_owned(), |status| status.to_string());
            *summary.failures.entry(name).or_default() += 1;
        }
        match outcome.result {
            AttemptResult::Registered(_) => {
                summary.acknowledged += 1;
                self.waits.push(outcome.waited);
                // Silence before this request started does not count.
                let waiting_since = now.checked_sub(outcome.waited).unwrap_or(self.started);
                let silence = now.duration_since(self.last_receipt.max(waiting_since));
                summary.longest_silence_ms = summary.longest_silence_ms.max(ms(silence));
                self.last_receipt = now;
            }
            AttemptResult::Rejected(status) => {
                summary.failed += 1;
                *summary.failures.entry(status.to_string()).or_default() += 1;
            }
            AttemptResult::Retry { .. } => summary.failed += 1,
        }
    }

    /// Returns the summary as of `now`.
    pub fn finish(mut self, now: Instant) -> Summary {
        self.waits.sort_unstable();
        let percentile = |hundredth: usize| {
            let place = (self.waits.len() * hundredth).div_ceil(100).max(1) - 1;
            self.waits.get(place).copied().map_or(0, ms)
        };
        Summary {
            ms: ms(now.duration_since(self.started)),
            p50_ms: percentile(50),
            p90_ms: percentile(90),
            p99_ms: percentile(99),
            ..self.summary
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::attempt::RegistrationReply;

    fn after(waited_ms: u64, failed: &[Option<u16>], last: AttemptResult) -> Outcome {
        Outcome {
            result: last,
            failed_statuses: failed.to_vec(),
            waited: Duration::from_millis(waited_ms),
        }
    }

    fn registered() -> AttemptResult {
        AttemptResult::Registered(RegistrationReply {
            id: String::new(),
            receipt: String::new(),
        })
    }

    #[test]
    fn failures_are_told_apart() {
        let start = Instant::now();
        let mut count = OutcomeStats::new(start);
        count.record_outcome(&after(10, &[], registered()), start);
        count.record_outcome(&after(900, &[None, Some(503)], registered()), start);
        count.record_outcome(&after(5, &[], AttemptResult::Rejected(422)), start);
        count.record_outcome(
            &after(60_000, &[Some(503)], AttemptResult::NO_RESPONSE),
            start,
        );
        let summary = count.finish(start);
        assert_eq!((summary.acknowledged, summary.failed), (2, 2));
        assert_eq!(summary.failed_attempts, 3);
        let failures = [("422", 1), ("503", 2), ("silence", 1)];
        assert!(
            summary
                .failures
                .iter()
                .map(|(name, n)| (name.as_str(), *n))
                .eq(failures)
        );
        assert_eq!(summary.longest_wait_ms, 60_000);
    }

    #[test]
    fn percentiles_are_of_those_with_a_receipt() {
        let start = Instant::now();
        let mut count = OutcomeStats::new(start);
        for wait in 1..=200 {
            count.record_outcome(&after(wait, &[], registered()), start);
        }
        let summary = count.finish(start);
        assert_eq!(
            [summary.p50_ms, summary.p90_ms, summary.p99_ms],
            [100, 180, 198]
        );
        let nobody = OutcomeStats::new(start).finish(start);
        assert_eq!(nobody.p99_ms, 0);
    }

    #[test]
    fn silence_counts_only_while_somebody_waits() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut count = OutcomeStats::new(start);
        count.record_outcome(&after(10, &[], registered()), at(10));
        // No request for a minute, then one that is answered at once.
        count.record_outcome(&after(20, &[], registered()), at(60_000));
        count.record_outcome(&after(2_500, &[], registered()), at(62_400));
        count.record_outcome(&after(2_500, &[], registered()), at(62_450));
        assert_eq!(count.finish(at(62_450)).longest_silence_ms, 2_400);
    }
}
