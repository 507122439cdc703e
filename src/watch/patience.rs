//! How long the courier waits after a mail was not taken: twice as long each time, to a bound, and for ever.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Pauses between tries double from the first to the second of these.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// When what failed is tried again.
#[derive(Debug, Default)]
pub struct Pauses {
    /// While the server takes nothing.
    pub server: Option<Pause>,
    /// Mails that it refused.
    pub mails: HashMap<i64, Pause>,
}

/// One pause.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// Until when nothing is tried.
    pub until: Instant,
    next: Duration,
}

impl Pause {
    /// The pause after a try that failed; `last` is the one before it.
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
    fn pauses_grow_to_a_bound() {
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
