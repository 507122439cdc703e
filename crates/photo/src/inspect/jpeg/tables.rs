//! JPEG segments that decoding needs, checked so that no other data can hide in them.
//! Lengths must be exact, as in libjpeg.

use super::super::InspectionError;
use super::super::picture::ensure;

/// Frame header, and the components that a scan has covered.
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Ids, and whether a scan covered them.
    components: Vec<(u8, bool)>,
}

impl Frame {
    /// Parses a frame header (SOF0 to SOF2) that browsers can display.
    pub(super) fn parse(contents: &[u8]) -> Result<Self, InspectionError> {
        let Some(([precision, h1, h2, w1, w2, count], components)) = contents.split_first_chunk()
        else {
            return Err(InspectionError::Damaged);
        };
        ensure(*count > 0 && components.len() == 3 * usize::from(*count))?;
        if *precision != 8 || !matches!(count, 1 | 3 | 4) {
            return Err(InspectionError::UnsupportedJpeg);
        }
        // Each component: id, horizontal and vertical sampling factors of 1 to 4, quantization table.
        let is_sampled = |factor| (1..=4).contains(&factor);
        let sampled = |it: &[u8]| is_sampled(it[1] >> 4) && is_sampled(it[1] & 15) && it[2] < 4;
        ensure(components.chunks_exact(3).all(sampled))?;
        Ok(Self {
            width: u16::from_be_bytes([*w1, *w2]).into(),
            height: u16::from_be_bytes([*h1, *h2]).into(),
            components: components
                .chunks_exact(3)
                .map(|component| (component[0], false))
                .collect(),
        })
    }

    /// Marks the components of a scan header as covered.
    pub(super) fn mark_covered(&mut self, header: &[u8]) -> Result<(), InspectionError> {
        let (count, rest) = header.split_first().ok_or(InspectionError::Damaged)?;
        let count = usize::from(*count);
        ensure((1..=4).contains(&count) && rest.len() == 2 * count + 3)?;
        for selector in rest.chunks_exact(2).take(count) {
            let mut is_known = false;
            for (id, is_covered) in &mut self.components {
                if *id == selector[0] {
                    *is_covered = true;
                    is_known = true;
                }
            }
            ensure(is_known)?;
        }
        Ok(())
    }

    /// Returns whether every component has a scan. If not, the file is truncated.
    pub(super) fn is_covered(&self) -> bool {
        self.components.iter().all(|(_, is_covered)| *is_covered)
    }
}

/// Checks that DHT contents are complete tables: class and number, 16 counts, and that many symbols.
pub(super) fn check_huffman(mut contents: &[u8]) -> Result<(), InspectionError> {
    while let Some(([id, counts @ ..], rest)) = contents.split_first_chunk::<17>() {
        let symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
        ensure(id & 0xEC == 0 && symbols <= 256)?;
        contents = rest.get(symbols..).ok_or(InspectionError::Damaged)?;
    }
    ensure(contents.is_empty())
}

/// Checks that DQT contents are complete tables: precision and number, 64 values of one or two bytes.
pub(super) fn check_quantization(mut contents: &[u8]) -> Result<(), InspectionError> {
    while let Some((id, rest)) = contents.split_first() {
        let length = match id >> 4 {
            0 => 64,
            1 => 128,
            _ => return Err(InspectionError::Damaged),
        };
        ensure(id & 0x0F <= 3)?;
        contents = rest.get(length..).ok_or(InspectionError::Damaged)?;
    }
    ensure(contents.is_empty())
}
