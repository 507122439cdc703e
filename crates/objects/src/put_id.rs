//! Ids of attempts to store a photo.

use crate::aead::{self, NONCE_BYTES};

/// Length of the id of a run.
const RUN_BYTES: usize = 12;
/// Length of a stored number.
const NUMBER_BYTES: usize = (NONCE_BYTES - RUN_BYTES) / 2;

/// Identifies an attempt to store a photo (a put). The photo's header has it as a nonce: unique, because runs are
/// random and each counts its puts; readable without a key, and authenticated with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutId {
    /// The run, a sequence of puts by one process.
    pub run: [u8; RUN_BYTES],
    /// Number within the run, below 2^48.
    pub number: u64,
    /// When the put began, all puts of the run below this number were resolved: the photo belonged to a registration,
    /// or was removed.
    pub resolved_below: u64,
}

impl PutId {
    /// Generates the id of a put that belongs to no known run.
    pub fn random() -> Result<Self, getrandom::Error> {
        aead::generate_nonce().map(Self::from_nonce)
    }

    pub(crate) fn to_nonce(self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        let (run, numbers) = nonce.split_at_mut(RUN_BYTES);
        run.copy_from_slice(&self.run);
        for (place, number) in numbers
            .chunks_exact_mut(NUMBER_BYTES)
            .zip([self.number, self.resolved_below])
        {
            let bytes = number.to_be_bytes();
            place.copy_from_slice(&bytes[bytes.len() - NUMBER_BYTES..]);
        }
        nonce
    }

    pub(crate) fn from_nonce(nonce: [u8; NONCE_BYTES]) -> Self {
        let (run, numbers) = nonce.split_at(RUN_BYTES);
        let (number, resolved_below) = numbers.split_at(NUMBER_BYTES);
        let read = |bytes: &[u8]| {
            let push = |number, byte: &u8| number << 8 | u64::from(*byte);
            bytes.iter().fold(0, push)
        };
        Self {
            run: run.try_into().unwrap_or_default(),
            number: read(number),
            resolved_below: read(resolved_below),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_holds_the_whole_id() {
        let largest = (1 << 48) - 1;
        for (number, resolved_below) in [(0, 0), (1, 0), (258, 257), (largest, largest - 1)] {
            let id = PutId {
                run: *b"twelve bytes",
                number,
                resolved_below,
            };
            assert_eq!(PutId::from_nonce(id.to_nonce()), id);
        }
        assert_ne!(PutId::random().unwrap(), PutId::random().unwrap());
    }
}
