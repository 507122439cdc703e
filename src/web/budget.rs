//! Memory budget of uploads in progress, in bytes. Above it the response is 503, never an out-of-memory kill.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::Semaphore;

/// Bytes per permit: the unit of reservations.
const STEP: usize = 16 * 1024;

/// Budget shared by all uploads.
#[derive(Clone, Debug)]
pub struct UploadBudget {
    free: Arc<Semaphore>,
    in_use: IntGauge,
}

/// Reservation of one upload; released when dropped.
#[derive(Debug)]
pub struct Reserved {
    budget: UploadBudget,
    steps: usize,
}

/// The budget has no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExhausted;

impl UploadBudget {
    /// Creates a budget of `bytes`. `in_use` shows the reserved bytes.
    #[must_use]
    pub fn new(bytes: u64, in_use: IntGauge) -> Self {
        let steps = usize::try_from(bytes / STEP as u64)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(steps)),
            in_use,
        }
    }

    /// Returns an empty reservation.
    #[must_use]
    pub fn begin(&self) -> Reserved {
        Reserved {
            budget: self.clone(),
            steps: 0,
        }
    }
}

impl Reserved {
    /// Adjusts the reservation to `bytes` without waiting.
    ///
    /// # Errors
    /// [`BudgetExhausted`] if not enough is free; the reservation is unchanged.
    pub fn resize(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        let steps = bytes.div_ceil(STEP);
        if let Some(missing) = steps.checked_sub(self.steps) {
            let permits = u32::try_from(missing).map_err(|_| BudgetExhausted)?;
            let taken = self.budget.free.try_acquire_many(permits);
            taken.map_err(|_| BudgetExhausted)?.forget();
        } else {
            self.budget.free.add_permits(self.steps - steps);
        }
        self.budget
            .in_use
            .add(bytes_of(steps) - bytes_of(self.steps));
        self.steps = steps;
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.budget.free.add_permits(self.steps);
        self.budget.in_use.sub(bytes_of(self.steps));
    }
}

fn bytes_of(steps: usize) -> i64 {
    i64::try_from(steps * STEP).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(steps: usize) -> (UploadBudget, IntGauge) {
        let in_use = IntGauge::new("in_use", "test").unwrap();
        let bytes = (steps * STEP) as u64;
        (UploadBudget::new(bytes, in_use.clone()), in_use)
    }

    fn in_steps(in_use: &IntGauge) -> i64 {
        in_use.get() / bytes_of(1)
    }

    #[test]
    fn in_use_follows_the_reservations() {
        let (budget, in_use) = budget(10);
        let mut upload = budget.begin();
        for (bytes, steps) in [(0, 0), (1, 1), (STEP, 1), (3 * STEP + 1, 4), (5, 1)] {
            upload.resize(bytes).unwrap();
            assert_eq!(in_steps(&in_use), steps, "{bytes} bytes");
        }
        drop(upload);
        assert_eq!(in_use.get(), 0);
    }

    #[test]
    fn an_exhausted_budget_is_busy_until_memory_is_released() {
        let (budget, in_use) = budget(10);
        let (mut one, mut other) = (budget.begin(), budget.begin());
        one.resize(8 * STEP).unwrap();
        other.resize(STEP).unwrap();
        assert!(matches!(other.resize(3 * STEP), Err(BudgetExhausted)));
        assert_eq!(in_steps(&in_use), 9, "what there was stays");
        drop(one);
        other.resize(10 * STEP).unwrap();
        assert_eq!(in_steps(&in_use), 10);
        assert!(budget.begin().resize(1).is_err());
        drop(other);
        assert_eq!(in_use.get(), 0);
        assert!(budget.begin().resize(10 * STEP).is_ok());
    }
}
