//! WebP scanner: reads every chunk of the RIFF container, and keeps image, transparency and colour profile.
//! Rewrites sizes and flags in the header to match the kept chunks, which strict readers require. Like browsers, it heeds
//! nothing that is wrong beside the image.

use std::ops::Range;

use bytes::Bytes;

use super::InspectionError;
use super::cut::Cut;
use super::exif::Orientation;
use super::icc;
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
    let declared = riff_end(source)?;
    let end = declared.min(source.len());
    let mut scanner = WebpScanner {
        canvas: None,
        flags: 0,
        kept: 0,
        frame: None,
        alpha: None,
        cut: Cut::new(source),
    };
    let mut at = HEADER;
    while at < end {
        match RiffChunk::read(source, at, end) {
            Some(chunk) => {
                scanner.take(&chunk)?;
                scanner.clear_padding(&chunk);
                at = chunk.range.end;
            }
            // Browsers stop at the image; what follows it is not needed.
            None if scanner.frame.is_some() => break,
            None if declared > end => return Err(InspectionError::Truncated),
            None => return Err(InspectionError::Damaged),
        }
    }
    scanner.finish(at)
}

/// Returns the end of the container according to its header.
fn riff_end(source: &Bytes) -> Result<usize, InspectionError> {
    let size = source.get(4..).and_then(|rest| rest.first_chunk());
    size.and_then(|size| usize::try_from(u32::from_le_bytes(*size)).ok())
        .and_then(|size| size.checked_add(8))
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
    /// Range of the transparency of a lossy image.
    alpha: Option<Range<usize>>,
    cut: Cut<'a>,
}

impl WebpScanner<'_> {
    fn take(&mut self, chunk: &RiffChunk<'_>) -> Result<(), InspectionError> {
        let is_before_image = self.frame.is_none();
        match chunk.kind {
            b"VP8X" if chunk.range.start == HEADER => self.read_vp8x(chunk.data)?,
            b"VP8 " if is_before_image => self.set_frame(lossy_dimensions(chunk.data)?)?,
            b"VP8L" if is_before_image => {
                self.set_frame(lossless_dimensions(chunk.data)?)?;
                // Lossless images have their own transparency.
                if let Some(alpha) = self.alpha.take() {
                    self.cut.replace_all(alpha, &[]);
                }
                self.kept |= self.flags & ALPHA;
            }
            // Readers expect the image or VP8X as the first chunk.
            _ if chunk.range.start == HEADER && is_before_image => {
                return Err(InspectionError::Damaged);
            }
            b"ANIM" | b"ANMF" => return Err(InspectionError::Animated),
            b"ICCP" if is_before_image && self.expects(PROFILE) => self.reduce_profile(chunk),
            b"ALPH" if is_before_image && self.alpha.is_none() => self.reduce_alpha(chunk),
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

    /// Reduces the colour profile to its colours.
    fn reduce_profile(&mut self, chunk: &RiffChunk<'_>) {
        let profile = icc::reduce(chunk.data);
        self.kept |= profile.as_ref().map_or(0, |_| PROFILE);
        let with = profile.map(|profile| write_chunk(*b"ICCP", &profile));
        self.cut
            .replace(chunk.range.clone(), &with.unwrap_or_default());
    }

    /// Keeps the transparency of a lossy image: a byte that says how it is compressed, and as many bytes as pixels if it is
    /// not. A wrong one is left out.
    fn reduce_alpha(&mut self, chunk: &RiffChunk<'_>) {
        let (width, height) = self.canvas.unwrap_or_default();
        let raw = 1 + width as usize * height as usize;
        let data = match chunk.data.first().map(|how| how & 3) {
            Some(0) => chunk.data.get(..raw),
            Some(1) if chunk.data.len() > 1 => Some(chunk.data),
            _ => None,
        };
        let Some(data) = data else {
            return self.cut.remove(chunk.range.clone());
        };
        self.alpha = Some(chunk.range.clone());
        self.kept |= ALPHA;
        let reduced = write_chunk(*b"ALPH", data);
        self.cut.replace(chunk.range.clone(), &reduced);
    }

    /// Reduces the EXIF chunk to the orientation. Some writers add the `Exif` prefix of JPEG.
    fn reduce_exif(&mut self, chunk: &RiffChunk<'_>) {
        let tiff = chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data);
        let exif = Orientation::read(tiff)
            .map(|orientation| write_chunk(*b"EXIF", &orientation.to_exif()));
        self.kept |= exif.as_ref().map_or(0, |_| EXIF);
        self.cut
            .replace(chunk.range.clone(), &exif.unwrap_or_default());
    }

    /// Sets the padding of an image to zero.
    fn clear_padding(&mut self, chunk: &RiffChunk<'_>) {
        let padding = chunk.range.start + CHUNK_HEADER + chunk.data.len()..chunk.range.end;
        if !padding.is_empty() && matches!(chunk.kind, b"VP8 " | b"VP8L") {
            self.cut.replace(padding, &[0]);
        }
    }

    /// Finishes the container at `end`, with sizes and flags of the kept chunks.
    fn finish(mut self, end: usize) -> Result<ScannedPhoto, InspectionError> {
        let (width, height) = self.frame.ok_or(InspectionError::Truncated)?;
        let size =
            u32::try_from(self.cut.length(end) - 8).map_err(|_| InspectionError::TooLarge)?;
        self.cut.replace(4..8, &size.to_le_bytes());
        if self.canvas.is_some() {
            self.cut.replace(FLAGS..FLAGS + 4, &[self.kept, 0, 0, 0]);
        }
        Ok(ScannedPhoto {
            width,
            height,
            bytes: self.cut.finish(end, &[]),
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
    fn read(source: &'a Bytes, at: usize, end: usize) -> Option<Self> {
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

/// Returns a chunk, padded to an even length.
fn write_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or_default();
    let padding: &[u8] = if data.len().is_multiple_of(2) {
        &[]
    } else {
        &[0]
    };
    [&kind, &length.to_le_bytes()[..], data, padding].concat()
}
