//! Unused tokens on their way back to Redis. They go with the next call, so that a registration costs one call: the
//! other instances see them at most a second later than without this list.

use std::mem;

use parking_lot::Mutex;

use super::rate::RateBucket;

/// Maximum number of tokens. Those above it return at the refill rate of their bucket.
const MAX_TOKENS: usize = 1_000;

/// Tokens that no call returned yet.
#[derive(Debug, Default)]
pub(super) struct ReturnedTokens(Mutex<Vec<RateBucket>>);

impl ReturnedTokens {
    /// Adds a token of this bucket.
    pub(super) fn add(&self, bucket: RateBucket) {
        let mut tokens = self.0.lock();
        if tokens.len() < MAX_TOKENS {
            tokens.push(bucket);
        }
    }

    /// Removes and returns all of them.
    pub(super) fn take(&self) -> Vec<RateBucket> {
        mem::take(&mut *self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::rate::Rate;

    #[test]
    fn the_list_is_bounded_and_taken_once() {
        let returned = ReturnedTokens::default();
        for number in 0..2 * MAX_TOKENS {
            let (name, rate) = (number.to_string(), Rate::new(1, 1));
            returned.add(RateBucket { name, rate });
        }
        assert_eq!(returned.take().len(), MAX_TOKENS);
        assert!(returned.take().is_empty());
    }
}
