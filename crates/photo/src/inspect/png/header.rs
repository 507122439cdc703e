//! Header of a PNG (IHDR): dimensions, kind of pixels, and the bytes of its rows.

use super::super::InspectionError;
use super::super::picture::{check_dimensions, ensure};
use super::chunk::Chunk;

/// First column, step of columns, first row and step of rows of the passes of an interlaced image.
const PASSES: [[u32; 4]; 7] = [
    [0, 8, 0, 8],
    [4, 8, 0, 8],
    [0, 4, 4, 8],
    [2, 4, 0, 4],
    [0, 2, 2, 4],
    [1, 2, 0, 2],
    [0, 1, 1, 2],
];

/// Contents of IHDR.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) depth: u8,
    pub(super) colour: u8,
    is_interlaced: bool,
}

impl Header {
    /// Parses IHDR: the first chunk, 13 bytes, with a colour type and depth that PNG defines.
    pub(super) fn parse(chunk: &Chunk<'_>) -> Result<Self, InspectionError> {
        ensure(chunk.kind == *b"IHDR")?;
        let Some(([w1, w2, w3, w4, h1, h2, h3, h4], [depth, colour, 0, 0, interlace @ (0 | 1)])) =
            chunk.data.split_first_chunk()
        else {
            return Err(InspectionError::Damaged);
        };
        chunk.check()?;
        let header = Self {
            width: u32::from_be_bytes([*w1, *w2, *w3, *w4]),
            height: u32::from_be_bytes([*h1, *h2, *h3, *h4]),
            depth: *depth,
            colour: *colour,
            is_interlaced: *interlace == 1,
        };
        ensure(match colour {
            0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
            3 => matches!(depth, 1 | 2 | 4 | 8),
            2 | 4 | 6 => matches!(depth, 8 | 16),
            _ => false,
        })?;
        check_dimensions(header.width, header.height)?;
        Ok(header)
    }

    /// Returns bytes per row, with the filter, and rows of each pass that has pixels.
    pub(super) fn passes(&self) -> Vec<(u64, u64)> {
        let whole = [[0, 1, 0, 1]];
        let passes: &[[u32; 4]] = if self.is_interlaced { &PASSES } else { &whole };
        let sizes = passes.iter().map(|[x, step_x, y, step_y]| {
            let width = self.width.saturating_sub(*x).div_ceil(*step_x);
            let height = self.height.saturating_sub(*y).div_ceil(*step_y);
            (u64::from(width), u64::from(height))
        });
        let with_pixels = sizes.filter(|(width, height)| *width > 0 && *height > 0);
        with_pixels
            .map(|(width, height)| (1 + (width * self.pixel_bits()).div_ceil(8), height))
            .collect()
    }

    /// Returns the bits of a pixel.
    fn pixel_bits(&self) -> u64 {
        let samples = match self.colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        samples * u64::from(self.depth)
    }

    /// Returns whether the image has a palette.
    pub(super) fn has_palette(&self) -> bool {
        self.colour == 3
    }
}
