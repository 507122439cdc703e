//! Memory budget of uploads in progress, in bytes. Above it the response is 503, never an out-of-memory kill.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::upload_error::UploadError;

/// Bytes per permit: the unit of reservations.
pub(crate) const PERMIT_BYTES: usize = 16 * 1024;

/// Budget shared by all uploads.
#[derive(Clone, Debug)]
pub struct UploadBudget {
    permits: Arc<Semaphore>,
    in_use: IntGauge,
    /// Half of the permits, for uploads on slow lines.
    slow_permits: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
}

/// Reservation of one upload; released when dropped.
#[derive(Debug)]
pub struct UploadReservation {
    budget: UploadBudget,
    permits: usize,
    slow_place: Option<OwnedSemaphorePermit>,
}

impl UploadBudget {
    /// Creates a budget of `bytes`. `in_use` shows the reserved bytes.
    pub fn new(bytes: u64, in_use: IntGauge) -> Self {
        let steps = usize::try_from(bytes / PERMIT_BYTES as u64)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(steps)),
            in_use,
            slow_permits: Arc::new(Semaphore::new(steps / 2)),
            slow_places: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// Limits the number of uploads on slow lines, so that they leave places to the others.
    #[must_use]
    pub fn with_slow_places(self, places: usize) -> Self {
        let places = places.min(Semaphore::MAX_PERMITS);
        Self {
            slow_places: Arc::new(Semaphore::new(places)),
            ..self
        }
    }

    /// Returns an empty reservation.
    pub fn start_reservation(&self) -> UploadReservation {
        UploadReservation {
            budget: self.clone(),
            permits: 0,
            slow_place: None,
        }
    }
}

impl UploadReservation {
    /// Adjusts the reservation to `bytes` without waiting. [`UploadError::Busy`] if not enough is free; the reservation is
    /// unchanged.
    pub fn resize(&mut self, bytes: usize) -> Result<(), UploadError> {
        let steps = bytes.div_ceil(PERMIT_BYTES);
        let is_slow = self.slow_place.is_some();
        if let Some(missing) = steps.checked_sub(self.permits) {
            let taken = acquire(&self.budget.permits, missing)?;
            if is_slow {
                acquire(&self.budget.slow_permits, missing)?.forget();
            }
            taken.forget();
        } else {
            self.release(self.permits - steps);
        }
        self.budget
            .in_use
            .add(permit_bytes(steps) - permit_bytes(self.permits));
        self.permits = steps;
        Ok(())
    }

    /// Counts the upload among those on slow lines, which share half of the memory.
    /// [`UploadError::BodyTimeout`] if they have no place left.
    pub fn become_slow(&mut self) -> Result<(), UploadError> {
        if self.slow_place.is_some() {
            return Ok(());
        }
        let place = self.budget.slow_places.clone().try_acquire_owned();
        let place = place.map_err(|_| UploadError::BodyTimeout)?;
        let permits = acquire(&self.budget.slow_permits, self.permits);
        permits.map_err(|_| UploadError::BodyTimeout)?.forget();
        self.slow_place = Some(place);
        Ok(())
    }

    fn release(&self, permits: usize) {
        self.budget.permits.add_permits(permits);
        if self.slow_place.is_some() {
            self.budget.slow_permits.add_permits(permits);
        }
    }
}

fn acquire(permits: &Semaphore, count: usize) -> Result<SemaphorePermit<'_>, UploadError> {
    let count = u32::try_from(count).map_err(|_| UploadError::Busy)?;
    permits
        .try_acquire_many(count)
        .map_err(|_| UploadError::Busy)
}

impl Drop for UploadReservation {
    fn drop(&mut self) {
        self.release(self.permits);
        self.budget.in_use.sub(permit_bytes(self.permits));
    }
}

fn permit_bytes(steps: usize) -> i64 {
    i64::try_from(steps * PERMIT_BYTES).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(steps: usize) -> (UploadBudget, IntGauge) {
        let in_use = IntGauge::new("in_use", "test").unwrap();
        let bytes = (steps * PERMIT_BYTES) as u64;
        (UploadBudget::new(bytes, in_use.clone()), in_use)
    }

    fn in_steps(in_use: &IntGauge) -> i64 {
        in_use.get() / permit_bytes(1)
    }

    #[test]
    fn in_use_follows_the_reservations() {
        let (budget, in_use) = budget(10);
        let mut upload = budget.start_reservation();
        for (bytes, steps) in [
            (0, 0),
            (1, 1),
            (PERMIT_BYTES, 1),
            (3 * PERMIT_BYTES + 1, 4),
            (5, 1),
        ] {
            upload.resize(bytes).unwrap();
            assert_eq!(in_steps(&in_use), steps, "{bytes} bytes");
        }
        drop(upload);
        assert_eq!(in_use.get(), 0);
    }

    #[test]
    fn slow_uploads_share_half_of_the_memory() {
        let (budget, in_use) = budget(10);
        let budget = budget.with_slow_places(2);
        let [mut one, mut other, mut third] = [(); 3].map(|()| budget.start_reservation());
        one.resize(4 * PERMIT_BYTES).unwrap();
        one.become_slow().unwrap();
        other.resize(2 * PERMIT_BYTES).unwrap();
        assert!(other.become_slow().is_err());
        assert!(one.resize(6 * PERMIT_BYTES).is_err());
        one.resize(PERMIT_BYTES).unwrap();
        other.become_slow().unwrap();
        assert!(third.become_slow().is_err(), "two places");
        third.resize(7 * PERMIT_BYTES).unwrap();
        drop((one, other));
        third.become_slow().unwrap_err();
        third.resize(5 * PERMIT_BYTES).unwrap();
        third.become_slow().unwrap();
        assert_eq!(in_steps(&in_use), 5);
    }

    #[test]
    fn an_exhausted_budget_is_busy_until_memory_is_released() {
        let (budget, in_use) = budget(10);
        let (mut one, mut other) = (budget.start_reservation(), budget.start_reservation());
        one.resize(8 * PERMIT_BYTES).unwrap();
        other.resize(PERMIT_BYTES).unwrap();
        assert!(matches!(
            other.resize(3 * PERMIT_BYTES),
            Err(UploadError::Busy)
        ));
        assert_eq!(in_steps(&in_use), 9, "what there was stays");
        drop(one);
        other.resize(10 * PERMIT_BYTES).unwrap();
        assert_eq!(in_steps(&in_use), 10);
        assert!(budget.start_reservation().resize(1).is_err());
        drop(other);
        assert_eq!(in_use.get(), 0);
        assert!(budget.start_reservation().resize(10 * PERMIT_BYTES).is_ok());
    }
}
