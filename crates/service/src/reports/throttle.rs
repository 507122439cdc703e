//! Throttles reports: after each slice of work a report pauses while requests are being served, for a bounded time. A
//! low thread priority is not enough: it counts within one session or container only, and reports load the store, too.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use prometheus::IntGauge;
use tokio::sync::Semaphore;

/// Minimum work between pauses, and so about the longest delay of a request.
const WORK_SLICE: Duration = Duration::from_millis(2);
/// Maximum pause, as a multiple of the work before it.
const MAX_PAUSE_FACTOR: u32 = 4;
/// Maximum pause, so that a report progresses under any load.
const MAX_PAUSE: Duration = Duration::from_millis(100);
/// Polling interval during a pause.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Requests in progress, except those that wait for a report.
#[derive(Clone, Debug, Default)]
pub(super) struct ForegroundLoad {
    /// Requests in progress; `None` disables throttling.
    pub(super) requests: Option<IntGauge>,
    /// Semaphore of which each request that waits for a report holds a permit, and its size.
    pub(super) waiting: Option<(Arc<Semaphore>, usize)>,
}

impl ForegroundLoad {
    fn is_present(&self) -> bool {
        let taken = |(free, places): &(Arc<Semaphore>, usize)| places - free.available_permits();
        let waiting = self.waiting.as_ref().map_or(0, taken);
        let requests = self.requests.as_ref().map_or(0, IntGauge::get);
        usize::try_from(requests).is_ok_and(|requests| requests > waiting)
    }
}

/// Throttle of one report.
#[derive(Debug)]
pub(super) struct Throttle {
    foreground: ForegroundLoad,
    working_since: Instant,
}

impl Throttle {
    pub(super) fn new(foreground: ForegroundLoad) -> Self {
        Self {
            foreground,
            working_since: Instant::now(),
        }
    }

    /// Pauses if due. Call after each step of work.
    pub(super) fn pause_if_due(&mut self) {
        let worked = self.working_since.elapsed();
        if worked < WORK_SLICE {
            return;
        }
        let (begun, longest) = (Instant::now(), MAX_PAUSE.min(worked * MAX_PAUSE_FACTOR));
        while self.foreground.is_present() && begun.elapsed() < longest {
            thread::sleep(POLL_INTERVAL);
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
        let others = ForegroundLoad {
            requests: Some(requests.clone()),
            waiting: Some((Arc::clone(&places), 3)),
        };
        assert!(others.is_present());
        let _two = places.try_acquire_many(2).unwrap();
        assert!(!others.is_present());
        requests.inc();
        assert!(others.is_present());
        assert!(!ForegroundLoad::default().is_present());
    }

    #[test]
    fn it_rests_while_others_are_served_but_not_for_ever() {
        let mut rest = Throttle::new(ForegroundLoad {
            requests: Some(requests(1)),
            waiting: None,
        });
        thread::sleep(WORK_SLICE);
        let begun = Instant::now();
        rest.pause_if_due();
        assert!(begun.elapsed() >= WORK_SLICE * MAX_PAUSE_FACTOR);
        // The next slice of work starts after the pause.
        assert!(rest.working_since >= begun + WORK_SLICE * MAX_PAUSE_FACTOR);
    }
}
