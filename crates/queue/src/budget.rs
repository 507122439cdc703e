//! Bound of the bytes that wait for an acknowledgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus::IntGauge;

use jornada_runtime::metrics::gauge_value;

/// Bytes in use, up to a limit. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget {
    in_use: Arc<AtomicUsize>,
    limit: usize,
    gauge: IntGauge,
}

/// Bytes of a budget, returned when dropped.
#[derive(Debug)]
pub(crate) struct ReservedBytes {
    budget: ByteBudget,
    bytes: usize,
}

impl ByteBudget {
    /// Creates a budget that reports its use.
    pub(crate) fn new(limit: usize, gauge: IntGauge) -> Self {
        Self {
            in_use: Arc::default(),
            limit,
            gauge,
        }
    }

    /// Reserves bytes, or returns `None` if they are not free. A budget of which nothing is in use takes any number.
    pub(crate) fn reserve(&self, bytes: usize) -> Option<ReservedBytes> {
        let fits = |in_use: usize| in_use == 0 || in_use + bytes <= self.limit;
        let reserve = |in_use| fits(in_use).then_some(in_use + bytes);
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let before = self.in_use.fetch_update(success, failure, reserve).ok()?;
        self.gauge.set(gauge_value(before + bytes));
        Some(ReservedBytes {
            budget: self.clone(),
            bytes,
        })
    }
}

impl Drop for ReservedBytes {
    fn drop(&mut self) {
        let before = self.budget.in_use.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.gauge.set(gauge_value(before - self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded_and_returned() {
        let budget = ByteBudget::new(100, IntGauge::new("in_use", "test").unwrap());
        let large = budget.reserve(150).expect("nothing is in use");
        assert!(budget.reserve(1).is_none());
        drop(large);
        let small = budget.reserve(60).unwrap();
        assert!(budget.reserve(41).is_none());
        assert!(budget.reserve(40).is_some());
        assert_eq!(budget.gauge.get(), 60);
        drop(small);
        assert_eq!(budget.gauge.get(), 0);
    }
}
