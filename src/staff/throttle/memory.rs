//! Attempts counted by one process: alone, or while Redis is away. A bounded number of names at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Counted, FORGET};

/// Names counted at once.
const MOST: usize = 10_000;

/// Attempts in memory.
#[derive(Debug, Default)]
pub struct MemoryThrottle {
    tries: Mutex<HashMap<String, Tries>>,
}

#[derive(Debug)]
struct Tries {
    count: u32,
    until: Timestamp,
    last: Timestamp,
}

impl MemoryThrottle {
    fn tries(&self) -> MutexGuard<'_, HashMap<String, Tries>> {
        // Each change below is whole: a panic elsewhere leaves nothing half-done to be afraid of.
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn attempt(
        &self,
        counted: &[Counted],
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let mut tries = self.tries();
        let until = |counted: &Counted| tries.get(&counted.name).map(|known| known.until);
        let until = counted.iter().filter_map(until).max();
        if let Some(until) = until.filter(|until| now < *until) {
            return Err(until.duration_since(now));
        }
        for counted in counted {
            make_room(&mut tries, now);
            let known = tries.get(&counted.name);
            let known = known.filter(|known| now.duration_since(known.last) < FORGET);
            let count = known.map_or(0, |known| known.count).saturating_add(1);
            let until = now + counted.limit.delay(count);
            let last = now;
            tries.insert(counted.name.clone(), Tries { count, until, last });
        }
        Ok(())
    }

    pub(super) fn forgive(&self, counted: &[Counted]) {
        let mut tries = self.tries();
        for counted in counted {
            if counted.limit.forgets {
                tries.remove(&counted.name);
            } else if let Some(known) = tries.get_mut(&counted.name) {
                known.count = known.count.saturating_sub(1);
            }
        }
    }
}

/// Drops what is forgotten; with none of that, whoever was quiet for longest.
fn make_room(tries: &mut HashMap<String, Tries>, now: Timestamp) {
    if tries.len() < MOST {
        return;
    }
    tries.retain(|_, known| now.duration_since(known.last) < FORGET);
    if tries.len() >= MOST {
        let quietest = tries.iter().min_by_key(|(_, known)| known.last);
        if let Some(name) = quietest.map(|(name, _)| name.clone()) {
            tries.remove(&name);
        }
    }
}
