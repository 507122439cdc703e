//! Walks the scans of progressive JPEGs (ITU-T T.81, annex G). Refinements have a bit for each coefficient that is not
//! zero, so these are remembered: one bit per coefficient.

use std::ops::RangeInclusive;

use super::bits::BitReader;
use super::frame::Frame;
use super::huffman::Codes;
use super::units::UnitSkipper;

/// For each component and block the coefficients that are not zero.
#[derive(Default)]
pub(super) struct Bands([Vec<u64>; 4]);

impl Bands {
    /// Returns the blocks of a component.
    pub(super) fn component(&mut self, index: usize, frame: &Frame) -> &mut [u64] {
        let (columns, rows) = frame.blocks(index);
        self.0[index].resize(columns as usize * rows as usize, 0);
        &mut self.0[index]
    }
}

/// First scan of the DC coefficients: number of blocks in a unit, and the table of each component.
pub(super) struct FirstDc(pub(super) Vec<(u32, Codes)>);

impl UnitSkipper for FirstDc {
    fn skip(&mut self, reader: &mut BitReader<'_>, _: usize) {
        for (blocks, codes) in &self.0 {
            for _ in 0..*blocks {
                codes.skip_dc(reader);
            }
        }
    }
}

/// Refinement of the DC coefficients: one bit for each of the blocks in a unit.
pub(super) struct RefinedDc(pub(super) u32);

impl UnitSkipper for RefinedDc {
    fn skip(&mut self, reader: &mut BitReader<'_>, _: usize) {
        reader.skip(self.0);
    }
}

/// First scan of a band of AC coefficients.
pub(super) struct FirstAc<'a> {
    codes: Codes,
    blocks: &'a mut [u64],
    band: RangeInclusive<u32>,
    /// Blocks without further coefficients.
    ended: u32,
}

impl<'a> FirstAc<'a> {
    pub(super) fn new(codes: Codes, blocks: &'a mut [u64], band: RangeInclusive<u32>) -> Self {
        Self {
            codes,
            blocks,
            band,
            ended: 0,
        }
    }
}

impl UnitSkipper for FirstAc<'_> {
    fn skip(&mut self, reader: &mut BitReader<'_>, index: usize) {
        if self.ended > 0 {
            self.ended -= 1;
            return;
        }
        let mut k = *self.band.start();
        while k <= *self.band.end() {
            reader.fill();
            let (length, symbol) = self.codes.find(reader);
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            reader.consume(length + size);
            if size > 0 {
                k += run;
                mark(self.blocks, index, k);
                k += 1;
            } else if run == 15 {
                k += 16;
            } else {
                self.ended = ended_blocks(reader, run) - 1;
                return;
            }
        }
    }

    fn restart(&mut self) {
        self.ended = 0;
    }
}

/// Refinement of a band of AC coefficients.
pub(super) struct RefinedAc<'a>(FirstAc<'a>);

impl<'a> RefinedAc<'a> {
    pub(super) fn new(codes: Codes, blocks: &'a mut [u64], band: RangeInclusive<u32>) -> Self {
        Self(FirstAc::new(codes, blocks, band))
    }

    /// Skips up to `zeros` coefficients that are zero, and the bits of the others in between. Returns the coefficient
    /// behind.
    fn skip_zeros(
        &self,
        reader: &mut BitReader<'_>,
        index: usize,
        mut k: u32,
        mut zeros: u32,
    ) -> u32 {
        let block = self.block(index);
        let behind = self.0.band.end() + 1;
        let mut bits = 0;
        loop {
            let others = (block >> k.min(63))
                .trailing_ones()
                .min(behind.saturating_sub(k));
            bits += others;
            k += others;
            if zeros == 0 || k >= behind {
                break;
            }
            zeros -= 1;
            k += 1;
        }
        reader.skip(bits);
        k
    }

    fn block(&self, index: usize) -> u64 {
        self.0.blocks.get(index).copied().unwrap_or_default()
    }

    /// Skips the bits of the rest of a block that has no further new coefficients.
    fn skip_rest(&self, reader: &mut BitReader<'_>, index: usize, k: u32) {
        let end = *self.0.band.end();
        if k <= end {
            let rest = self.block(index) >> k << k << (63 - end);
            reader.skip(rest.count_ones());
        }
    }
}

impl UnitSkipper for RefinedAc<'_> {
    fn skip(&mut self, reader: &mut BitReader<'_>, index: usize) {
        let mut k = *self.0.band.start();
        while self.0.ended == 0 && k <= *self.0.band.end() {
            let symbol = self.0.codes.read(reader);
            match (u32::from(symbol >> 4), symbol & 15) {
                (run, 0) if run < 15 => self.0.ended = ended_blocks(reader, run),
                (run, size) => {
                    // A new coefficient has one bit, its sign.
                    reader.skip(u32::from(size != 0));
                    k = self.skip_zeros(reader, index, k, run);
                    if size != 0 {
                        mark(self.0.blocks, index, k);
                    }
                    k += 1;
                }
            }
        }
        if self.0.ended > 0 {
            self.skip_rest(reader, index, k);
            self.0.ended -= 1;
        }
    }

    fn restart(&mut self) {
        self.0.ended = 0;
    }
}

/// Reads how many blocks have no further coefficients, this one included: 2 to the power of `run`, plus so many bits.
fn ended_blocks(reader: &mut BitReader<'_>, run: u32) -> u32 {
    (1 << run) + reader.read(run)
}

/// Remembers that a coefficient is not zero.
fn mark(blocks: &mut [u64], index: usize, k: u32) {
    if let Some(block) = blocks.get_mut(index) {
        *block |= 1 << k.min(63);
    }
}
