//! Limit of open connections. Above the limit the longest idle connection is closed for a new one, so that idle
//! connections, however many, block nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use jornada_http::metrics::ConnectionMetrics;

/// Limit of the connections of one listener. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConnectionLimiter(Arc<LimiterState>);

#[derive(Debug)]
struct LimiterState {
    max: usize,
    metrics: ConnectionMetrics,
    slots: Mutex<SlotTable>,
}

#[derive(Debug, Default)]
struct SlotTable {
    used: usize,
    /// Idle connections, by the turn in which they became idle.
    idle: BTreeMap<u64, CancellationToken>,
    next_turn: u64,
}

/// Slot of one connection; freed when dropped.
pub(super) struct ConnectionSlot(Arc<SlotState>);

/// A request in progress; the connection is idle again when the last one is dropped.
pub(super) struct ActiveRequest(Arc<SlotState>);

struct SlotState {
    limiter: ConnectionLimiter,
    eviction: CancellationToken,
    /// Turn in which the connection became idle; [`ACTIVE`] during a request.
    idle_turn: AtomicU64,
    /// Number of requests in progress: HTTP/2 has several at once.
    active: AtomicUsize,
}

const ACTIVE: u64 = u64::MAX;

impl ConnectionLimiter {
    /// Creates a limiter for up to `max` connections.
    pub fn new(max: usize, metrics: ConnectionMetrics) -> Self {
        Self(Arc::new(LimiterState {
            max,
            metrics,
            slots: Mutex::default(),
        }))
    }

    /// Returns a slot for a new connection, evicting the longest idle one if necessary. Returns `None` if all are
    /// active.
    pub(super) fn acquire(&self) -> Option<ConnectionSlot> {
        let mut slots = self.0.slots.lock();
        if slots.used >= self.0.max {
            let Some((_, longest)) = slots.idle.pop_first() else {
                self.0.metrics.refused.inc();
                return None;
            };
            longest.cancel();
            self.0.metrics.evicted.inc();
        } else {
            slots.used += 1;
            self.0.metrics.open.inc();
        }
        let eviction = CancellationToken::new();
        let turn = slots.add_idle(&eviction);
        Some(ConnectionSlot(Arc::new(SlotState {
            limiter: self.clone(),
            eviction,
            idle_turn: AtomicU64::new(turn),
            active: AtomicUsize::new(0),
        })))
    }
}

impl SlotTable {
    fn add_idle(&mut self, eviction: &CancellationToken) -> u64 {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.idle.insert(turn, eviction.clone());
        turn
    }
}

impl ConnectionSlot {
    /// Completes when the slot is needed for another connection.
    pub(super) async fn evicted(&self) {
        self.0.eviction.cancelled().await;
    }

    pub(super) fn is_active(&self) -> bool {
        self.0.idle_turn.load(Ordering::SeqCst) == ACTIVE
    }

    /// Marks the connection as active.
    pub(super) fn start_request(&self) -> ActiveRequest {
        let mut slots = self.0.limiter.0.slots.lock();
        self.0.active.fetch_add(1, Ordering::SeqCst);
        let turn = self.0.idle_turn.swap(ACTIVE, Ordering::SeqCst);
        slots.idle.remove(&turn);
        ActiveRequest(self.0.clone())
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let mut slots = self.0.limiter.0.slots.lock();
        if self.0.active.fetch_sub(1, Ordering::SeqCst) > 1 {
            return;
        }
        let turn = if self.0.eviction.is_cancelled() {
            // The slot belongs to another connection already.
            0
        } else {
            slots.add_idle(&self.0.eviction)
        };
        self.0.idle_turn.store(turn, Ordering::SeqCst);
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut slots = self.0.limiter.0.slots.lock();
        slots.idle.remove(&self.0.idle_turn.load(Ordering::SeqCst));
        if !self.0.eviction.is_cancelled() {
            // A response that outlives its connection must not put the free slot back into the idle list.
            self.0.eviction.cancel();
            slots.used -= 1;
            self.0.limiter.0.metrics.open.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(most: usize) -> ConnectionLimiter {
        let metrics = ConnectionMetrics::new(&prometheus::Registry::new());
        ConnectionLimiter::new(most, metrics.unwrap())
    }

    #[test]
    fn the_longest_idle_connection_is_evicted() {
        let crowd = crowd(2);
        let (first, second) = (crowd.acquire().unwrap(), crowd.acquire().unwrap());
        drop(first.start_request());
        let third = crowd.acquire().unwrap();
        assert!(
            second.0.eviction.is_cancelled(),
            "the first had a request since"
        );
        assert!(!first.0.eviction.is_cancelled() && !third.0.eviction.is_cancelled());
        assert_eq!(crowd.0.metrics.open.get(), 2);
        drop((first, second, third));
        assert_eq!(crowd.0.metrics.open.get(), 0);
        assert!(crowd.0.slots.lock().idle.is_empty());
    }

    #[test]
    fn an_active_connection_is_never_evicted() {
        let crowd = crowd(1);
        let seat = crowd.acquire().unwrap();
        let working = seat.start_request();
        assert!(crowd.acquire().is_none());
        assert_eq!(crowd.0.metrics.refused.get(), 1);
        drop(working);
        assert!(!seat.is_active());
        let next = crowd.acquire();
        assert!(next.is_some() && seat.0.eviction.is_cancelled());
    }

    #[test]
    fn a_connection_is_active_until_its_last_request_ends() {
        let crowd = crowd(1);
        let seat = crowd.acquire().unwrap();
        let (one, other) = (seat.start_request(), seat.start_request());
        drop(one);
        assert!(seat.is_active() && crowd.acquire().is_none());
        drop(other);
        assert!(!seat.is_active() && crowd.acquire().is_some());
    }

    #[test]
    fn a_response_may_outlive_its_connection() {
        let crowd = crowd(1);
        let seat = crowd.acquire().unwrap();
        let working = seat.start_request();
        drop(seat);
        drop(working);
        assert_eq!(crowd.0.metrics.open.get(), 0);
        assert!(crowd.0.slots.lock().idle.is_empty());
    }
}
