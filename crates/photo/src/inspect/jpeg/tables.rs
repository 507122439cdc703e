//! Tables of a JPEG: Huffman codes, quantization, restart interval. Checks that they are complete, so that no other data
//! can hide in them, and removes those that no scan uses. Lengths must be exact, as in libjpeg.

use std::ops::Range;

use bytes::Bytes;

use super::super::InspectionError;
use super::super::cut::Cut;
use super::super::picture::ensure;

/// Maximum number of tables: more than the scans of any photo can use.
const MAX_TABLES: usize = 2000;

/// Kind and number of a table.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    Dc(u8),
    Ac(u8),
    Quantization(u8),
    RestartInterval,
}

/// All definitions of a file, and those in effect.
#[derive(Default)]
pub(super) struct Tables {
    segments: Vec<Segment>,
    definitions: Vec<Definition>,
    /// Index of the definition in effect, by [`Slot::index`].
    in_effect: [Option<usize>; 13],
}

/// A segment and its definitions.
struct Segment {
    /// Range in the file, with the marker.
    range: Range<usize>,
    definitions: Range<usize>,
}

struct Definition {
    range: Range<usize>,
    is_used: bool,
}

impl Slot {
    fn index(self) -> usize {
        match self {
            Self::Dc(number) => usize::from(number),
            Self::Ac(number) => 4 + usize::from(number),
            Self::Quantization(number) => 8 + usize::from(number),
            Self::RestartInterval => 12,
        }
    }

    /// Reads the slot of the next definition of a segment, and the length of the definition.
    fn read(marker: u8, contents: &[u8]) -> Option<(Self, usize)> {
        let id = *contents.first()?;
        let number = id & 15;
        match (marker, id >> 4) {
            (0xDD, _) => (contents.len() == 2).then_some((Self::RestartInterval, 2)),
            (0xC4, class @ (0 | 1)) if number < 4 => {
                let counts = contents.get(1..17)?;
                let symbols = counts
                    .iter()
                    .map(|count| usize::from(*count))
                    .sum::<usize>();
                let slot = if class == 0 {
                    Self::Dc(number)
                } else {
                    Self::Ac(number)
                };
                (symbols <= 256).then_some((slot, 17 + symbols))
            }
            (0xDB, precision @ (0 | 1)) if number < 4 => {
                Some((Self::Quantization(number), 65 + 64 * usize::from(precision)))
            }
            _ => None,
        }
    }
}

impl Tables {
    /// Reads a segment of tables (DHT, DQT, DRI). `range` is the segment with its marker.
    pub(super) fn read(
        &mut self,
        marker: u8,
        range: Range<usize>,
        contents: &[u8],
    ) -> Result<(), InspectionError> {
        let first = self.definitions.len();
        let mut at = range.end - contents.len();
        let mut rest = contents;
        while !rest.is_empty() {
            let (slot, length) = Slot::read(marker, rest).ok_or(InspectionError::Damaged)?;
            rest = rest.get(length..).ok_or(InspectionError::Damaged)?;
            self.in_effect[slot.index()] = Some(self.definitions.len());
            self.definitions.push(Definition {
                range: at..at + length,
                is_used: false,
            });
            at += length;
        }
        self.segments.push(Segment {
            range,
            definitions: first..self.definitions.len(),
        });
        ensure(self.segments.len() + self.definitions.len() <= MAX_TABLES)
    }

    /// Marks the table in effect as used and returns its bytes, or `None` if there is none.
    pub(super) fn use_table<'a>(&mut self, slot: Slot, source: &'a Bytes) -> Option<&'a [u8]> {
        let definition = self.definitions.get_mut(self.in_effect[slot.index()]?)?;
        definition.is_used = true;
        source.get(definition.range.clone())
    }

    /// Removes the tables that were not used.
    pub(super) fn remove_unused(&self, source: &Bytes, cut: &mut Cut<'_>) {
        for segment in &self.segments {
            let definitions = &self.definitions[segment.definitions.clone()];
            let used = || definitions.iter().filter(|definition| definition.is_used);
            if used().count() == 0 {
                cut.remove(segment.range.clone());
            } else if used().count() < definitions.len() {
                let length = 2 + used()
                    .map(|definition| definition.range.len())
                    .sum::<usize>();
                let mut rest = source[segment.range.start..][..2].to_vec();
                rest.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
                for definition in used() {
                    rest.extend_from_slice(&source[definition.range.clone()]);
                }
                cut.replace(segment.range.clone(), &rest);
            }
        }
    }
}
