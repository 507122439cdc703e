//! Memory budget of uploads in progress, in bytes. Above it the response is 503, never an out-of-memory kill.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::Semaphore;

use crate::upload_error::UploadError;

/// Bytes per permit: the unit of reservations.
pub(crate) const PERMIT_BYTES: usize = 16 * 1024;

/// Budget shared by all uploads.
#[derive(Clone, Debug)]
pub struct UploadBudget {
    permits: Arc<Semaphore>,
    in_use: IntGauge,
}

/// Reservation of one upload; released when dropped.
#[derive(Debug)]
pub struct UploadReservation {
    budget: UploadBudget,
    permits: usize,
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
        }
    }

    /// Returns an empty reservation.
    pub fn start_reservation(&self) -> UploadReservation {
        UploadReservation {
            budget: self.clone(),
            permits: 0,
        }
    }
}

impl UploadReservation {
    /// Adjusts the reservation to `bytes` without waiting. [`UploadError::Busy`] if not enough is free; the reservation is
    /// unchanged.
    pub fn resize(&mut self, bytes: usize) -> Result<(), UploadError> {
        let steps = bytes.div_ceil(PERMIT_BYTES);
        if let Some(missing) = steps.checked_sub(self.permits) {
            let permits = u32::try_from(missing).map_err(|_| UploadError::Busy)?;
            let taken = self.budget.permits.try_acquire_many(permits);
            taken.map_err(|_| UploadError::Busy)?.forget();
        } else {
            self.budget.permits.add_permits(self.permits - steps);
        }
        self.budget
            .in_use
            .add(permit_bytes(steps) - permit_bytes(self.permits));
        self.permits = steps;
        Ok(())
    }
}

impl Drop for UploadReservation {
    fn drop(&mut self) {
        self.budget.permits.add_permits(self.permits);
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
