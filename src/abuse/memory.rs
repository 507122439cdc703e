//! What one process counts: alone, or while Redis is away. A bounded number of names of each kind at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::attempts::{Counted, FORGET};
use super::rate::Draw;

/// Names of one kind at once.
const MOST: usize = 10_000;

/// Counts in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    tries: Mutex<Table<Tries>>,
    /// When all that was drawn will have come back, in microseconds.
    rates: Mutex<Table<i64>>,
    /// By whom a name was used up.
    used: Mutex<Table<String>>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    until: Timestamp,
}

impl Memory {
    pub(super) fn attempt(
        &self,
        counted: &[Counted],
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let mut tries = lock(&self.tries);
        let known = |counted: &Counted| tries.known(&counted.name, now).map(|known| known.until);
        if let Some(until) = counted
            .iter()
            .filter_map(known)
            .max()
            .filter(|at| now < *at)
        {
            return Err(until.duration_since(now));
        }
        for counted in counted {
            let known = tries.known(&counted.name, now);
            let count = known.map_or(0, |known| known.count).saturating_add(1);
            let until = now + counted.limit.delay(count);
            tries.put(&counted.name, Tries { count, until }, now + FORGET, now);
        }
        Ok(())
    }

    pub(super) fn forgive(&self, counted: &[Counted]) {
        let mut tries = lock(&self.tries);
        for counted in counted {
            if counted.limit.forgets {
                tries.0.remove(&counted.name);
            } else if let Some((known, _)) = tries.0.get_mut(&counted.name) {
                known.count = known.count.saturating_sub(1);
            }
        }
    }

    pub(super) fn draw(&self, draws: &[Draw], now: Timestamp) -> Result<(), SignedDuration> {
        let mut rates = lock(&self.rates);
        let instant = now.as_microsecond();
        let moments = draws.iter().map(|draw| {
            let full_at = rates.known(&draw.name, now).copied().unwrap_or(0);
            draw.rate.draw(full_at, instant)
        });
        let moments: Vec<_> = moments.collect();
        if let Some(wait) = moments.iter().filter_map(|moment| moment.err()).max() {
            return Err(SignedDuration::from_micros(wait));
        }
        for (draw, full_at) in draws.iter().zip(moments.into_iter().flatten()) {
            let until = Timestamp::from_microsecond(full_at).unwrap_or(now);
            rates.put(&draw.name, full_at, until, now);
        }
        Ok(())
    }

    pub(super) fn give_back(&self, draw: &Draw) {
        if let Some((full_at, _)) = lock(&self.rates).0.get_mut(&draw.name) {
            *full_at -= draw.rate.each();
        }
    }

    pub(super) fn use_up(&self, name: &str, by: &str, until: Timestamp, now: Timestamp) -> bool {
        let mut used = lock(&self.used);
        if let Some(known) = used.known(name, now) {
            return known == by;
        }
        used.put(name, by.to_owned(), until, now);
        true
    }
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is whole: a panic elsewhere leaves nothing half-done to be afraid of.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is known under a name, until a time.
#[derive(Debug)]
struct Table<T>(HashMap<String, (T, Timestamp)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Table<T> {
    fn known(&self, name: &str, now: Timestamp) -> Option<&T> {
        let (known, until) = self.0.get(name)?;
        (now < *until).then_some(known)
    }

    /// With no room, what is over is forgotten; with none of that, whatever would be over next.
    fn put(&mut self, name: &str, value: T, until: Timestamp, now: Timestamp) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (_, until)| now < *until);
        }
        if self.0.len() >= MOST {
            let next = self.0.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(name) = next.map(|(name, _)| name.clone()) {
                self.0.remove(&name);
            }
        }
        self.0.insert(name.to_owned(), (value, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abuse::rate::Rate;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn draw(name: &str, rate: Rate) -> Draw {
        let name = name.to_owned();
        Draw { name, rate }
    }

    #[test]
    fn from_all_rates_or_from_none() {
        let memory = Memory::default();
        let (wide, narrow) = (draw("a", Rate::new(3, 1)), draw("b", Rate::new(1, 1)));
        let both = [wide.clone(), narrow.clone()];
        assert_eq!(memory.draw(&both, at(0)), Ok(()));
        assert_eq!(
            memory.draw(&both, at(0)),
            Err(SignedDuration::from_secs(60))
        );
        memory.give_back(&narrow);
        assert_eq!(memory.draw(&both, at(0)), Ok(()));
        let alone = [wide];
        assert_eq!(memory.draw(&alone, at(0)), Ok(()));
        assert!(memory.draw(&alone, at(0)).is_err(), "three were drawn");
    }

    #[test]
    fn a_name_is_used_up_by_one_until_it_is_over() {
        let memory = Memory::default();
        assert!(memory.use_up("x", "ana", at(60), at(0)));
        assert!(memory.use_up("x", "ana", at(60), at(1)), "a retry");
        assert!(!memory.use_up("x", "beto", at(60), at(2)));
        assert!(memory.use_up("x", "beto", at(120), at(61)));
    }

    #[test]
    fn it_stays_bounded() {
        let memory = Memory::default();
        for number in 0..12_000 {
            let one = draw(&number.to_string(), Rate::new(10, 1));
            memory.draw(&[one], at(number)).unwrap();
            memory.use_up(&number.to_string(), "x", at(1_000_000), at(number));
        }
        assert!(lock(&memory.rates).0.len() <= MOST && lock(&memory.used).0.len() <= MOST);
    }
}
