//! Limits the audit entries for rate-limited login attempts, which cost an attacker nothing. A flood of them would fill
//! the audit log and delay other entries. So each instance writes at most one per second, with the number of skipped
//! ones.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Minimum time between two entries.
const BETWEEN: SignedDuration = SignedDuration::from_secs(1);

/// Admits at most one event per second and counts the rest.
#[derive(Debug, Default)]
pub struct Sparse(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    last: Option<Timestamp>,
    passed_over: u64,
}

impl Sparse {
    /// Returns the number of events skipped since the last admitted one, or `None` if this one is skipped too.
    pub fn admit(&self, now: Timestamp) -> Option<u64> {
        let mut past = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |last: Timestamp| now.duration_since(last).abs() >= BETWEEN;
        if past.last.is_none_or(is_due) {
            past.last = Some(now);
            return Some(std::mem::take(&mut past.passed_over));
        }
        past.passed_over += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_a_second_is_admitted_and_the_others_are_counted() {
        let sparse = Sparse::default();
        let at = |ms: i64| Timestamp::from_millisecond(1_795_000_000_000 + ms).unwrap();
        let admitted = [0, 1, 999, 1_000, 1_500, 5_000, 0].map(|ms| sparse.admit(at(ms)));
        let expected = [Some(0), None, None, Some(2), None, Some(1), Some(0)];
        assert_eq!(admitted, expected, "a clock that is set back writes too");
    }
}
