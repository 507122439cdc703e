//! Counters of one process, used without Redis or while it is unavailable. Each kind is bounded.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::attempts::{AttemptKey, RETENTION};
use super::rate::RateBucket;
use super::refusal::{ProofUse, Refusal};

/// Maximum number of entries of one kind.
const MAX_ENTRIES: usize = 10_000;

/// Counters in memory.
#[derive(Debug, Default)]
pub(super) struct LocalCounters {
    attempts: Mutex<BoundedMap<Attempts>>,
    /// Time at which each bucket is full again, in microseconds since the epoch.
    buckets: Mutex<BoundedMap<i64>>,
    /// The consumer of each consumed proof.
    consumed: Mutex<BoundedMap<String>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    count: u32,
    /// End of the delay.
    until: Timestamp,
}

impl LocalCounters {
    pub(super) fn count_attempt(
        &self,
        keys: &[AttemptKey],
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let mut attempts = self.attempts.lock();
        let delayed_until =
            |key: &AttemptKey| attempts.get(&key.name, now).map(|known| known.until);
        let until = keys.iter().filter_map(delayed_until).max();
        if let Some(until) = until.filter(|until| now < *until) {
            return Err(until.duration_since(now));
        }
        for key in keys {
            let known = attempts.get(&key.name, now);
            let count = known.map_or(0, |known| known.count).saturating_add(1);
            let until = now + key.limit.delay(count);
            attempts.insert(&key.name, Attempts { count, until }, now + RETENTION, now);
        }
        Ok(())
    }

    pub(super) fn reset(&self, keys: &[AttemptKey]) {
        let mut attempts = self.attempts.lock();
        for key in keys {
            if key.limit.resets {
                attempts.0.remove(&key.name);
            } else if let Some((known, _)) = attempts.0.get_mut(&key.name) {
                known.count = known.count.saturating_sub(1);
            }
        }
    }

    pub(super) fn admit(
        &self,
        buckets: &[RateBucket],
        proof: Option<&ProofUse>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.acquire(buckets, now).map_err(Refusal::Empty)?;
        match proof {
            Some(proof) if !self.consume_once(proof, now) => Err(Refusal::ProofUsed),
            _ => Ok(()),
        }
    }

    fn acquire(&self, buckets: &[RateBucket], now: Timestamp) -> Result<(), SignedDuration> {
        let mut known = self.buckets.lock();
        let now_micros = now.as_microsecond();
        let acquired = buckets.iter().map(|bucket| {
            let full_at = known.get(&bucket.name, now).copied().unwrap_or(0);
            bucket.rate.acquire(full_at, now_micros)
        });
        let acquired: Vec<_> = acquired.collect();
        if let Some(wait) = acquired.iter().filter_map(|full_at| full_at.err()).max() {
            return Err(SignedDuration::from_micros(wait));
        }
        for (bucket, full_at) in buckets.iter().zip(acquired.into_iter().flatten()) {
            let expires_at = Timestamp::from_microsecond(full_at).unwrap_or(now);
            known.insert(&bucket.name, full_at, expires_at, now);
        }
        Ok(())
    }

    /// Takes several tokens from one bucket, or returns the time to wait.
    pub(super) fn acquire_many(
        &self,
        bucket: &RateBucket,
        tokens: u32,
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let mut known = self.buckets.lock();
        let full_at = known.get(&bucket.name, now).copied().unwrap_or(0);
        let acquired = bucket
            .rate
            .acquire_many(tokens, full_at, now.as_microsecond());
        let full_at = acquired.map_err(SignedDuration::from_micros)?;
        let expires_at = Timestamp::from_microsecond(full_at).unwrap_or(now);
        known.insert(&bucket.name, full_at, expires_at, now);
        Ok(())
    }

    pub(super) fn refund(&self, bucket: &RateBucket) {
        if let Some((full_at, _)) = self.buckets.lock().0.get_mut(&bucket.name) {
            *full_at -= bucket.rate.refill_interval();
        }
    }

    fn consume_once(&self, proof: &ProofUse, now: Timestamp) -> bool {
        let mut consumed = self.consumed.lock();
        if let Some(known) = consumed.get(&proof.name, now) {
            return *known == proof.consumer;
        }
        consumed.insert(&proof.name, proof.consumer.clone(), proof.expires_at, now);
        true
    }
}

