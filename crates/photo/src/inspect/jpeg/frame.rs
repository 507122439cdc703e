//! Frame header of a JPEG, and which of its coefficients the scans have covered.

use super::super::InspectionError;
use super::super::picture::ensure;

/// Coefficients of a block.
pub(super) const COEFFICIENTS: usize = 64;

/// Marks a coefficient without a scan.
const MISSING: u8 = u8::MAX;

/// Blocks that an interleaved scan may have in a minimum coded unit.
const MAX_BLOCKS: u32 = 10;

/// Frame header, and the progress of its components.
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_progressive: bool,
    pub(super) components: Vec<Component>,
}

/// A colour component.
pub(super) struct Component {
    id: u8,
    /// Sampling factors, 1 to 4.
    across: u32,
    down: u32,
    /// Number of the quantization table; `None` after the first scan, which fixes the table.
    pub(super) quantization: Option<u8>,
    /// Bits of each coefficient that later scans refine; 0 if it is complete.
    missing_bits: [u8; COEFFICIENTS],
}

/// Parameters of a scan.
pub(super) struct ScanHeader {
    /// Index in the frame, DC table and AC table of each component.
    pub(super) components: Vec<(usize, u8, u8)>,
    /// First and last coefficient.
    pub(super) first: u8,
    pub(super) last: u8,
    /// Whether the scan adds a bit to coefficients of earlier scans.
    pub(super) refines: bool,
    /// Bits that later scans refine.
    missing_bits: u8,
}

impl Frame {
    /// Parses the frame header of a sequential or progressive JPEG that browsers can display.
    pub(super) fn parse(contents: &[u8], is_progressive: bool) -> Result<Self, InspectionError> {
        let Some(([precision, h1, h2, w1, w2, count], components)) = contents.split_first_chunk()
        else {
            return Err(InspectionError::Damaged);
        };
        ensure(*count > 0 && components.len() == 3 * usize::from(*count))?;
        if *precision != 8 || !matches!(count, 1 | 3 | 4) {
            return Err(InspectionError::UnsupportedJpeg);
        }
        Ok(Self {
            width: u16::from_be_bytes([*w1, *w2]).into(),
            height: u16::from_be_bytes([*h1, *h2]).into(),
            is_progressive,
            components: components
                .chunks_exact(3)
                .map(|it| Component::parse(it[0], it[1], it[2]))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Parses a scan header: each component exists and is named once, and the range of coefficients is one that libjpeg
    /// decodes.
    pub(super) fn parse_scan(&self, header: &[u8]) -> Result<ScanHeader, InspectionError> {
        let (count, rest) = header.split_first().ok_or(InspectionError::Damaged)?;
        let count = usize::from(*count);
        ensure((1..=4).contains(&count) && rest.len() == 2 * count + 3)?;
        let (selectors, range) = rest.split_at(2 * count);
        let mut scan = ScanHeader {
            components: Vec::with_capacity(count),
            first: range[0],
            last: range[1],
            refines: range[2] >> 4 != 0,
            missing_bits: range[2] & 15,
        };
        for selector in selectors.chunks_exact(2) {
            let found = (0..self.components.len()).find(|index| {
                let is_new = scan.components.iter().all(|(other, ..)| other != index);
                is_new && self.components[*index].id == selector[0]
            });
            let index = found.ok_or(InspectionError::Damaged)?;
            let (dc, ac) = (selector[1] >> 4, selector[1] & 15);
            ensure(dc < 4 && ac < 4)?;
            scan.components.push((index, dc, ac));
        }
        let blocks = scan
            .components
            .iter()
            .map(|(index, ..)| self.blocks_in_unit(*index));
        ensure(count == 1 || blocks.sum::<u32>() <= MAX_BLOCKS)?;
        if self.is_progressive {
            scan.check_progression(range[2] >> 4)?;
        } else {
            // Other values are ignored, as in libjpeg, which only warns.
            (scan.first, scan.last, scan.refines, scan.missing_bits) = (0, 63, false, 0);
            let is_covered = |(index, ..): &(usize, u8, u8)| self.components[*index].is_complete();
            ensure(!scan.components.iter().any(is_covered))?;
        }
        Ok(scan)
    }

    /// Notes what a complete scan has covered.
    pub(super) fn cover(&mut self, scan: &ScanHeader) {
        for (index, ..) in &scan.components {
            let range = usize::from(scan.first)..=usize::from(scan.last);
            self.components[*index].missing_bits[range].fill(scan.missing_bits);
        }
    }

    /// Returns whether every bit of every coefficient has been read.
    pub(super) fn is_complete(&self) -> bool {
        self.components.iter().all(Component::is_complete)
    }

    /// Returns the blocks of a component in a minimum coded unit of an interleaved scan.
    pub(super) fn blocks_in_unit(&self, index: usize) -> u32 {
        self.components[index].across * self.components[index].down
    }

    /// Returns columns and rows of minimum coded units of an interleaved scan.
    pub(super) fn units(&self) -> (u32, u32) {
        let (across, down) = self.sampling();
        (
            self.width.div_ceil(8 * across),
            self.height.div_ceil(8 * down),
        )
    }

    /// Returns columns and rows of blocks of a component, without padding: the units of a scan of its own.
    pub(super) fn blocks(&self, index: usize) -> (u32, u32) {
        let (across, down) = self.sampling();
        let component = &self.components[index];
        let columns = (self.width * component.across).div_ceil(8 * across);
        let rows = (self.height * component.down).div_ceil(8 * down);
        (columns, rows)
    }

    /// Returns the highest sampling factors.
    fn sampling(&self) -> (u32, u32) {
        let across = self.components.iter().map(|component| component.across);
        let down = self.components.iter().map(|component| component.down);
        (across.max().unwrap_or(1), down.max().unwrap_or(1))
    }
}

impl Component {
    /// Parses id, horizontal and vertical sampling factors of 1 to 4, and quantization table.
    fn parse(id: u8, sampling: u8, quantization: u8) -> Result<Self, InspectionError> {
        let (across, down) = (sampling >> 4, sampling & 15);
        ensure((1..=4).contains(&across) && (1..=4).contains(&down) && quantization < 4)?;
        Ok(Self {
            id,
            across: across.into(),
            down: down.into(),
            quantization: Some(quantization),
            missing_bits: [MISSING; COEFFICIENTS],
        })
    }

    fn is_complete(&self) -> bool {
        self.missing_bits == [0; COEFFICIENTS]
    }
}

impl ScanHeader {
    /// Checks the rules of progressive scans that libjpeg enforces.
    fn check_progression(&self, high: u8) -> Result<(), InspectionError> {
        ensure(if self.first == 0 {
            self.last == 0
        } else {
            self.first <= self.last && self.last < 64 && self.components.len() == 1
        })?;
        ensure(!self.refines || self.missing_bits.checked_add(1) == Some(high))?;
        ensure(self.missing_bits <= 13)
    }

    /// Returns whether the scan decodes DC, and AC coefficients, by Huffman tables.
    pub(super) fn uses_tables(&self) -> (bool, bool) {
        (self.first == 0 && !self.refines, self.last > 0)
    }
}
