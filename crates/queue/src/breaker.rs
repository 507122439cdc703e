//! Decides whether records are sent to the queue at all: after a failure they are not, except for one attempt a second.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Time between two attempts while the queue is down.
const TRIAL_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the queue takes records.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// The last record was acknowledged.
    Up,
    /// The last one was not.
    Down { next_trial: Instant },
    /// Nothing was sent yet.
    #[default]
    Unknown,
}

/// Whether records may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Send them.
    Send,
    /// Send them after a check of the broker: the queue was down.
    Try,
    /// Do not send them: the queue is down.
    Refused,
}

impl Breaker {
    /// Returns what to do with records now.
    pub(crate) fn permission(&self, now: Instant) -> Permission {
        let mut state = self.0.lock();
        match &*state {
            State::Up => Permission::Send,
            State::Down { next_trial } if now < *next_trial => Permission::Refused,
            State::Down { .. } | State::Unknown => {
                let next_trial = now + TRIAL_INTERVAL;
                *state = State::Down { next_trial };
                Permission::Try
            }
        }
    }

    /// Returns whether the queue took the last records.
    pub(crate) fn is_up(&self) -> bool {
        matches!(*self.0.lock(), State::Up)
    }

    /// Records that the queue took records. Returns whether it was down.
    pub(crate) fn succeeded(&self) -> bool {
        let before = std::mem::replace(&mut *self.0.lock(), State::Up);
        !matches!(before, State::Up)
    }

    /// Records that the queue did not take records. Returns whether it was up.
    pub(crate) fn failed(&self, now: Instant) -> bool {
        let next_trial = now + TRIAL_INTERVAL;
        let before = std::mem::replace(&mut *self.0.lock(), State::Down { next_trial });
        !matches!(before, State::Down { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_is_down_is_tried_once_a_second() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.permission(now), Permission::Try);
        assert_eq!(breaker.permission(now), Permission::Refused);
        assert!(breaker.succeeded());
        assert!(!breaker.succeeded());
        assert_eq!(breaker.permission(now), Permission::Send);
        assert!(breaker.failed(now));
        assert!(!breaker.failed(now));
        assert_eq!(breaker.permission(now), Permission::Refused);
        let later = now + TRIAL_INTERVAL;
        assert_eq!(breaker.permission(later), Permission::Try);
        assert_eq!(breaker.permission(later), Permission::Refused);
    }
}
