//! Limit of open connections. Above the limit the longest idle connection is closed for a new one, so that idle
//! connections, however many, block nobody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::metrics::ConnectionMetrics;

/// Limit of the connections of one listener. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Crowd(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    metrics: ConnectionMetrics,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    taken: usize,
    /// Idle connections, by the turn in which they became idle.
    waiting: BTreeMap<u64, CancellationToken>,
    next_turn: u64,
}

/// Slot of one connection; freed when dropped.
pub(super) struct Seat {
    crowd: Crowd,
    leave: CancellationToken,
    /// Turn in which it became idle; [`AT_WORK`] during a request.
    turn: Arc<AtomicU64>,
}

/// A request in progress; the connection is idle again when this is dropped.
pub(super) struct Working {
    crowd: Crowd,
    leave: CancellationToken,
    turn: Arc<AtomicU64>,
}

const AT_WORK: u64 = u64::MAX;

impl Crowd {
    /// Creates a limiter for up to `most` connections.
    #[must_use]
    pub fn new(most: usize, metrics: ConnectionMetrics) -> Self {
        Self(Arc::new(Shared {
            most,
            metrics,
            seats: Mutex::default(),
        }))
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Each change is atomic, so a panic elsewhere leaves a consistent state.
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a slot for a new connection, evicting the longest idle one if necessary. Returns `None` if all are
    /// active.
    pub(super) fn enter(&self) -> Option<Seat> {
        let mut seats = self.seats();
        if seats.taken >= self.0.most {
            let Some((_, longest)) = seats.waiting.pop_first() else {
                self.0.metrics.refused.inc();
                return None;
            };
            longest.cancel();
            self.0.metrics.gave_way.inc();
        } else {
            seats.taken += 1;
            self.0.metrics.open.inc();
        }
        let leave = CancellationToken::new();
        let turn = seats.wait(&leave);
        Some(Seat {
            crowd: self.clone(),
            leave,
            turn: Arc::new(AtomicU64::new(turn)),
        })
    }
}

impl Seats {
    fn wait(&mut self, leave: &CancellationToken) -> u64 {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.waiting.insert(turn, leave.clone());
        turn
    }
}

impl Seat {
    /// Completes when the slot is needed for another connection.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.cancelled().await;
    }

    pub(super) fn is_working(&self) -> bool {
        self.turn.load(Ordering::SeqCst) == AT_WORK
    }

    /// Marks the connection as active.
    pub(super) fn work(&self) -> Working {
        let mut seats = self.crowd.seats();
        let turn = self.turn.swap(AT_WORK, Ordering::SeqCst);
        seats.waiting.remove(&turn);
        Working {
            crowd: self.crowd.clone(),
            leave: self.leave.clone(),
            turn: self.turn.clone(),
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut seats = self.crowd.seats();
        let turn = if self.leave.is_cancelled() {
            // The slot belongs to another connection already.
            0
        } else {
            seats.wait(&self.leave)
        };
        self.turn.store(turn, Ordering::SeqCst);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.crowd.seats();
        seats.waiting.remove(&self.turn.load(Ordering::SeqCst));
        if !self.leave.is_cancelled() {
            // A response that outlives its connection must not put the free slot back into the idle list.
            self.leave.cancel();
            seats.taken -= 1;
            self.crowd.0.metrics.open.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(most: usize) -> Crowd {
        let metrics = ConnectionMetrics::new(&prometheus::Registry::new());
        Crowd::new(most, metrics.unwrap())
    }

    #[test]
    fn the_longest_idle_connection_is_evicted() {
        let crowd = crowd(2);
        let (first, second) = (crowd.enter().unwrap(), crowd.enter().unwrap());
        drop(first.work());
        let third = crowd.enter().unwrap();
        assert!(second.leave.is_cancelled(), "the first had a request since");
        assert!(!first.leave.is_cancelled() && !third.leave.is_cancelled());
        assert_eq!(crowd.0.metrics.open.get(), 2);
        drop((first, second, third));
        assert_eq!(crowd.0.metrics.open.get(), 0);
        assert!(crowd.seats().waiting.is_empty());
    }

    #[test]
    fn an_active_connection_is_never_evicted() {
        let crowd = crowd(1);
        let seat = crowd.enter().unwrap();
        let working = seat.work();
        assert!(crowd.enter().is_none());
        assert_eq!(crowd.0.metrics.refused.get(), 1);
        drop(working);
        assert!(!seat.is_working());
        let next = crowd.enter();
        assert!(next.is_some() && seat.leave.is_cancelled());
    }

    #[test]
    fn a_response_may_outlive_its_connection() {
        let crowd = crowd(1);
        let seat = crowd.enter().unwrap();
        let working = seat.work();
        drop(seat);
        drop(working);
        assert_eq!(crowd.0.metrics.open.get(), 0);
        assert!(crowd.seats().waiting.is_empty());
    }
}
