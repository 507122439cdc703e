//! Memory for uploads in flight: a budget in bytes, shared by all of them. Past it the answer is 503, never an OOM.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Error;

/// Bytes of one permit.
const UNIT: u64 = 1024;

/// The budget.
#[derive(Clone, Debug)]
pub struct UploadBudget {
    free: Arc<Semaphore>,
    in_use: IntGauge,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub struct Reserved {
    _permit: OwnedSemaphorePermit,
    bytes: i64,
    in_use: IntGauge,
}

impl UploadBudget {
    /// A budget of so many bytes, which are shown in `in_use`.
    #[must_use]
    pub fn new(bytes: u64, in_use: IntGauge) -> Self {
        let units = usize::try_from(bytes / UNIT)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(units)),
            in_use,
        }
    }

    /// Reserves so many bytes at once, without waiting.
    ///
    /// # Errors
    /// [`Error::Busy`] when they are not free.
    pub fn reserve(&self, bytes: u64) -> Result<Reserved, Error> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).map_err(|_| Error::Busy)?;
        let permit = self
            .free
            .clone()
            .try_acquire_many_owned(units)
            .map_err(|_| Error::Busy)?;
        let bytes = i64::from(units) * 1024;
        self.in_use.add(bytes);
        Ok(Reserved {
            _permit: permit,
            bytes,
            in_use: self.in_use.clone(),
        })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.in_use.sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_budget_it_is_busy_and_afterwards_free_again() {
        let in_use = IntGauge::new("in_use", "test").unwrap();
        let budget = UploadBudget::new(10 * 1024, in_use.clone());
        let first = budget.reserve(6 * 1024).unwrap();
        assert!(matches!(budget.reserve(6 * 1024), Err(Error::Busy)));
        assert_eq!(in_use.get(), 6 * 1024);
        drop(first);
        assert_eq!(in_use.get(), 0);
        assert!(budget.reserve(10 * 1024).is_ok());
    }
}
