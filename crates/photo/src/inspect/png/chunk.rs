//! Chunks of a PNG.

use std::ops::Range;

use bytes::Bytes;

use super::super::InspectionError;
use super::super::picture::ensure;

/// Length of a chunk without its data: length, type, checksum.
const OVERHEAD: usize = 12;

/// A chunk as it is in the file.
pub(super) struct Chunk<'a> {
    pub(super) kind: [u8; 4],
    pub(super) data: &'a [u8],
    /// CRC-32 of type and data, as stored in the file.
    checksum: u32,
    /// Range of the chunk in the file, including length and checksum.
    pub(super) range: Range<usize>,
}

impl<'a> Chunk<'a> {
    /// Splits off the chunk at `at`. Returns `None` if the file ends within it.
    pub(super) fn read(source: &'a Bytes, at: usize) -> Option<Self> {
        let (length, rest) = source.get(at..)?.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (data, rest) = rest.split_at_checked(length)?;
        let checksum = u32::from_be_bytes(*rest.first_chunk()?);
        Some(Self {
            kind: *kind,
            data,
            checksum,
            range: at..at + OVERHEAD + length,
        })
    }

    /// Returns whether the checksum is right.
    pub(super) fn is_intact(&self) -> bool {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.kind);
        crc.update(self.data);
        crc.finalize() == self.checksum
    }

    /// Rejects a wrong checksum.
    pub(super) fn check(&self) -> Result<(), InspectionError> {
        ensure(self.is_intact())
    }
}

/// Returns a chunk with its checksum.
pub(super) fn write_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or_default();
    let content = [&kind, data].concat();
    let checksum = crc32fast::hash(&content).to_be_bytes();
    [&length.to_be_bytes(), &content[..], &checksum].concat()
}
