//! Application segments of JPEG that affect the appearance: colours and orientation. All else is removed.

use std::ops::Range;

use bytes::Bytes;

use super::super::InspectionError;
use super::super::cut::Cut;
use super::super::exif::Orientation;
use super::super::icc;
use super::super::picture::ensure;

/// Prefix of EXIF in an APP1 segment.
const EXIF: &[u8] = b"Exif\0\0";

/// Prefix of a part of an ICC profile in an APP2 segment.
const PROFILE: &[u8] = b"ICC_PROFILE\0";

/// Bytes of a profile in one segment.
const PROFILE_PART: usize = 65_519;

/// Application segments that were read so far.
#[derive(Default)]
pub(super) struct Applications {
    jfif_seen: bool,
    exif_seen: bool,
    /// Colour transform of the Adobe segment.
    adobe: Option<u8>,
    profile: Vec<ProfilePart>,
}

/// A part of an ICC profile: number, from 1, and count as in the file.
struct ProfilePart {
    range: Range<usize>,
    number: u8,
    count: u8,
}

impl Applications {
    /// Reads a segment before the first scan: keeps what affects the appearance.
    pub(super) fn read(
        &mut self,
        marker: u8,
        range: Range<usize>,
        contents: &[u8],
        cut: &mut Cut<'_>,
    ) -> Result<(), InspectionError> {
        match marker {
            // JFIF means YCbCr colours; the thumbnail after its 14 bytes is removed.
            0xE0 if !self.jfif_seen && contents.starts_with(b"JFIF\0") && contents.len() >= 14 => {
                self.jfif_seen = true;
                let mut jfif = *b"\xFF\xE0\0\x10JFIF\0\0\0\0\0\0\0\0\0\0";
                jfif[9..16].copy_from_slice(&contents[5..12]);
                cut.replace(range, &jfif);
            }
            0xE1 if !self.exif_seen && contents.starts_with(EXIF) => {
                // Viewers read only the first EXIF.
                self.exif_seen = true;
                let orientation = Orientation::read(&contents[EXIF.len()..]);
                let exif = orientation.map(exif_segment).unwrap_or_default();
                cut.replace(range, &exif);
            }
            0xE2 if contents.starts_with(PROFILE) && contents.len() > 14 => {
                self.profile.push(ProfilePart {
                    range,
                    number: contents[12],
                    count: contents[13],
                });
                ensure(self.profile.len() <= 255)?;
            }
            // The last of Adobe's twelve bytes distinguishes RGB from YCbCr, and CMYK from YCCK.
            0xEE if contents.starts_with(b"Adobe") && contents.len() >= 12 => {
                let transform = contents[11];
                if let Some(first) = self.adobe.replace(transform) {
                    ensure(first == transform)?;
                    cut.remove(range);
                } else {
                    let mut adobe = *b"\xFF\xEE\0\x0EAdobe\0\0\0\0\0\0\0";
                    adobe[9..].copy_from_slice(&contents[5..12]);
                    cut.replace(range, &adobe);
                }
            }
            _ => cut.remove(range),
        }
        Ok(())
    }

    /// Reduces the ICC profile to its colours, in the place of its first part.
    pub(super) fn reduce_profile(&self, source: &Bytes, cut: &mut Cut<'_>) {
        let original = self.join_profile(source);
        let profile = original.as_deref().and_then(icc::reduce);
        if profile.is_some() && profile == original {
            return;
        }
        let segments = profile
            .map(|profile| profile_segments(&profile))
            .unwrap_or_default();
        for (index, part) in self.profile.iter().enumerate() {
            let with: &[u8] = if index == 0 { &segments } else { &[] };
            cut.replace(part.range.clone(), with);
        }
    }

    /// Joins the parts of the profile, if each is there once.
    fn join_profile(&self, source: &Bytes) -> Option<Vec<u8>> {
        let mut parts: Vec<_> = self.profile.iter().collect();
        parts.sort_by_key(|part| part.number);
        let is_complete = (1..).zip(&parts).all(|(number, part)| {
            usize::from(part.number) == number && usize::from(part.count) == parts.len()
        });
        if !is_complete {
            return None;
        }
        let data = parts
            .iter()
            .map(|part| &source[part.range.start + 18..part.range.end]);
        Some(data.collect::<Vec<_>>().concat())
    }
}

/// Returns APP2 segments with a profile.
fn profile_segments(profile: &[u8]) -> Vec<u8> {
    let parts = profile.chunks(PROFILE_PART);
    let count = parts.len().to_le_bytes()[0];
    let mut segments = Vec::with_capacity(profile.len() + 18 * parts.len());
    for (number, part) in (1_u8..).zip(parts) {
        let length = u16::try_from(16 + part.len()).unwrap_or_default();
        segments.extend(b"\xFF\xE2");
        segments.extend(length.to_be_bytes());
        segments.extend(PROFILE);
        segments.extend([number, count]);
        segments.extend(part);
    }
    segments
}

/// Returns an APP1 segment with the orientation alone.
fn exif_segment(orientation: Orientation) -> Vec<u8> {
    [b"\xFF\xE1\0\x22", EXIF, &orientation.to_exif()].concat()
}
