//! JPEG scanner: reads every segment and scan up to the end-of-image marker, and keeps what decoding needs.
//! As tolerant as libjpeg, which browsers use: removes fill bytes and stray bytes between segments.

mod tables;

use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

use super::InspectionError;
use super::cut::Cut;
use super::exif::Orientation;
use super::picture::{ScannedPhoto, check_dimensions, ensure};
use tables::Frame;

/// Maximum number of scans. Encoders write about ten; thousands keep a browser busy for minutes.
const MAX_SCANS: usize = 100;

/// Prefix of EXIF in an APP1 segment.
const EXIF: &[u8] = b"Exif\0\0";

pub(super) fn clean(source: &Bytes) -> Result<ScannedPhoto, InspectionError> {
    let mut scanner = JpegScanner {
        source,
        at: 2,
        cut: Cut::new(source),
        frame: None,
        scans: 0,
        exif_seen: false,
    };
    loop {
        match scanner.next_marker()? {
            0xD9 => break,
            0xDA => scanner.read_scan()?,
            // Start of another image; this marker has no length.
            0xD8 => return Err(InspectionError::Damaged),
            marker => scanner.read_segment(marker)?,
        }
    }
    let frame = scanner.frame.ok_or(InspectionError::Truncated)?;
    if !frame.is_covered() {
        return Err(InspectionError::Truncated);
    }
    Ok(ScannedPhoto {
        width: frame.width,
        height: frame.height,
        bytes: scanner.cut.finish(scanner.at),
    })
}

struct JpegScanner<'a> {
    source: &'a Bytes,
    /// Next byte to read.
    at: usize,
    cut: Cut<'a>,
    frame: Option<Frame>,
    scans: usize,
    exif_seen: bool,
}

impl<'a> JpegScanner<'a> {
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
            0xC0..=0xC2 => self.read_frame(contents)?,
            0xC4 => tables::check_huffman(contents)?,
            0xDB => tables::check_quantization(contents)?,
            0xDD if contents.len() == 2 => {}
            0xE0..=0xEF => self.trim_application(marker, range, contents),
            // DNL (browsers use the frame header), arithmetic conditioning, comment.
            0xDC | 0xCC | 0xFE => self.cut.remove(range),
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCF | 0xDE | 0xDF => {
                return Err(InspectionError::UnsupportedJpeg);
            }
            _ => return Err(InspectionError::Damaged),
        }
        Ok(())
    }

    fn read_frame(&mut self, contents: &[u8]) -> Result<(), InspectionError> {
        let frame = Frame::parse(contents)?;
        check_dimensions(frame.width, frame.height)?;
        ensure(self.frame.replace(frame).is_none())
    }

    /// Keeps the parts of an application segment that affect the appearance: colours and orientation.
    fn trim_application(&mut self, marker: u8, range: Range<usize>, contents: &[u8]) {
        let before_scans = self.scans == 0;
        match marker {
            // JFIF means YCbCr colours; the thumbnail after its 14 bytes is removed.
            0xE0 if before_scans && contents.starts_with(b"JFIF\0") && contents.len() >= 14 => {
                let mut jfif = *b"\xFF\xE0\0\x10JFIF\0\0\0\0\0\0\0\0\0\0";
                jfif[9..16].copy_from_slice(&contents[5..12]);
                self.cut.replace(range, &jfif);
            }
            0xE1 if before_scans && !self.exif_seen && contents.starts_with(EXIF) => {
                // Viewers read only the first EXIF.
                self.exif_seen = true;
                let orientation = Orientation::read(&contents[EXIF.len()..]);
                let exif = orientation.map(exif_segment).unwrap_or_default();
                self.cut.replace(range, &exif);
            }
            0xE2 if before_scans && is_icc_profile(contents) => {}
            // The last of Adobe's twelve bytes distinguishes RGB from YCbCr, and CMYK from YCCK.
            0xEE if before_scans && contents.starts_with(b"Adobe") && contents.len() >= 12 => {
                let mut adobe = *b"\xFF\xEE\0\x0EAdobe\0\0\0\0\0\0\0";
                adobe[9..].copy_from_slice(&contents[5..12]);
                self.cut.replace(range, &adobe);
            }
            _ => self.cut.remove(range),
        }
    }

    /// Reads a scan header and skips its data, up to the next marker.
    fn read_scan(&mut self) -> Result<(), InspectionError> {
        let (_, header) = self.read_contents()?;
        let frame = self.frame.as_mut().ok_or(InspectionError::Damaged)?;
        frame.mark_covered(header)?;
        self.scans += 1;
        ensure(self.scans <= MAX_SCANS)?;
        let data = self.source.get(self.at..).unwrap_or_default();
        let length = scan_length(data).ok_or(InspectionError::Truncated)?;
        self.at += length;
        ensure(length > 0)
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

/// Returns whether APP2 contents are a part of an ICC profile: name, number from 1, count, data.
fn is_icc_profile(contents: &[u8]) -> bool {
    contents
        .strip_prefix(b"ICC_PROFILE\0")
        .and_then(|part| part.first_chunk())
        .is_some_and(|[number, count]| (1..=*count).contains(number))
}

/// Returns an APP1 segment with the orientation alone.
fn exif_segment(orientation: Orientation) -> Vec<u8> {
    [b"\xFF\xE1\0\x22", EXIF, &orientation.to_exif()].concat()
}
