//! Accounts for every photo that this process stores. Each put has a number in a run, which the header of the photo
//! holds ([`PutId`]). Before numbers are used, the store notes that their photos may belong to nobody: one write
//! reserves many, so that a registration costs no further write. If the process dies, or never learns whether the
//! registration was stored, the sweep finds the photo by its number.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use prometheus::IntGauge;

use jornada_objects::PutId;
use jornada_store::{Store, StoreError, UnresolvedPhotos};

/// Numbers reserved by one write. After a crash as many photos may be unresolved.
const BLOCK: u64 = 256;
/// Time after which reserved numbers are no longer used. The sweep removes ranges that were not renewed for longer.
const RESERVATION_PERIOD: SignedDuration = SignedDuration::from_hours(24);

/// Numbers the puts of this process. Clones share the numbers.
#[derive(Clone, Debug)]
pub struct PhotoPuts(Arc<PutsState>);

#[derive(Debug)]
struct PutsState {
    store: Store,
    unresolved: IntGauge,
    run: Mutex<Run>,
    /// Held while numbers are reserved: one write at a time.
    reserving: tokio::sync::Mutex<()>,
    /// Failed reservations: whoever waited for one fails with it.
    failures: AtomicU64,
}

/// A sequence of puts. Any failure ends it, so that its range stays small: the next reservation starts another run.
#[derive(Debug)]
struct Run {
    id: [u8; 12],
    next: u64,
    reserved_until: u64,
    reserved_at: Timestamp,
    /// Puts in progress, and failed ones. Bounded by the requests in flight and the reserved numbers.
    unresolved: BTreeSet<u64>,
    failed: i64,
    has_ended: bool,
}

/// A photo that is being stored. Unless it is resolved, it may belong to nobody, and the sweep takes care of it.
#[derive(Debug)]
#[must_use]
pub struct PhotoPut {
    puts: PhotoPuts,
    id: PutId,
    state: PutState,
}

/// How far a put is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PutState {
    /// Nothing was sent: no photo can arrive.
    Started,
    /// The photo may arrive, even after its removal.
    Sent,
    /// The object store confirmed the photo.
    Confirmed,
    /// No photo of nobody can be left.
    Resolved,
}

impl PhotoPuts {
    /// Creates the counter of one process. `unresolved` shows how many photos are unresolved.
    pub(super) fn new(store: Store, unresolved: IntGauge) -> Self {
        Self(Arc::new(PutsState {
            store,
            unresolved,
            run: Mutex::new(Run::ended()),
            reserving: tokio::sync::Mutex::default(),
            failures: AtomicU64::new(0),
        }))
    }

    /// Numbers a put. Waits for the store only if no number is reserved.
    pub(super) async fn start(&self) -> Result<PhotoPut, StoreError> {
        loop {
            let (taken, is_ample) = {
                let (mut run, now) = (self.0.run.lock(), Timestamp::now());
                (run.take(now), run.is_ample(now))
            };
            let Some(id) = taken else {
                self.reserve().await?;
                continue;
            };
            self.0.unresolved.inc();
            if !is_ample {
                self.reserve_in_background();
            }
            return Ok(PhotoPut {
                puts: self.clone(),
                id,
                state: PutState::Started,
            });
        }
    }

    fn reserve_in_background(&self) {
        if self.0.reserving.try_lock().is_ok() {
            let puts = self.clone();
            // After a failure the next put tries again.
            tokio::spawn(async move { puts.reserve().await.ok() });
        }
    }

    /// Notes the next numbers in the store, unless enough are reserved.
    async fn reserve(&self) -> Result<(), StoreError> {
        let state = &self.0;
        let failures = state.failures.load(Ordering::Relaxed);
        let _turn = state.reserving.lock().await;
        let now = Timestamp::now();
        let range = {
            let mut run = state.run.lock();
            if run.is_ample(now) {
                return Ok(());
            }
            if state.failures.load(Ordering::Relaxed) != failures {
                return Err(StoreError::Unavailable("no photo may be stored".into()));
            }
            if run.has_ended {
                state.unresolved.sub(run.failed);
                *run = Run::start()?;
            }
            run.range(BLOCK, now)
        };
        let written = state.store.set_unresolved_photos(&range).await;
        let mut run = state.run.lock();
        if written.is_ok() {
            run.reserved_until = range.high;
            run.reserved_at = now;
        } else {
            // The write may still come, and must not replace a later one.
            state.failures.fetch_add(1, Ordering::Relaxed);
            run.has_ended = true;
        }
        written
    }

    /// Removes the note about this run from the store, or limits it to the unresolved photos. Call it when no request
    /// is in flight.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let _turn = self.0.reserving.lock().await;
        let range = {
            let mut run = self.0.run.lock();
            if run.reserved_until == 0 {
                return Ok(());
            }
            run.has_ended = true;
            run.reserved_until = run.next;
            run.range(0, Timestamp::now())
        };
        if range.low == range.high {
            return self.0.store.remove_unresolved_photos(range.run).await;
        }
        self.0.store.set_unresolved_photos(&range).await
    }

    fn end_put(&self, id: PutId, is_resolved: bool) {
        let mut run = self.0.run.lock();
        if run.id == id.run && !is_resolved {
            run.failed += 1;
            run.has_ended = true;
            return;
        }
        if run.id == id.run {
            run.unresolved.remove(&id.number);
        }
        self.0.unresolved.dec();
    }
}

