//! How a report gives way: after each piece of its work it rests for as long as others are served, within a bound. That
//! its thread has a low priority is not enough: the system weighs it within one session or container only, and what a
//! report reads is work for the store, beside what people send there.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use prometheus::IntGauge;
use tokio::sync::Semaphore;

/// The shortest work after which there is a rest, and so about the longest that others wait for.
const PIECE: Duration = Duration::from_millis(2);
/// A rest lasts so many times as long as the work before it, at most.
const TIMES: u32 = 4;
/// The longest rest: a report goes on, however busy the others are.
const LONGEST: Duration = Duration::from_millis(100);
/// Between two looks whether anybody is still served.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Those to whom reports give way: the requests in work but those that wait for a report themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    /// Requests in work; none for nobody.
    requests: Option<IntGauge>,
    /// One permit is taken for each of them that waits for a report, and how many there are.
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

/// The rests of one report.
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

    /// After a step of the work: rests if it is time to.
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
        // Directly after a rest nothing has been done.
        assert!(rest.working_since >= begun + PIECE * TIMES);
    }
}
