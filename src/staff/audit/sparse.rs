//! Attempts that are slowed cost whoever sends them nothing: were each an entry, a flood of them would fill the record and
//! hold up everybody else's. So an instance writes one a second, which says how many were passed over since the last.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Least time between two entries.
const BETWEEN: SignedDuration = SignedDuration::from_secs(1);

/// What becomes an entry at most once a second.
#[derive(Debug, Default)]
pub struct Sparse(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    last: Option<Timestamp>,
    passed_over: u64,
}

impl Sparse {
    /// Whether this one is written, and how many before it were not.
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
    fn of_a_flood_one_a_second_is_written_and_none_is_uncounted() {
        let sparse = Sparse::default();
        let at = |ms: i64| Timestamp::from_millisecond(1_795_000_000_000 + ms).unwrap();
        let admitted = [0, 1, 999, 1_000, 1_500, 5_000, 0].map(|ms| sparse.admit(at(ms)));
        let expected = [Some(0), None, None, Some(2), None, Some(1), Some(0)];
        assert_eq!(admitted, expected, "a clock that is set back writes too");
    }
}
