//! WebP scanner: reads every chunk of the RIFF container, and keeps image, transparency and colour profile.
//! Rewrites sizes and flags in the header to match the kept chunks, which strict readers require.

use std::ops::Range;

use bytes::Bytes;

use super::InspectionError;
use super::cut::Cut;
use super::exif::Orientation;
use super::picture::{ScannedPhoto, check_dimensions, ensure};

/// Flags of VP8X that announce chunks.
const PROFILE: u8 = 0x20;
const ALPHA: u8 = 0x10;
const EXIF: u8 = 0x08;
const ANIMATION: u8 = 0x02;

/// `RIFF`, size, `WEBP`.
const HEADER: usize = 12;

/// Length of the type and length fields of a chunk.
const CHUNK_HEADER: usize = 8;

/// Offset of the flags of VP8X, which is the first chunk if present.
const FLAGS: usize = HEADER + CHUNK_HEADER;

pub(super) fn clean(source: &Bytes) -> Result<ScannedPhoto, InspectionError> {
    let end = riff_end(source)?;
    let mut scanner = WebpScanner {
        canvas: None,
        flags: 0,
        kept: 0,
        frame: None,
        cut: Cut::new(source),
    };
    let mut at = HEADER;
    while at < end {
        let chunk = RiffChunk::read(source, at, end)?;
        at = chunk.range.end;
        scanner.take(&chunk)?;
    }
    scanner.finish(source, end)
}

/// Returns the end of the container according to its header.
fn riff_end(source: &Bytes) -> Result<usize, InspectionError> {
    let size = source.get(4..).and_then(|rest| rest.first_chunk());
    size.and_then(|size| usize::try_from(u32::from_le_bytes(*size)).ok())
        .and_then(|size| size.checked_add(8))
        .filter(|end| *end <= source.len())
        .ok_or(InspectionError::Truncated)
}

struct WebpScanner<'a> {
    /// Canvas declared by VP8X; without VP8X the frame is everything.
    canvas: Option<(u32, u32)>,
    /// Flags declared by VP8X.
    flags: u8,
    /// Flags of the kept chunks.
    kept: u8,
    frame: Option<(u32, u32)>,
    cut: Cut<'a>,
}

impl WebpScanner<'_> {
    fn take(&mut self, chunk: &RiffChunk<'_>) -> Result<(), InspectionError> {
        let is_before_image = self.frame.is_none();
        match chunk.kind {
            b"VP8X" if chunk.range.start == HEADER => self.read_vp8x(chunk.data)?,
            b"VP8 " if is_before_image => self.set_frame(lossy_dimensions(chunk.data)?)?,
            b"VP8L" if is_before_image => self.set_frame(lossless_dimensions(chunk.data)?)?,
            // Readers expect the image or VP8X as the first chunk.
            _ if chunk.range.start == HEADER && is_before_image => {
                return Err(InspectionError::Damaged);
            }
            b"ANIM" | b"ANMF" => return Err(InspectionError::Animated),
            b"ICCP" if is_before_image && self.expects(PROFILE) => self.kept |= PROFILE,
            b"ALPH" if is_before_image && self.canvas.is_some() && self.kept & ALPHA == 0 => {
                self.kept |= ALPHA;
            }
            b"EXIF" if self.expects(EXIF) => self.reduce_exif(chunk),
            _ => self.cut.remove(chunk.range.clone()),
        }
        Ok(())
    }

    /// Returns whether VP8X announced a chunk that has not been read yet. Readers rely on the flags.
    fn expects(&self, flag: u8) -> bool {
        self.flags & flag != 0 && self.kept & flag == 0
    }

    /// Parses VP8X: flags, three reserved bytes, width and height minus one.
    fn read_vp8x(&mut self, data: &[u8]) -> Result<(), InspectionError> {
        let &[flags, _, _, _, w1, w2, w3, h1, h2, h3] = data else {
            return Err(InspectionError::Damaged);
        };
        if flags & ANIMATION != 0 {
            return Err(InspectionError::Animated);
        }
        let width = 1 + u32::from_le_bytes([w1, w2, w3, 0]);
        let height = 1 + u32::from_le_bytes([h1, h2, h3, 0]);
        check_dimensions(width, height)?;
        self.flags = flags;
        self.canvas = Some((width, height));
        Ok(())
    }

    fn set_frame(&mut self, (width, height): (u32, u32)) -> Result<(), InspectionError> {
        check_dimensions(width, height)?;
        // A still image fills its canvas; browsers reject any other.
        ensure(self.canvas.is_none_or(|canvas| canvas == (width, height)))?;
        self.frame = Some((width, height));
        Ok(())
    }

    /// Reduces the EXIF chunk to the orientation. Some writers add the `Exif` prefix of JPEG.
    fn reduce_exif(&mut self, chunk: &RiffChunk<'_>) {
        let tiff = chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data);
        let exif = Orientation::read(tiff).map(exif_chunk).unwrap_or_default();
        if !exif.is_empty() {
            self.kept |= EXIF;
        }
        self.cut.replace(chunk.range.clone(), &exif);
    }

    fn finish(self, source: &Bytes, end: usize) -> Result<ScannedPhoto, InspectionError> {
        let (width, height) = self.frame.ok_or(InspectionError::Truncated)?;
        // The first chunk is always kept, so its first bytes have the same offset in the output.
        let mut head: [u8; FLAGS + 4] = *source.first_chunk().ok_or(InspectionError::Truncated)?;
        let size =
            u32::try_from(self.cut.length(end) - 8).map_err(|_| InspectionError::TooLarge)?;
        head[4..8].copy_from_slice(&size.to_le_bytes());
        if self.canvas.is_some() {
            let flags = self.flags & ALPHA | self.kept & (PROFILE | EXIF);
            head[FLAGS..].copy_from_slice(&[flags, 0, 0, 0]);
        }
        Ok(ScannedPhoto {
            width,
            height,
            bytes: self.cut.finish_with_head(&head, end),
        })
    }
}