/// Values with an expiry time, up to [`MAX_ENTRIES`].
#[derive(Debug, Default)]
struct BoundedMap<T>(HashMap<String, (T, Timestamp)>);

impl<T> BoundedMap<T> {
    fn get(&self, name: &str, now: Timestamp) -> Option<&T> {
        let (value, expires_at) = self.0.get(name)?;
        (now < *expires_at).then_some(value)
    }

    /// Inserts a value. A full map first drops expired entries, or without any the one that expires next.
    fn insert(&mut self, name: &str, value: T, expires_at: Timestamp, now: Timestamp) {
        if self.0.len() >= MAX_ENTRIES {
            self.0.retain(|_, (_, expires_at)| now < *expires_at);
        }
        if self.0.len() >= MAX_ENTRIES {
            let next = self.0.iter().min_by_key(|(_, (_, expires_at))| *expires_at);
            if let Some(name) = next.map(|(name, _)| name.clone()) {
                self.0.remove(&name);
            }
        }
        self.0.insert(name.to_owned(), (value, expires_at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::rate::Rate;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn bucket(name: &str, rate: Rate) -> RateBucket {
        let name = name.to_owned();
        RateBucket { name, rate }
    }

    #[test]
    fn tokens_are_taken_from_all_buckets_or_from_none() {
        let counters = LocalCounters::default();
        let (wide, narrow) = (bucket("a", Rate::new(3, 1)), bucket("b", Rate::new(1, 1)));
        let both = [wide.clone(), narrow.clone()];
        assert_eq!(counters.acquire(&both, at(0)), Ok(()));
        assert_eq!(
            counters.acquire(&both, at(0)),
            Err(SignedDuration::from_secs(60))
        );
        counters.refund(&narrow);
        assert_eq!(counters.acquire(&both, at(0)), Ok(()));
        let alone = [wide];
        assert_eq!(counters.acquire(&alone, at(0)), Ok(()));
        assert!(counters.acquire(&alone, at(0)).is_err(), "three were taken");
    }

    fn proof(name: &str, consumer: &str, expires_at: Timestamp) -> ProofUse {
        let (name, consumer) = (name.to_owned(), consumer.to_owned());
        ProofUse {
            name,
            consumer,
            expires_at,
        }
    }

    #[test]
    fn a_proof_is_consumed_by_one_consumer_until_it_expires() {
        let counters = LocalCounters::default();
        let consumes = |consumer, expires_at, now| {
            counters.consume_once(&proof("x", consumer, at(expires_at)), at(now))
        };
        assert!(consumes("ana", 60, 0));
        assert!(consumes("ana", 60, 1), "a retry");
        assert!(!consumes("beto", 60, 2));
        assert!(consumes("beto", 120, 61));
    }

    #[test]
    fn a_proof_is_not_consumed_without_a_token() {
        let counters = LocalCounters::default();
        let bucket = [bucket("a", Rate::new(1, 1))];
        let (first, second) = (proof("x", "ana", at(600)), proof("y", "ana", at(600)));
        let admit = |proof, now| counters.admit(&bucket, Some(proof), at(now));
        assert_eq!(admit(&first, 0), Ok(()));
        let wait = Refusal::Empty(SignedDuration::from_secs(60));
        assert_eq!(admit(&second, 0), Err(wait));
        assert!(counters.consume_once(&proof("y", "beto", at(600)), at(1)));
        assert_eq!(admit(&second, 60), Err(Refusal::ProofUsed));
        assert!(admit(&second, 61).is_err(), "the token was taken");
    }

    #[test]
    fn counters_stay_bounded() {
        let counters = LocalCounters::default();
        for number in 0..12_000 {
            let one = bucket(&number.to_string(), Rate::new(10, 1));
            counters.acquire(&[one], at(number)).unwrap();
            let proof = proof(&number.to_string(), "x", at(1_000_000));
            counters.consume_once(&proof, at(number));
        }
        let (buckets, consumed) = (counters.buckets.lock(), counters.consumed.lock());
        assert!(buckets.0.len() <= MAX_ENTRIES && consumed.0.len() <= MAX_ENTRIES);
    }
}
