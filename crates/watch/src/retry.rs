//! Delays between attempts to send a mail. They double up to a maximum; attempts never end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// First and maximum delay.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);

/// When to retry.
#[derive(Debug, Default)]
pub struct RetrySchedule {
    /// Delay for all mails while the server accepts none.
    pub server: Option<RetryDelay>,
    /// Delays of deliveries that the server rejected, by mail and recipient.
    pub deliveries: HashMap<(i64, String), RetryDelay>,
}

/// Delay before the next attempt.
#[derive(Clone, Copy, Debug)]
pub struct RetryDelay {
    /// No attempt before this time.
    pub until: Instant,
    next_length: Duration,
}

impl RetryDelay {
    /// Returns the delay after a failed attempt; `last` is the previous delay.
    pub fn after_failure(last: Option<Self>, now: Instant) -> Self {
        let length = last.map_or(MIN_RETRY_DELAY, |last| last.next_length);
        Self {
            until: now + length,
            next_length: (length * 2).min(MAX_RETRY_DELAY),
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
                let delay = RetryDelay::after_failure(last, now);
                last = Some(delay);
                (delay.until - now).as_secs()
            })
            .collect();
        assert_eq!(lengths, [1, 2, 4, 8, 16, 30, 30]);
    }
}
