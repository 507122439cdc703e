//! Records to send.

/// A record to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRecord {
    /// Id of the vote, 32 hexadecimal digits.
    pub key: [u8; 32],
    /// The vote as JSON.
    pub value: Vec<u8>,
}

impl OutgoingRecord {
    /// Estimates the memory that the record takes in the client until it is acknowledged, in bytes.
    pub(crate) fn size(&self) -> usize {
        /// Memory of the client of Kafka for each record.
        const OVERHEAD: usize = 200;
        OVERHEAD + self.key.len() + self.value.len()
    }
}
