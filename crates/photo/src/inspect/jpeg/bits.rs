//! Bits of entropy-coded JPEG data, with stuffed bytes removed, up to the next marker.

use std::ops::Range;

use memchr::memchr;

/// Bits that are available after [`BitReader::fill`], unless the data ends.
pub(super) const FILLED: i32 = 32;

/// Reads bits, most significant first. Beyond the end of the data it reads zeros.
pub(super) struct BitReader<'a> {
    data: &'a [u8],
    /// Next byte to load.
    at: usize,
    /// Loaded bits, left-aligned.
    window: u64,
    /// Number of loaded bits; negative once more was read than there is.
    bits: i32,
    /// Whether a marker or the end of the file was met.
    is_at_end: bool,
}

impl<'a> BitReader<'a> {
    /// Reads `data` from `at`.
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            window: 0,
            bits: 0,
            is_at_end: false,
        }
    }

    /// Loads at least [`FILLED`] bits, unless the data ends.
    #[inline]
    pub(super) fn fill(&mut self) {
        if self.bits < FILLED && !self.is_at_end {
            self.load();
        }
    }

    fn load(&mut self) {
        if let Some(next) = self.data.get(self.at..).and_then(<[u8]>::first_chunk) {
            let next = u64::from_be_bytes(*next);
            let inverted = !next;
            // Whether any of the eight bytes is 0xFF.
            let special =
                inverted.wrapping_sub(0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080;
            if special == 0 {
                let taken = (63 - self.bits) >> 3;
                // Bits of a byte that is not yet counted are loaded again later, to the same place.
                self.window |= next >> self.bits;
                self.bits += 8 * taken;
                self.at += taken.unsigned_abs() as usize;
                return;
            }
        }
        self.load_bytewise();
    }

    fn load_bytewise(&mut self) {
        while self.bits <= 56 {
            let step = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => 2,
                (Some(0xFF) | None, _) => {
                    self.is_at_end = true;
                    return;
                }
                _ => 1,
            };
            self.window |= u64::from(self.data[self.at]) << (56 - self.bits);
            self.bits += 8;
            self.at += step;
        }
    }

    /// Returns the next `count` bits, 1 to 32, without consuming them.
    #[inline]
    pub(super) fn peek(&self, count: u32) -> usize {
        usize::try_from(self.window >> (64 - count)).unwrap_or_default()
    }

    /// Consumes at most [`FILLED`] bits.
    #[inline]
    pub(super) fn consume(&mut self, count: u32) {
        self.window <<= count;
        self.bits -= count.cast_signed();
    }

    /// Reads up to 16 bits.
    pub(super) fn read(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        self.fill();
        let value = self.peek(count);
        self.consume(count);
        u32::try_from(value).unwrap_or_default()
    }

    /// Skips any number of bits.
    pub(super) fn skip(&mut self, mut count: u32) {
        while count > 0 && !self.is_starved() {
            self.fill();
            let step = count.min(FILLED.unsigned_abs());
            self.consume(step);
            count -= step;
        }
    }

    /// Returns whether more was read than there is.
    #[inline]
    pub(super) fn is_starved(&self) -> bool {
        self.bits < 0
    }

    /// Returns the offset after the last byte that was read, even in part.
    pub(super) fn end(&self) -> usize {
        let mut at = self.at;
        for _ in 0..self.bits.max(0) / 8 {
            let is_stuffed = at >= 2 && self.data[at - 2..at] == [0xFF, 0];
            at -= if is_stuffed { 2 } else { 1 };
        }
        at
    }

    /// Continues after the next restart marker. Returns the range of unread bytes before it, or `None` if there is no
    /// such marker.
    pub(super) fn restart(&mut self) -> Option<Range<usize>> {
        let begin = self.end();
        let mut at = begin;
        loop {
            at += memchr(0xFF, self.data.get(at..)?)?;
            match self.data.get(at + 1)? {
                0 => at += 2,
                0xFF => at += 1,
                0xD0..=0xD7 => break,
                _ => return None,
            }
        }
        *self = Self::new(self.data, at + 2);
        Some(begin..at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffed_bytes_are_skipped_and_the_end_is_exact() {
        let data = b"\x12\xFF\x00\x34\x56\x78\x9A\xBC\xDE\xF0\x11\x22\xFF\xD3\x80rest";
        let mut reader = BitReader::new(data, 0);
        assert_eq!(reader.read(12), 0x12F);
        assert_eq!(reader.end(), 3);
        assert_eq!(reader.read(8), 0xF3);
        assert_eq!(reader.end(), 4);
        reader.skip(4 + 48);
        assert_eq!(reader.read(4), 1);
        assert!(!reader.is_starved());
        assert_eq!(reader.restart(), Some(11..12));
        assert_eq!(reader.read(1), 1);
        assert_eq!(reader.end(), 15);
    }

    #[test]
    fn reading_beyond_the_end_is_noticed() {
        for data in [&b"\xAA"[..], b"\xAA\xFF\xD9", b"\xAA\xFF"] {
            let mut reader = BitReader::new(data, 0);
            assert_eq!(reader.read(8), 0xAA);
            assert!(!reader.is_starved());
            assert_eq!(reader.read(1), 0);
            assert!(reader.is_starved());
            reader.skip(1_000_000);
            assert_eq!(reader.restart(), None);
        }
    }
}
