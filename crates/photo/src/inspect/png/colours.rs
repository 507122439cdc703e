//! Chunks before the pixels of a PNG that affect the colours. Each may occur once; a wrong one is left out, as by libpng.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::super::InspectionError;
use super::super::icc;
use super::super::picture::ensure;
use super::chunk::{Chunk, write_chunk};
use super::header::Header;

/// Kinds of chunks that are kept, the palette first.
const KINDS: [&[u8; 4]; 9] = [
    b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI",
];

/// Maximum length of a profile before it is reduced.
const MAX_PROFILE: u64 = 1024 * 1024;

/// Result of reducing a chunk.
pub(super) enum Remains {
    All,
    Nothing,
    Rewritten(Vec<u8>),
}

/// Which chunks were found.
pub(super) struct Colours {
    header: Header,
    kept: [bool; KINDS.len()],
    /// Entries of the palette, once it was read.
    palette: Option<usize>,
}

impl Colours {
    pub(super) fn new(header: Header) -> Self {
        Self {
            header,
            kept: [false; KINDS.len()],
            palette: None,
        }
    }

    /// Returns whether a palette is missing.
    pub(super) fn lacks_palette(&self) -> bool {
        self.header.has_palette() && self.palette.is_none()
    }

    /// Decides what remains of an ancillary chunk before the pixels, or of the palette.
    pub(super) fn take(&mut self, chunk: &Chunk<'_>) -> Result<Remains, InspectionError> {
        if chunk.kind == *b"PLTE" {
            return self.take_palette(chunk);
        }
        let Some(index) = KINDS.iter().position(|kind| **kind == chunk.kind) else {
            return Ok(Remains::Nothing);
        };
        if self.kept[index] || !self.is_right(chunk) || !chunk.is_intact() {
            return Ok(Remains::Nothing);
        }
        let remains = match &chunk.kind {
            b"iCCP" => reduce_profile(chunk.data).map_or(Remains::Nothing, Remains::Rewritten),
            _ => Remains::All,
        };
        self.kept[index] = !matches!(remains, Remains::Nothing);
        Ok(remains)
    }

    /// Takes the palette of an image with palette, cut to the entries that pixels can name. Suggested palettes are removed.
    fn take_palette(&mut self, chunk: &Chunk<'_>) -> Result<Remains, InspectionError> {
        let entries = chunk.data.len() / 3;
        let is_first = self.palette.replace(entries).is_none();
        if !self.header.has_palette() {
            return Ok(Remains::Nothing);
        }
        chunk.check()?;
        ensure(is_first && chunk.data.len().is_multiple_of(3) && (1..=256).contains(&entries))?;
        let most = 1 << self.header.depth;
        if entries <= most {
            return Ok(Remains::All);
        }
        self.palette = Some(most);
        Ok(Remains::Rewritten(write_chunk(
            *b"PLTE",
            &chunk.data[..3 * most],
        )))
    }

    /// Returns whether libpng heeds a chunk: its length, place and values.
    fn is_right(&self, chunk: &Chunk<'_>) -> bool {
        let data = chunk.data;
        let is_before_palette = self.palette.is_none();
        match &chunk.kind {
            b"tRNS" => match (self.header.colour, self.palette) {
                (0, _) => data.len() == 2,
                (2, _) => data.len() == 6,
                (3, Some(entries)) => (1..=entries).contains(&data.len()),
                _ => false,
            },
            b"gAMA" => is_before_palette && data.len() == 4 && data != [0; 4],
            b"cHRM" => is_before_palette && data.len() == 32,
            b"sRGB" => is_before_palette && matches!(data, [0..=3]),
            b"iCCP" => is_before_palette,
            // Primaries, transfer function, matrix (always 0: RGB), range.
            b"cICP" => is_before_palette && matches!(data, [_, _, 0, 0 | 1]),
            b"mDCV" => is_before_palette && data.len() == 24,
            b"cLLI" => is_before_palette && data.len() == 8,
            _ => false,
        }
    }
}

/// Returns an iCCP chunk with the colours of a profile alone, and a neutral name.
fn reduce_profile(data: &[u8]) -> Option<Vec<u8>> {
    let name = data.iter().take(80).position(|byte| *byte == 0);
    let name = name.filter(|length| *length > 0)?;
    let [0, compressed @ ..] = data.get(name + 1..)? else {
        return None;
    };
    let mut profile = Vec::new();
    let mut decoder = ZlibDecoder::new(compressed).take(MAX_PROFILE);
    decoder.read_to_end(&mut profile).ok()?;
    let mut content = b"icc\0\0".to_vec();
    // Not compressed: the same bytes whatever the version of the library.
    let mut encoder = ZlibEncoder::new(&mut content, Compression::none());
    encoder.write_all(&icc::reduce(&profile)?).ok()?;
    encoder.finish().ok()?;
    Some(write_chunk(*b"iCCP", &content))
}
