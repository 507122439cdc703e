//! Detects the format from the first bytes, so that an error can name what was sent.
//! Ignores file names and declared media types, which phones and forms often get wrong.

use super::InspectionError;
use crate::format::PhotoFormat;

/// Number of bytes that are searched for HEIC brands and an SVG root element.
const HEAD_BYTES: usize = 1024;

/// First bytes of other formats that people send.
const UNSUPPORTED: [(&[u8], &str); 9] = [
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "DOC"),
    (b"\xFF\x0A", "JPEG XL"),
    (b"\0\0\0\x0CJXL ", "JPEG XL"),
    (b"\0\0\0\x0CjP  ", "JPEG 2000"),
];

/// Detects the format, or returns why it is not accepted.
pub(super) fn detect_format(bytes: &[u8]) -> Result<PhotoFormat, InspectionError> {
    if bytes.starts_with(b"\xFF\xD8\xFF") {
        return Ok(PhotoFormat::Jpeg);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
        return Ok(PhotoFormat::Png);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(PhotoFormat::Webp);
    }
    Err(unsupported(bytes))
}

fn unsupported(bytes: &[u8]) -> InspectionError {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    if head.get(4..8) == Some(b"ftyp") {
        return unsupported_iso_media(head);
    }
    // The size field of a bitmap varies, but its reserved bytes are zero; text that starts with "BM" has no zeroes
    // there.
    if head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]) {
        return InspectionError::UnsupportedFormat("BMP");
    }
    if is_svg(head) {
        return InspectionError::Svg;
    }
    UNSUPPORTED
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map_or(InspectionError::NotAPhoto, |(_, name)| {
            InspectionError::UnsupportedFormat(name)
        })
}

/// Distinguishes the formats in the ISO container. AVIF is among the brands even if HEIF is first.
fn unsupported_iso_media(head: &[u8]) -> InspectionError {
    let length = head
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
    let brands = head.get(8..length).or(head.get(8..12)).unwrap_or_default();
    let says = |names: &[&[u8]]| brands.chunks_exact(4).any(|brand| names.contains(&brand));
    if says(&[b"avif", b"avis"]) {
        InspectionError::UnsupportedFormat("AVIF")
    } else if says(&[
        b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1",
    ]) {
        InspectionError::Heic
    } else {
        InspectionError::UnsupportedFormat("video")
    }
}

fn is_svg(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    text.trim_ascii_start().starts_with(b"<")
        && text
            .windows(4)
            .any(|word| word.eq_ignore_ascii_case(b"<svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(bytes: &[u8], expected: &InspectionError) {
        assert_eq!(detect_format(bytes).as_ref(), Err(expected));
    }

    #[test]
    fn each_refused_format_is_named() {
        let named = InspectionError::UnsupportedFormat;
        refused(b"GIF89a\x01\0\x01\0", &named("GIF"));
        refused(b"%PDF-1.7\n", &named("PDF"));
        refused(b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", &named("BMP"));
        refused(b"\0\0\0\x1Cftypavif\0\0\0\0mif1avifmiaf", &named("AVIF"));
        refused(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", &named("AVIF"));
        refused(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", &named("video"));
        refused(
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            &InspectionError::Heic,
        );
        refused(b"\xFF\xFF\xFF\xFFftypheic", &InspectionError::Heic);
        refused(
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            &InspectionError::Svg,
        );
        refused(
            b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- x -->\n<SVG/>",
            &InspectionError::Svg,
        );
    }

    #[test]
    fn text_is_not_a_photo() {
        for text in [
            "hola",
            "BM es un banco",
            "<html></html>",
            "RIFF????WAVE",
            "\u{1}",
        ] {
            refused(text.as_bytes(), &InspectionError::NotAPhoto);
        }
    }
}
