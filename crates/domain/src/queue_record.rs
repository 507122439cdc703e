//! A record of the vote queue, as the broker delivers it.

use derive_more::Debug;
use jiff::Timestamp;

/// Maximum size of a key that is kept, and of a header, in bytes.
pub const MAX_KEY_BYTES: usize = 256;

/// Maximum size of a value that is kept, in bytes. A larger one cannot become a vote.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// A record of the vote queue. Its key and value may be any bytes: other programs write to the queue, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRecord {
    /// Topic or stream.
    pub source: String,
    /// Partition, if the queue has any.
    pub partition: Option<i32>,
    /// Position within the partition or stream, as the broker writes it.
    pub offset: String,
    /// Id of the vote, or a key from which it is derived.
    #[debug(skip)]
    pub key: Option<Vec<u8>>,
    /// A JSON object with the answers.
    #[debug(skip)]
    pub value: Vec<u8>,
    /// Size of the value in bytes before it was cut.
    pub value_bytes: u64,
    /// Header with the id of the campaign.
    #[debug(skip)]
    pub campaign: Option<Vec<u8>>,
    /// Header with the door.
    #[debug(skip)]
    pub door: Option<Vec<u8>>,
    /// Header with the time of receipt.
    #[debug(skip)]
    pub received_at: Option<Vec<u8>>,
    /// When the broker or the producer wrote it, by the broker's record.
    pub appended_at: Option<Timestamp>,
}

impl QueueRecord {
    /// Creates a record without headers and time. Cuts the key to [`MAX_KEY_BYTES`] and the value to
    /// [`MAX_VALUE_BYTES`].
    pub fn new(
        source: String,
        partition: Option<i32>,
        offset: String,
        key: Option<&[u8]>,
        value: &[u8],
    ) -> Self {
        Self {
            source,
            partition,
            offset,
            key: key.map(|key| first(key, MAX_KEY_BYTES).to_vec()),
            value: first(value, MAX_VALUE_BYTES).to_vec(),
            value_bytes: value.len() as u64,
            campaign: None,
            door: None,
            received_at: None,
            appended_at: None,
        }
    }

    /// Returns whether a part of the value is missing.
    pub fn is_cut(&self) -> bool {
        self.value_bytes > self.value.len() as u64
    }

    /// Cuts key, headers and value to what is kept.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.value_bytes = self.value_bytes.max(self.value.len() as u64);
        self.value.truncate(MAX_VALUE_BYTES);
        let headers = [&mut self.campaign, &mut self.door, &mut self.received_at];
        for part in headers.into_iter().chain([&mut self.key]).flatten() {
            part.truncate(MAX_KEY_BYTES);
        }
        self
    }
}

fn first(bytes: &[u8], max: usize) -> &[u8] {
    &bytes[..bytes.len().min(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_parts_are_cut_and_the_size_is_kept() {
        let new = |key: &[u8], value: &[u8]| {
            QueueRecord::new("votes".into(), Some(1), "7".into(), Some(key), value)
        };
        let small = new(&[1; MAX_KEY_BYTES], &vec![2; MAX_VALUE_BYTES]);
        assert!(!small.is_cut());
        assert_eq!(small.clone().cut(), small);
        let large = new(&[1; MAX_KEY_BYTES + 1], &vec![2; 2 << 20]);
        assert!(large.is_cut());
        assert_eq!((&large.key, &large.value), (&small.key, &small.value));
        assert_eq!(large.value_bytes, 2 << 20);
        assert_eq!(large.clone().cut(), large);
        let by_hand = QueueRecord {
            value: vec![2; 2 << 20],
            door: Some(vec![3; 1000]),
            ..small
        };
        let cut = by_hand.cut();
        assert_eq!(
            (cut.value.len(), cut.value_bytes),
            (MAX_VALUE_BYTES, 2 << 20)
        );
        assert_eq!(cut.door.unwrap().len(), MAX_KEY_BYTES);
    }
}
