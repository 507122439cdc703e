//! Limits the audit entries for rate-limited login attempts, which cost an attacker nothing. A flood of them would fill
//! the audit log and delay other entries. So each instance writes at most one per second, with the number of skipped
//! ones.

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// Minimum time between two entries.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// Admits at most one event per second and counts the rest.
#[derive(Debug, Default)]
pub struct EventSampler(Mutex<SamplerState>);

#[derive(Debug, Default)]
struct SamplerState {
    last: Option<Timestamp>,
    skipped: u64,
}

impl EventSampler {
    /// Returns the number of events skipped since the last admitted one, or `None` if this one is skipped too.
    pub fn admit(&self, now: Timestamp) -> Option<u64> {
        let mut state = self.0.lock();
        let is_due = |last: Timestamp| now.duration_since(last).abs() >= MIN_INTERVAL;
        if state.last.is_none_or(is_due) {
            state.last = Some(now);
            return Some(std::mem::take(&mut state.skipped));
        }
        state.skipped += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_a_second_is_admitted_and_the_others_are_counted() {
        let sparse = EventSampler::default();
        let at = |ms: i64| Timestamp::from_millisecond(1_795_000_000_000 + ms).unwrap();
        let admitted = [0, 1, 999, 1_000, 1_500, 5_000, 0].map(|ms| sparse.admit(at(ms)));
        let expected = [Some(0), None, None, Some(2), None, Some(1), Some(0)];
        assert_eq!(admitted, expected, "a clock that is set back writes too");
    }
}
