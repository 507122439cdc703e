//! PNG scanner: reads every chunk up to IEND, inflates the pixels without keeping them, and keeps the chunks that affect
//! their colours. Removes all other chunks, leaves out wrong ones that are not critical, and adds a missing IEND.

mod chunk;
mod colours;
mod header;
mod pixels;

use std::ops::Range;

use bytes::Bytes;

use super::InspectionError;
use super::cut::Cut;
use super::exif::Orientation;
use super::picture::{ScannedPhoto, ensure, is_walked};
use chunk::{Chunk, write_chunk};
use colours::{Colours, Remains};
use header::Header;
use pixels::{PixelStream, StreamState, rewrite};

/// Length of the signature, which is already verified.
const SIGNATURE: usize = 8;

/// The last chunk.
const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";

pub(super) fn clean(source: &Bytes) -> Result<ScannedPhoto, InspectionError> {
    let first = Chunk::read(source, SIGNATURE).ok_or(InspectionError::Truncated)?;
    let header = Header::parse(&first)?;
    let mut scanner = PngScanner {
        source,
        header,
        cut: Cut::new(source),
        colours: Colours::new(header),
        pixels: is_walked(header.width, header.height).then(|| PixelStream::new(&header)),
        data: None,
        is_after_data: false,
        exif_seen: false,
    };
    let mut at = first.range.end;
    loop {
        match Chunk::read(source, at) {
            Some(chunk) if chunk.kind == *b"IEND" => break,
            Some(chunk) => {
                scanner.take(&chunk)?;
                at = chunk.range.end;
            }
            // Without IEND, only the pixels tell whether the file is complete.
            None if scanner.is_complete() => break,
            None => return Err(InspectionError::Truncated),
        }
    }
    scanner.finish(at)
}

struct PngScanner<'a> {
    source: &'a Bytes,
    header: Header,
    cut: Cut<'a>,
    colours: Colours,
    /// `None` if the pixels are not read.
    pixels: Option<PixelStream>,
    /// Range of the IDAT chunks.
    data: Option<Range<usize>>,
    /// Whether another chunk followed the IDAT chunks, which ends them.
    is_after_data: bool,
    exif_seen: bool,
}

impl PngScanner<'_> {
    fn is_complete(&self) -> bool {
        let state = self.pixels.as_ref().map(PixelStream::state);
        state.is_some_and(|state| state != StreamState::Open)
    }

    fn take(&mut self, chunk: &Chunk<'_>) -> Result<(), InspectionError> {
        self.is_after_data |= self.data.is_some() && chunk.kind != *b"IDAT";
        match &chunk.kind {
            b"IDAT" if self.is_after_data || self.is_complete() => {
                self.cut.remove(chunk.range.clone());
            }
            b"IDAT" => self.take_pixels(chunk)?,
            // Number of frames and of repetitions. Late and wrong ones are ignored, and the image is still.
            b"acTL" if self.data.is_none() && chunk.data.len() == 8 && chunk.is_intact() => {
                ensure_still(chunk.data)?;
                self.cut.remove(chunk.range.clone());
            }
            b"eXIf" if !self.exif_seen && chunk.is_intact() => {
                self.exif_seen = true;
                let exif = Orientation::read(chunk.data)
                    .map(|orientation| write_chunk(*b"eXIf", &orientation.to_exif()));
                self.cut
                    .replace(chunk.range.clone(), &exif.unwrap_or_default());
            }
            [b'a'..=b'z', ..] | b"PLTE" if self.data.is_none() => match self.colours.take(chunk)? {
                Remains::All => {}
                Remains::Nothing => self.cut.remove(chunk.range.clone()),
                Remains::Rewritten(with) => self.cut.replace(chunk.range.clone(), &with),
            },
            // An upper-case first letter marks a critical chunk: browsers reject unknown ones, and a late palette.
            [b'A'..=b'Z', ..] if !self.is_complete() => return Err(InspectionError::Damaged),
            _ => self.cut.remove(chunk.range.clone()),
        }
        Ok(())
    }

    fn take_pixels(&mut self, chunk: &Chunk<'_>) -> Result<(), InspectionError> {
        ensure(!self.colours.lacks_palette())?;
        chunk.check()?;
        let start = self
            .data
            .as_ref()
            .map_or(chunk.range.start, |data| data.start);
        self.data = Some(start..chunk.range.end);
        if chunk.data.is_empty() {
            self.cut.remove(chunk.range.clone());
        }
        let Some(pixels) = &mut self.pixels else {
            return Ok(());
        };
        let used = pixels.read(chunk.data)?;
        if pixels.state() == StreamState::Ended && used < chunk.data.len() {
            let with = write_chunk(chunk.kind, &chunk.data[..used]);
            self.cut
                .replace(chunk.range.clone(), if used == 0 { &[] } else { &with });
        }
        Ok(())
    }

    /// Finishes the file before IEND, at `end`.
    fn finish(mut self, end: usize) -> Result<ScannedPhoto, InspectionError> {
        let data = self.data.clone().ok_or(InspectionError::Truncated)?;
        match self.pixels.as_ref().map(PixelStream::state) {
            Some(StreamState::Open) => return Err(InspectionError::Truncated),
            Some(StreamState::NeedsRewriting) => self.rewrite_pixels(data)?,
            Some(StreamState::Ended) | None => {}
        }
        Ok(ScannedPhoto {
            width: self.header.width,
            height: self.header.height,
            bytes: self.cut.finish(end, END),
        })
    }

    /// Replaces all IDAT chunks by one with a stream of the rows alone.
    fn rewrite_pixels(&mut self, data: Range<usize>) -> Result<(), InspectionError> {
        let mut stream = Vec::new();
        let mut at = data.start;
        while at < data.end {
            let chunk = Chunk::read(self.source, at).ok_or(InspectionError::Damaged)?;
            stream.extend_from_slice(chunk.data);
            at = chunk.range.end;
        }
        let stream = rewrite(&self.header, &stream)?;
        self.cut.replace_all(data, &write_chunk(*b"IDAT", &stream));
        Ok(())
    }
}

/// Rejects an animation: contents of acTL with a number of frames.
fn ensure_still(contents: &[u8]) -> Result<(), InspectionError> {
    let is_still = contents.starts_with(&[0; 4]);
    is_still.then_some(()).ok_or(InspectionError::Animated)
}
