//! Walks the entropy-coded data of a scan, block by block, without computing pixels. A scan is complete if the data has
//! every block; what follows the last block of a scan or restart interval is not part of the picture.

use bytes::Bytes;

use super::super::InspectionError;
use super::super::cut::Cut;
use super::bits::BitReader;
use super::frame::{Frame, ScanHeader};
use super::huffman::{BlockSkipper, Codes};
use super::progressive::{Bands, FirstAc, FirstDc, RefinedAc, RefinedDc};
use super::tables::{Slot, Tables};
use super::units::UnitSkipper;

/// A scan to walk.
pub(super) struct Scan<'a> {
    pub(super) source: &'a Bytes,
    pub(super) frame: &'a Frame,
    pub(super) header: &'a ScanHeader,
    /// Units between restart markers; 0 if there are none.
    pub(super) interval: u16,
}

impl Scan<'_> {
    /// Walks the data from `at`; returns the offset after it. Removes stray bytes before restart markers.
    pub(super) fn walk(
        &self,
        at: usize,
        tables: &mut Tables,
        bands: &mut Bands,
        cut: &mut Cut<'_>,
    ) -> Result<usize, InspectionError> {
        let mut reader = BitReader::new(self.source, at);
        let mut codes = |slot| {
            let definition = tables.use_table(slot, self.source);
            Codes::parse(definition.ok_or(InspectionError::Damaged)?)
        };
        let components = &self.header.components;
        let band = self.header.first.into()..=self.header.last.into();
        match (
            self.frame.is_progressive,
            self.header.first,
            self.header.refines,
        ) {
            (false, ..) => {
                let mut skippers = Vec::with_capacity(components.len());
                for (index, dc, ac) in components {
                    let skipper = BlockSkipper::new(codes(Slot::Ac(*ac))?);
                    skippers.push((self.blocks(*index), codes(Slot::Dc(*dc))?, skipper));
                }
                self.walk_units(&mut reader, &mut Sequential(skippers), cut)?;
            }
            (true, 0, false) => {
                let mut skippers = Vec::with_capacity(components.len());
                for (index, dc, _) in components {
                    skippers.push((self.blocks(*index), codes(Slot::Dc(*dc))?));
                }
                self.walk_units(&mut reader, &mut FirstDc(skippers), cut)?;
            }
            (true, 0, true) => {
                let blocks = components.iter().map(|(index, ..)| self.blocks(*index));
                self.walk_units(&mut reader, &mut RefinedDc(blocks.sum()), cut)?;
            }
            (true, _, refines) => {
                let (index, _, ac) = components[0];
                let codes = codes(Slot::Ac(ac))?;
                let seen = bands.component(index, self.frame);
                if refines {
                    self.walk_units(&mut reader, &mut RefinedAc::new(codes, seen, band), cut)?;
                } else {
                    self.walk_units(&mut reader, &mut FirstAc::new(codes, seen, band), cut)?;
                }
            }
        }
        Ok(reader.end())
    }

    /// Returns the blocks of a component in each unit.
    fn blocks(&self, index: usize) -> u32 {
        match self.header.components.len() {
            1 => 1,
            _ => self.frame.blocks_in_unit(index),
        }
    }

    fn walk_units(
        &self,
        reader: &mut BitReader<'_>,
        skipper: &mut impl UnitSkipper,
        cut: &mut Cut<'_>,
    ) -> Result<(), InspectionError> {
        let (columns, rows) = match self.header.components[..] {
            [(index, ..)] => self.frame.blocks(index),
            _ => self.frame.units(),
        };
        let mut left = self.interval;
        for index in 0..columns as usize * rows as usize {
            if self.interval > 0 && left == 0 {
                cut.remove(reader.restart().ok_or(InspectionError::Truncated)?);
                skipper.restart();
                left = self.interval;
            }
            left = left.saturating_sub(1);
            skipper.skip(reader, index);
            if reader.is_starved() {
                return Err(InspectionError::Truncated);
            }
        }
        Ok(())
    }
}

/// All coefficients at once: number of blocks in a unit, and the tables of each component.
struct Sequential(Vec<(u32, Codes, BlockSkipper)>);

impl UnitSkipper for Sequential {
    #[inline]
    fn skip(&mut self, reader: &mut BitReader<'_>, _: usize) {
        for (blocks, dc, ac) in &self.0 {
            for _ in 0..*blocks {
                dc.skip_dc(reader);
                ac.skip_ac(reader);
            }
        }
    }
}