/// Parses the size of a lossy image: a visible key frame whose first partition lies within the data.
fn lossy_dimensions(data: &[u8]) -> Result<(u32, u32), InspectionError> {
    let Some(([t1, t2, t3, 0x9D, 0x01, 0x2A, w1, w2, h1, h2], partitions)) =
        data.split_first_chunk()
    else {
        return Err(InspectionError::Damaged);
    };
    let tag = u32::from_le_bytes([*t1, *t2, *t3, 0]);
    let is_key_frame = tag & 1 == 0;
    let is_shown = tag & 0x10 != 0;
    ensure(is_key_frame && is_shown)?;
    if usize::try_from(tag >> 5).is_ok_and(|first| first > partitions.len()) {
        return Err(InspectionError::Truncated);
    }
    // The two bits above each 14-bit size are only a scaling hint.
    let size = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    Ok((size(*w1, *w2), size(*h1, *h2)))
}

/// Parses the size of a lossless image: signature, width and height minus one (14 bits each), alpha, version 0.
fn lossless_dimensions(data: &[u8]) -> Result<(u32, u32), InspectionError> {
    let Some(([0x2F, header @ ..], [_, ..])) = data.split_first_chunk::<5>() else {
        return Err(InspectionError::Damaged);
    };
    let header = u32::from_le_bytes(*header);
    ensure(header >> 29 == 0)?;
    Ok((1 + (header & 0x3FFF), 1 + (header >> 14 & 0x3FFF)))
}

struct RiffChunk<'a> {
    kind: &'a [u8; 4],
    data: &'a [u8],
    /// Range of the chunk in the file, including header and padding.
    range: Range<usize>,
}

impl<'a> RiffChunk<'a> {
    /// Reads the chunk at `at` of a container that ends at `end`.
    fn read(source: &'a Bytes, at: usize, end: usize) -> Result<Self, InspectionError> {
        Self::split(source, at, end).ok_or(InspectionError::Damaged)
    }

    fn split(source: &'a Bytes, at: usize, end: usize) -> Option<Self> {
        let (kind, rest) = source.get(at..end)?.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let data = rest.get(..length)?;
        // Chunks are padded to an even length; some writers omit the padding of the last one.
        let padded = at + CHUNK_HEADER + length + length % 2;
        Some(Self {
            kind,
            data,
            range: at..padded.min(end),
        })
    }
}

/// Returns an EXIF chunk with the orientation alone.
fn exif_chunk(orientation: Orientation) -> Vec<u8> {
    [&b"EXIF\x1A\0\0\0"[..], &orientation.to_exif()].concat()
}
