//! What a load came to, as its clients saw it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::answer::Verdict;
use super::client::Outcome;

/// One line for a table; all times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Registrations that were sent.
    pub sent: u32,
    /// Those with a receipt.
    pub acknowledged: u32,
    /// Those without, after all tries.
    pub failed: u32,
    /// Tries that failed; a registration may have several and still be acknowledged.
    pub failed_attempts: u32,
    /// Failed tries and refusals by status, `silence` where there was no answer.
    pub failures: BTreeMap<String, u32>,
    /// Registrations that were due and not sent, because too many were under way.
    pub held_back: u32,
    /// How long the run took.
    pub ms: u64,
    /// Longest time from the first try to the receipt, or to giving up.
    pub longest_wait_ms: u64,
    /// Longest time in which nobody got a receipt while somebody waited for one.
    pub longest_silence_ms: u64,
    /// Half of those with a receipt waited no longer.
    pub p50_ms: u64,
    /// 90 of 100 waited no longer.
    pub p90_ms: u64,
    /// 99 of 100 waited no longer.
    pub p99_ms: u64,
}

/// Counts outcomes as they come.
#[derive(Debug)]
pub struct Count {
    summary: Summary,
    waits: Vec<Duration>,
    started: Instant,
    last_receipt: Instant,
}

impl Count {
    /// Begins at `now`.
    #[must_use]
    pub fn begin(now: Instant) -> Self {
        Self {
            summary: Summary::default(),
            waits: Vec::new(),
            started: now,
            last_receipt: now,
        }
    }

    /// Notes one that is on its way.
    pub fn sent(&mut self) {
        self.summary.sent += 1;
    }

    /// Notes one that had to stay back.
    pub fn held_back(&mut self) {
        self.summary.held_back += 1;
    }

    /// How many were sent so far.
    #[must_use]
    pub fn sent_so_far(&self) -> u32 {
        self.summary.sent
    }

    /// Notes what came of one, at `now`.
    pub fn came(&mut self, outcome: &Outcome, now: Instant) {
        let summary = &mut self.summary;
        summary.longest_wait_ms = summary.longest_wait_ms.max(ms(outcome.waited));
        summary.failed_attempts += u32::try_from(outcome.failed.len()).unwrap_or(u32::MAX);
        for status in &outcome.failed {
            let name = status.map_or_else(|| "silence".to_owned(), |status| status.to_string());
            *summary.failures.entry(name).or_default() += 1;
        }
        match outcome.last {
            Verdict::Registered(_) => {
                summary.acknowledged += 1;
                self.waits.push(outcome.waited);
                // Before the one who waits was there, silence means nothing.
                let waiting_since = now.checked_sub(outcome.waited).unwrap_or(self.started);
                let silence = now.duration_since(self.last_receipt.max(waiting_since));
                summary.longest_silence_ms = summary.longest_silence_ms.max(ms(silence));
                self.last_receipt = now;
            }
            Verdict::Refused(status) => {
                summary.failed += 1;
                *summary.failures.entry(status.to_string()).or_default() += 1;
            }
            Verdict::Again { .. } => summary.failed += 1,
        }
    }

    /// Sums up at `now`.
    #[must_use]
    pub fn end(mut self, now: Instant) -> Summary {
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
    use crate::load::answer::Registered;

    fn after(waited_ms: u64, failed: &[Option<u16>], last: Verdict) -> Outcome {
        Outcome {
            last,
            failed: failed.to_vec(),
            waited: Duration::from_millis(waited_ms),
        }
    }

    fn registered() -> Verdict {
        Verdict::Registered(Registered {
            id: String::new(),
            receipt: String::new(),
        })
    }

    #[test]
    fn failures_are_told_apart() {
        let start = Instant::now();
        let mut count = Count::begin(start);
        count.came(&after(10, &[], registered()), start);
        count.came(&after(900, &[None, Some(503)], registered()), start);
        count.came(&after(5, &[], Verdict::Refused(422)), start);
        count.came(&after(60_000, &[Some(503)], Verdict::SILENCE), start);
        let summary = count.end(start);
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
        let mut count = Count::begin(start);
        for wait in 1..=200 {
            count.came(&after(wait, &[], registered()), start);
        }
        let summary = count.end(start);
        assert_eq!(
            [summary.p50_ms, summary.p90_ms, summary.p99_ms],
            [100, 180, 198]
        );
        let nobody = Count::begin(start).end(start);
        assert_eq!(nobody.p99_ms, 0);
    }

    #[test]
    fn silence_counts_only_while_somebody_waits() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut count = Count::begin(start);
        count.came(&after(10, &[], registered()), at(10));
        // Nobody came for a minute, then one was served at once.
        count.came(&after(20, &[], registered()), at(60_000));
        count.came(&after(2_500, &[], registered()), at(62_400));
        count.came(&after(2_500, &[], registered()), at(62_450));
        assert_eq!(count.end(at(62_450)).longest_silence_ms, 2_400);
    }
}