impl Run {
    /// Creates a run without numbers.
    fn ended() -> Self {
        Self {
            id: [0; 12],
            next: 0,
            reserved_until: 0,
            reserved_at: Timestamp::UNIX_EPOCH,
            unresolved: BTreeSet::new(),
            failed: 0,
            has_ended: true,
        }
    }

    fn start() -> Result<Self, StoreError> {
        let random = PutId::random().map_err(|error| StoreError::Failed(error.into()))?;
        Ok(Self {
            id: random.run,
            has_ended: false,
            ..Self::ended()
        })
    }

    /// Returns the reserved numbers that are left.
    fn left(&self, now: Timestamp) -> u64 {
        let age = now.duration_since(self.reserved_at);
        let is_valid = (SignedDuration::ZERO..RESERVATION_PERIOD).contains(&age);
        if is_valid {
            self.reserved_until - self.next
        } else {
            0
        }
    }

    fn is_ample(&self, now: Timestamp) -> bool {
        self.left(now) > BLOCK / 2
    }

    fn take(&mut self, now: Timestamp) -> Option<PutId> {
        if self.left(now) == 0 {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.unresolved.insert(number);
        Some(PutId {
            run: self.id,
            number,
            resolved_below: self.low(),
        })
    }

    /// Returns the lowest number that is not resolved.
    fn low(&self) -> u64 {
        self.unresolved.first().copied().unwrap_or(self.next)
    }

    /// Returns the numbers that are unresolved or among the next `count`.
    fn range(&self, count: u64, now: Timestamp) -> UnresolvedPhotos {
        UnresolvedPhotos {
            run: self.id,
            low: self.low(),
            high: self.next + count,
            seen_at: now,
        }
    }
}

impl PhotoPut {
    /// Returns the id for the photo's header.
    pub(super) fn id(&self) -> PutId {
        self.id
    }

    /// Notes that the photo is about to be sent. Until then the put resolves itself.
    pub(super) fn send(&mut self) {
        self.state = PutState::Sent;
    }

    /// Notes that the object store confirmed the photo. Otherwise it may still arrive there, even after its removal.
    pub(super) fn confirm(&mut self) {
        self.state = PutState::Confirmed;
    }

    /// Returns whether the object store confirmed the photo: then it was not buffered.
    pub(super) fn is_confirmed(&self) -> bool {
        self.state == PutState::Confirmed
    }

    /// Resolves the put: a registration with this photo is stored.
    pub(super) fn resolve_stored(mut self) {
        self.state = PutState::Resolved;
    }

    /// Resolves the put if the photo cannot arrive later: it was removed.
    pub(super) fn resolve_removed(mut self) {
        if self.is_confirmed() {
            self.state = PutState::Resolved;
        }
    }
}

impl Drop for PhotoPut {
    fn drop(&mut self) {
        let is_resolved = matches!(self.state, PutState::Started | PutState::Resolved);
        self.puts.end_put(self.id, is_resolved);
    }
}

/// Resolves the put of a submission with a photo: a registration or dispute with this photo is stored.
pub(super) fn resolve_stored(put: Option<PhotoPut>) {
    put.into_iter().for_each(PhotoPut::resolve_stored);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn reserved(count: u64) -> Run {
        Run {
            reserved_until: count,
            reserved_at: NOW,
            ..Run::start().unwrap()
        }
    }

    #[test]
    fn a_range_holds_what_is_unresolved_and_what_may_follow() {
        let mut run = reserved(BLOCK);
        let numbers = |range: UnresolvedPhotos| range.low..range.high;
        assert_eq!(numbers(run.range(BLOCK, NOW)), 0..256);
        let puts: Vec<_> = (0..4).map(|_| run.take(NOW).unwrap()).collect();
        assert_eq!(puts.iter().map(|put| put.number).max(), Some(3));
        for resolved in [0, 1, 3] {
            run.unresolved.remove(&resolved);
        }
        assert_eq!(numbers(run.range(BLOCK, NOW)), 2..260);
        assert_eq!(run.take(NOW).unwrap().resolved_below, 2);
        run.unresolved.clear();
        assert_eq!(numbers(run.range(0, NOW)), 5..5);
        assert_eq!(run.take(NOW).unwrap().resolved_below, 5);
    }

    #[test]
    fn only_reserved_numbers_are_used_and_for_a_day() {
        let mut run = reserved(2);
        assert!(run.take(NOW).is_some());
        assert!(run.take(NOW + RESERVATION_PERIOD).is_none());
        assert!(run.take(NOW - SignedDuration::from_secs(1)).is_none());
        assert!(run.take(NOW).is_some());
        assert!(run.take(NOW).is_none());
        assert!(Run::ended().take(NOW).is_none());
    }
}
