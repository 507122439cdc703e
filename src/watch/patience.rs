//! Delays between attempts to send a mail. They double up to a maximum; attempts never end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// First and maximum delay.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// When to retry.
#[derive(Debug, Default)]
pub struct Pauses {
    /// Delay for all mails while the server accepts none.
    pub server: Option<Pause>,
    /// Delays of mails that the server rejected, by key.
    pub mails: HashMap<i64, Pause>,
}

/// Delay before the next attempt.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// No attempt before this time.
    pub until: Instant,
    next: Duration,
}

impl Pause {
    /// Returns the delay after a failed attempt; `last` is the previous delay.
    #[must_use]
    pub fn after(last: Option<Self>, now: Instant) -> Self {
        let length = last.map_or(FIRST_PAUSE, |last| last.next);
        Self {
            until: now + length,
            next: (length * 2).min(MOST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_maximum() {
        let now = Instant::now();
        let mut last = None;
        let lengths: Vec<_> = (0..7)
            .map(|_| {
                let pause = Pause::after(last, now);
                last = Some(pause);
                (pause.until - now).as_secs()
            })
            .collect();
        assert_eq!(lengths, [1, 2, 4, 8, 16, 30, 30]);
    }
}
