//! JPEG scanner: reads every segment and walks every scan until the picture is complete, and keeps what decoding needs.
//! As tolerant as libjpeg, which browsers use: removes fill bytes and stray bytes between segments, ignores what follows
//! the last scan, and adds a missing end marker.

mod application;
mod bits;
mod frame;
mod huffman;
mod progressive;
mod scan;
mod tables;
mod units;

use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

use super::InspectionError;
use super::cut::Cut;
use super::picture::{ScannedPhoto, check_dimensions, ensure, is_walked};
use application::Applications;
use frame::{Frame, ScanHeader};
use progressive::Bands;
use scan::Scan;
use tables::{Slot, Tables};

/// Maximum number of scans. Encoders write about ten; thousands keep a browser busy for minutes.
const MAX_SCANS: usize = 100;

/// End of image.
const END: &[u8] = b"\xFF\xD9";

pub(super) fn clean(source: &Bytes) -> Result<ScannedPhoto, InspectionError> {
    let mut scanner = JpegScanner {
        source,
        at: 2,
        cut: Cut::new(source),
        frame: None,
        tables: Tables::default(),
        applications: Applications::default(),
        bands: Bands::default(),
        scans: 0,
    };
    while !scanner.is_complete() {
        match scanner.next_marker()? {
            0xD9 => return Err(InspectionError::Truncated),
            0xDA => scanner.read_scan()?,
            // Start of another image; this marker has no length.
            0xD8 => return Err(InspectionError::Damaged),
            marker => scanner.read_segment(marker)?,
        }
    }
    scanner.finish()
}

struct JpegScanner<'a> {
    source: &'a Bytes,
    /// Next byte to read.
    at: usize,
    cut: Cut<'a>,
    frame: Option<Frame>,
    tables: Tables,
    applications: Applications,
    bands: Bands,
    scans: usize,
}

impl<'a> JpegScanner<'a> {
    fn is_complete(&self) -> bool {
        self.frame.as_ref().is_some_and(Frame::is_complete)
    }

    /// Reads the next marker that starts a segment or ends the image; removes the bytes before it.
    fn next_marker(&mut self) -> Result<u8, InspectionError> {
        let begin = self.at;
        loop {
            let rest = self.source.get(self.at..).unwrap_or_default();
            let prefix = memchr(0xFF, rest).ok_or(InspectionError::Truncated)?;
            let fill = rest[prefix..].iter().take_while(|byte| **byte == 0xFF);
            let code = prefix + fill.count();
            let marker = *rest.get(code).ok_or(InspectionError::Truncated)?;
            self.at += code + 1;
            // Outside a scan, stuffed bytes, TEM and restart markers have no meaning.
            if !matches!(marker, 0 | 1 | 0xD0..=0xD7) {
                self.cut.remove(begin..self.at - 2);
                return Ok(marker);
            }
        }
    }

    /// Reads the contents of the current segment. The range includes the marker.
    fn read_contents(&mut self) -> Result<(Range<usize>, &'a [u8]), InspectionError> {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let length = rest.first_chunk().ok_or(InspectionError::Truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        ensure(length >= 2)?;
        let contents = rest.get(2..length).ok_or(InspectionError::Truncated)?;
        let begin = self.at - 2;
        self.at += length;
        Ok((begin..self.at, contents))
    }

    fn read_segment(&mut self, marker: u8) -> Result<(), InspectionError> {
        let (range, contents) = self.read_contents()?;
        match marker {
            0xC0..=0xC2 => self.read_frame(contents, marker == 0xC2)?,
            0xC4 | 0xDB | 0xDD => self.tables.read(marker, range, contents)?,
            0xE0..=0xEF if self.scans == 0 => {
                self.applications
                    .read(marker, range, contents, &mut self.cut)?;
            }
            // DNL (browsers use the frame header), arithmetic conditioning, comment.
            0xE0..=0xEF | 0xDC | 0xCC | 0xFE => self.cut.remove(range),
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCF | 0xDE | 0xDF => {
                return Err(InspectionError::UnsupportedJpeg);
            }
            _ => return Err(InspectionError::Damaged),
        }
        Ok(())
    }

    fn read_frame(&mut self, contents: &[u8], is_progressive: bool) -> Result<(), InspectionError> {
        let frame = Frame::parse(contents, is_progressive)?;
        check_dimensions(frame.width, frame.height)?;
        ensure(self.frame.replace(frame).is_none())
    }

    /// Reads a scan header and its data. The tables that it names must exist.
    fn read_scan(&mut self) -> Result<(), InspectionError> {
        let (_, header) = self.read_contents()?;
        let mut frame = self.frame.take().ok_or(InspectionError::Damaged)?;
        let header = frame.parse_scan(header)?;
        self.scans += 1;
        ensure(self.scans <= MAX_SCANS)?;
        self.use_tables(&mut frame, &header)?;
        let interval = self.tables.use_table(Slot::RestartInterval, self.source);
        let interval = interval.and_then(|bytes| bytes.first_chunk());
        let length = || scan_length(self.source.get(self.at..).unwrap_or_default());
        // Without a marker behind it, only walking tells whether the scan is complete.
        if is_walked(frame.width, frame.height) || !frame.is_progressive && length().is_none() {
            let scan = Scan {
                source: self.source,
                frame: &frame,
                header: &header,
                interval: interval.map_or(0, |bytes| u16::from_be_bytes(*bytes)),
            };
            self.at = scan.walk(self.at, &mut self.tables, &mut self.bands, &mut self.cut)?;
        } else {
            let length = length().ok_or(InspectionError::Truncated)?;
            self.at += length;
            ensure(length > 0)?;
        }
        frame.cover(&header);
        self.frame = Some(frame);
        Ok(())
    }

    /// Marks the tables of a scan as used. A component keeps the quantization table of its first scan.
    fn use_tables(
        &mut self,
        frame: &mut Frame,
        header: &ScanHeader,
    ) -> Result<(), InspectionError> {
        let (has_direct, has_alternating) = header.uses_tables();
        for (index, dc, ac) in &header.components {
            let quantization = frame.components[*index].quantization.take();
            let slots = [
                quantization.map(Slot::Quantization),
                has_direct.then_some(Slot::Dc(*dc)),
                has_alternating.then_some(Slot::Ac(*ac)),
            ];
            for slot in slots.into_iter().flatten() {
                ensure(self.tables.use_table(slot, self.source).is_some())?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ScannedPhoto, InspectionError> {
        let frame = self.frame.ok_or(InspectionError::Truncated)?;
        self.tables.remove_unused(self.source, &mut self.cut);
        self.applications.reduce_profile(self.source, &mut self.cut);
        Ok(ScannedPhoto {
            width: frame.width,
            height: frame.height,
            bytes: self.cut.finish(self.at, END),
        })
    }
}

/// Returns the length of scan data: up to the first 0xFF that is neither stuffed (before 0x00) nor a restart marker.
fn scan_length(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr(0xFF, &data[at..])?;
        match data.get(at + 1)? {
            0 | 0xD0..=0xD7 => at += 2,
            _ => return Some(at),
        }
    }
}
