//! Ids of votes without a key: UUIDs of version 7 (RFC 9562). The random bytes of a batch come from one call of the system, because
//! a call for each vote would take a twentieth of the processor time of a batch.

use jiff::Timestamp;
use uuid::Builder;

use jornada_domain::RegistrationId;
use jornada_store::StoreError;

/// Random bytes of an id.
const RANDOM_BYTES: usize = 10;

/// Ids of the votes of one request.
#[derive(Debug)]
pub(super) struct FreshIds {
    count: usize,
    random: Vec<u8>,
}

impl FreshIds {
    /// Prepares up to `count` ids. Random bytes are read with the first.
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            random: Vec::new(),
        }
    }

    /// Returns a new id.
    pub(super) fn next(&mut self, now: Timestamp) -> Result<RegistrationId, StoreError> {
        if self.random.len() < RANDOM_BYTES {
            self.random.resize(self.count.max(1) * RANDOM_BYTES, 0);
            getrandom::fill(&mut self.random)
                .map_err(|error| StoreError::Unavailable(error.to_string().into()))?;
        }
        let mut random = [0; RANDOM_BYTES];
        let rest = self.random.len() - RANDOM_BYTES;
        random.copy_from_slice(&self.random[rest..]);
        self.random.truncate(rest);
        let at_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let id = Builder::from_unix_timestamp_millis(at_ms, &random).into_uuid();
        Ok(RegistrationId::from_bytes(id.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_new_and_of_version_7() {
        let now: Timestamp = "2026-11-28T10:00:00.123Z".parse().unwrap();
        let mut ids = FreshIds::new(100);
        // More than announced, too.
        let made: HashSet<_> = (0..250).map(|_| ids.next(now).unwrap()).collect();
        assert_eq!(made.len(), 250);
        for id in made {
            let uuid = uuid::Uuid::from_bytes(*id.as_bytes());
            assert_eq!(uuid.get_version_num(), 7);
            let (seconds, nanoseconds) = uuid.get_timestamp().unwrap().to_unix();
            assert_eq!(seconds, u64::try_from(now.as_second()).unwrap());
            assert_eq!(nanoseconds, 123_000_000);
        }
    }
}
