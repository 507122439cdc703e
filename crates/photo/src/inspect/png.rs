//! PNG scanner: reads every chunk up to IEND, and keeps the pixels and the chunks that affect their colours.
//! Verifies the checksum of each kept chunk, which detects damage without decoding. Removes all other chunks.

use std::ops::{Range, RangeInclusive};

use bytes::Bytes;

use super::InspectionError;
use super::cut::Cut;
use super::exif::Orientation;
use super::picture::{ScannedPhoto, check_dimensions, ensure};

/// Chunks before the pixels that affect the colours, with their allowed lengths; each may occur once.
const COLOURS: [(&[u8; 4], RangeInclusive<usize>); 9] = [
    (b"PLTE", 3..=768),
    (b"tRNS", 1..=256),
    (b"gAMA", 4..=4),
    (b"cHRM", 32..=32),
    (b"sRGB", 1..=1),
    (b"iCCP", 4..=usize::MAX),
    (b"cICP", 4..=4),
    (b"mDCV", 24..=24),
    (b"cLLI", 8..=8),
];

/// Length of the signature, which is already verified.
const SIGNATURE: usize = 8;

/// Length of a chunk without its data: length, type, checksum.
const CHUNK_OVERHEAD: usize = 12;

pub(super) fn clean(source: &Bytes) -> Result<ScannedPhoto, InspectionError> {
    let header = PngChunk::read(source, SIGNATURE)?;
    let (width, height) = parse_dimensions(&header)?;
    let mut scanner = PngScanner {
        cut: Cut::new(source),
        colours: [false; COLOURS.len()],
        pixels: 0,
        exif_seen: false,
    };
    let mut chunk = header;
    while chunk.kind != *b"IEND" {
        chunk = PngChunk::read(source, chunk.range.end)?;
        scanner.take(&chunk)?;
    }
    if scanner.pixels == 0 {
        return Err(InspectionError::Truncated);
    }
    Ok(ScannedPhoto {
        width,
        height,
        bytes: scanner.cut.finish(chunk.range.end),
    })
}

/// Parses IHDR: the first chunk, 13 bytes, with a colour type and depth that PNG defines.
fn parse_dimensions(header: &PngChunk<'_>) -> Result<(u32, u32), InspectionError> {
    ensure(header.kind == *b"IHDR")?;
    let Some(([w1, w2, w3, w4, h1, h2, h3, h4], [depth, colour, 0, 0, 0 | 1])) =
        header.data.split_first_chunk()
    else {
        return Err(InspectionError::Damaged);
    };
    header.check()?;
    let is_known = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    ensure(is_known)?;
    let width = u32::from_be_bytes([*w1, *w2, *w3, *w4]);
    let height = u32::from_be_bytes([*h1, *h2, *h3, *h4]);
    check_dimensions(width, height)?;
    Ok((width, height))
}

struct PngScanner<'a> {
    cut: Cut<'a>,
    /// Which of [`COLOURS`] were found.
    colours: [bool; COLOURS.len()],
    /// Bytes of compressed pixels so far.
    pixels: usize,
    exif_seen: bool,
}

impl PngScanner<'_> {
    fn take(&mut self, chunk: &PngChunk<'_>) -> Result<(), InspectionError> {
        match &chunk.kind {
            b"IDAT" => {
                self.pixels += chunk.data.len();
                chunk.check()
            }
            b"IEND" if chunk.data.is_empty() => chunk.check(),
            b"acTL" | b"fdAT" => Err(InspectionError::Animated),
            b"eXIf" if !self.exif_seen => {
                self.exif_seen = true;
                let exif = Orientation::read(chunk.data).map(exif_chunk);
                let exif = exif.unwrap_or_default();
                self.cut.replace(chunk.range.clone(), &exif);
                Ok(())
            }
            kind if self.is_colour(*kind, chunk.data.len()) => chunk.check(),
            // An upper-case first letter marks a critical chunk. Duplicate or late palettes are rejected, as in
            // browsers.
            [b'A'..=b'Z', ..] => Err(InspectionError::Damaged),
            _ => {
                self.cut.remove(chunk.range.clone());
                Ok(())
            }
        }
    }

    /// Returns whether a chunk affects the colours: before the pixels, and the first of its kind.
    fn is_colour(&mut self, kind: [u8; 4], length: usize) -> bool {
        let found = COLOURS
            .iter()
            .position(|(known, lengths)| **known == kind && lengths.contains(&length));
        found.is_some_and(|index| {
            self.pixels == 0 && !std::mem::replace(&mut self.colours[index], true)
        })
    }
}

struct PngChunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    /// CRC-32 of type and data, as stored in the file.
    checksum: u32,
    /// Range of the chunk in the file, including length and checksum.
    range: Range<usize>,
}

impl<'a> PngChunk<'a> {
    fn read(source: &'a Bytes, at: usize) -> Result<Self, InspectionError> {
        Self::split(source, at).ok_or(InspectionError::Truncated)
    }

    /// Splits off one chunk. Returns `None` if the file ends within it.
    fn split(source: &'a Bytes, at: usize) -> Option<Self> {
        let (length, rest) = source.get(at..)?.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (data, rest) = rest.split_at_checked(length)?;
        let checksum = u32::from_be_bytes(*rest.first_chunk()?);
        Some(Self {
            kind: *kind,
            data,
            checksum,
            range: at..at + CHUNK_OVERHEAD + length,
        })
    }

    fn check(&self) -> Result<(), InspectionError> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.kind);
        crc.update(self.data);
        ensure(crc.finalize() == self.checksum)
    }
}

/// Returns an eXIf chunk with the orientation alone.
fn exif_chunk(orientation: Orientation) -> Vec<u8> {
    let content = [&b"eXIf"[..], &orientation.to_exif()].concat();
    let checksum = crc32fast::hash(&content).to_be_bytes();
    [b"\0\0\0\x1A", &content[..], &checksum].concat()
}
