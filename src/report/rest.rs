//! Throttles reports: after each slice of work a report pauses while requests are being served, for a bounded time. A
//! low thread priority is not enough: it counts within one session or container only, and reports load the store, too.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use prometheus::IntGauge;
use tokio::sync::Semaphore;

/// Minimum work between pauses, and so about the longest delay of a request.
const PIECE: Duration = Duration::from_millis(2);
/// Maximum pause, as a multiple of the work before it.
const TIMES: u32 = 4;
/// Maximum pause, so that a report progresses under any load.
const LONGEST: Duration = Duration::from_millis(100);
/// Polling interval during a pause.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Requests in progress, except those that wait for a report.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    /// Requests in progress; `None` disables throttling.
    requests: Option<IntGauge>,
    /// Semaphore of which each request that waits for a report holds a permit, and its size.
    waiting: Option<(Arc<Semaphore>, usize)>,
}

impl Others {
    pub(super) fn all(requests: IntGauge) -> Self {
        Self {
            requests: Some(requests),
            waiting: None,
        }
    }

    pub(super) fn but(self, waiting: Arc<Semaphore>, places: usize) -> Self {
        Self {
            waiting: Some((waiting, places)),
            ..self
        }
    }

    fn are_served(&self) -> bool {
        let taken = |(free, places): &(Arc<Semaphore>, usize)| places - free.available_permits();
        let waiting = self.waiting.as_ref().map_or(0, taken);
        let requests = self.requests.as_ref().map_or(0, IntGauge::get);
        usize::try_from(requests).is_ok_and(|requests| requests > waiting)
    }
}

/// Throttle of one report.
#[derive(Debug)]
pub(super) struct Rest {
    others: Others,
    working_since: Instant,
}

impl Rest {
    pub(super) fn new(others: Others) -> Self {
        Self {
            others,
            working_since: Instant::now(),
        }
    }

    /// Pauses if due. Call after each step of work.
    pub(super) fn take(&mut self) {
        let worked = self.working_since.elapsed();
        if worked < PIECE {
            return;
        }
        let (begun, longest) = (Instant::now(), LONGEST.min(worked * TIMES));
        while self.others.are_served() && begun.elapsed() < longest {
            thread::sleep(LOOK_EVERY);
        }
        self.working_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(now: i64) -> IntGauge {
        let gauge = IntGauge::new("requests", "Requests in work").unwrap();
        gauge.set(now);
        gauge
    }

    #[test]
    fn who_waits_for_a_report_is_not_given_way_to() {
        let (requests, places) = (requests(2), Arc::new(Semaphore::new(3)));
        let others = Others::all(requests.clone()).but(Arc::clone(&places), 3);
        assert!(others.are_served());
        let _two = places.try_acquire_many(2).unwrap();
        assert!(!others.are_served());
        requests.inc();
        assert!(others.are_served());
        assert!(!Others::default().are_served());
    }

    #[test]
    fn it_rests_while_others_are_served_but_not_for_ever() {
        let mut rest = Rest::new(Others::all(requests(1)));
        thread::sleep(PIECE);
        let begun = Instant::now();
        rest.take();
        assert!(begun.elapsed() >= PIECE * TIMES);
        // The next slice of work starts after the pause.
        assert!(rest.working_since >= begun + PIECE * TIMES);
    }
}
