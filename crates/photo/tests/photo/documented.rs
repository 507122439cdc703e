//! The table of `docs/photos.md` says what inspection does: a sample for each row.

use std::collections::BTreeMap;
use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use jornada_photo::inspect::{InspectionError, inspect};

use crate::samples::{self, chunk, insert, segment};

const PAGE: &str = include_str!("../../../../docs/photos.md");

/// Returns the first words of the result that the page must give for a sample.
fn result(bytes: &[u8]) -> String {
    let refusal = match inspect(bytes.to_vec().into()) {
        Ok(photo) if photo.bytes == bytes => return "accepted".to_owned(),
        Ok(_) => return "repaired".to_owned(),
        Err(refusal) => refusal,
    };
    let name = match refusal {
        InspectionError::Empty => "empty",
        InspectionError::TooLarge => "too large",
        InspectionError::NotAPhoto => "not a photo",
        InspectionError::Svg => "SVG",
        InspectionError::Heic => "HEIC",
        InspectionError::UnsupportedFormat(_) => "unsupported format",
        InspectionError::Animated => "animated",
        InspectionError::UnsupportedJpeg => "unsupported JPEG",
        InspectionError::TooManyPixels { .. } => "too many pixels",
        InspectionError::NoPixels => "no pixels",
        InspectionError::Truncated => "truncated",
        InspectionError::Damaged => "damaged",
    };
    format!("refused: {name}")
}

/// Replaces the bytes at `at`.
fn with(bytes: &[u8], at: usize, by: &[u8]) -> Vec<u8> {
    [&bytes[..at], by, &bytes[at + by.len()..]].concat()
}

fn jpegs() -> BTreeMap<&'static str, Vec<u8>> {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let places = samples::jpeg_offsets(&jpeg);
    let at = |marker| *places.iter().find(|at| jpeg[**at + 1] == marker).unwrap();
    let (frame, scan, whole) = (at(0xC0), at(0xDA), jpeg.len() - 2);
    let end = b"\xFF\xD9";
    let profile = [b"ICC_PROFILE\0\x01\x01", &samples::secret_profile()[..]].concat();
    BTreeMap::from([
        ("JPEG, baseline", jpeg.clone()),
        (
            "JPEG, progressive",
            include_bytes!("data/progressive.jpg").to_vec(),
        ),
        (
            "JPEG, restart markers",
            include_bytes!("data/restart.jpg").to_vec(),
        ),
        (
            "JPEG, CMYK or RGB",
            include_bytes!("data/cmyk.jpg").to_vec(),
        ),
        ("JPEG without an end marker", jpeg[..whole].to_vec()),
        (
            "JPEG with anything after its last scan",
            [&jpeg[..whole], b"\xFF\xE1\xFF"].concat(),
        ),
        (
            "JPEG with bytes after the last block of a scan or restart interval",
            insert(&jpeg, whole, b"abc"),
        ),
        (
            "JPEG with stray bytes between segments",
            insert(&jpeg, frame, b"abc"),
        ),
        (
            "JPEG with tables that no scan uses",
            insert(&jpeg, frame, &segment(0xDB, &[3; 65])),
        ),
        (
            "JPEG, a part with an end marker",
            [&jpeg[..scan + 60], end].concat(),
        ),
        ("JPEG with a scan missing", [&jpeg[..scan], end].concat()),
        (
            "JPEG whose scan names a component twice",
            with(&jpeg, scan + 7, &jpeg[scan + 5..scan + 6]),
        ),
        (
            "JPEG whose scan names a table that is not there",
            with(&jpeg, scan + 6, &[0x33]),
        ),
        (
            "JPEG, arithmetic, lossless, or 12 bits",
            with(&jpeg, frame + 1, &[0xC9]),
        ),
        (
            "Photo with EXIF, XMP, comments or a thumbnail",
            insert(&jpeg, 2, &segment(0xFE, b"abc")),
        ),
        (
            "Photo with an ICC profile",
            insert(&jpeg, 20, &segment(0xE2, &profile)),
        ),
        ("Photo of more pixels", with(&jpeg, frame + 5, &[0xFF; 4])),
    ])
}

fn pngs() -> BTreeMap<&'static str, Vec<u8>> {
    let png = samples::encode(ImageFormat::Png);
    let (stream, _) = samples::png_stream(&png);
    let rows = samples::png_rows();
    let grey = |rows: &[u8]| samples::png(0, &[], &samples::zlib(rows));
    let mut checksum = stream.clone();
    *checksum.last_mut().unwrap() ^= 1;
    let part = &stream[..stream.len() / 2];
    let large = DynamicImage::new_luma8(10_000, 6_600);
    let mut limit = Cursor::new(Vec::new());
    large.write_to(&mut limit, ImageFormat::Png).unwrap();
    BTreeMap::from([
        ("PNG", png.clone()),
        ("PNG, palette", include_bytes!("data/palette.png").to_vec()),
        (
            "PNG with a wrong chunk that is not critical",
            insert(&png, 33, &chunk(b"gAMA", b"abc")),
        ),
        ("PNG without IEND", png[..png.len() - 12].to_vec()),
        (
            "PNG with data after its zlib stream",
            samples::with_stream(&png, &[&stream, &b"abc"[..]].concat()),
        ),
        (
            "PNG with more rows than its height",
            grey(&[&rows, &b"abc"[..]].concat()),
        ),
        (
            "PNG with a wrong checksum of its zlib stream",
            samples::with_stream(&png, &checksum),
        ),
        (
            "PNG with a suggested palette",
            insert(&png, 33, &chunk(b"PLTE", b"abc")),
        ),
        ("PNG, a part of the rows", samples::with_stream(&png, part)),
        (
            "PNG without its palette",
            samples::png(3, &[], &samples::zlib(&rows)),
        ),
        (
            "PNG with a wrong checksum of a critical chunk",
            with(&png, 29, b"abcd"),
        ),
        (
            "PNG, animated",
            include_bytes!("data/animated.png").to_vec(),
        ),
        ("Photo of 66,000,000 pixels", limit.into_inner()),
        (
            "Photo of more than 8 MiB",
            png.iter().copied().cycle().take((8 << 20) + 1).collect(),
        ),
    ])
}

fn others() -> BTreeMap<&'static str, Vec<u8>> {
    let webp = samples::encode(ImageFormat::WebP);
    BTreeMap::from([
        ("WebP, lossy or lossless", webp.clone()),
        (
            "WebP with a wrong chunk beside the image",
            samples::extended_webp(&[(b"EXIF", b"abc")]),
        ),
        (
            "WebP whose size says too much",
            with(&webp, 4, &[0xFF, 0xFF]),
        ),
        ("WebP, a part of the image", webp[..webp.len() / 2].to_vec()),
        (
            "WebP, animated",
            include_bytes!("data/animated.webp").to_vec(),
        ),
        (
            "GIF, TIFF, BMP, AVIF, JPEG XL, PDF and others",
            b"GIF89a\x01\0\x01\0".to_vec(),
        ),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("Text or another file", b"esto no es una foto".to_vec()),
        ("Empty file", Vec::new()),
    ])
}

#[test]
fn the_table_of_the_page_is_true_and_complete() {
    let mut rows: BTreeMap<_, _> = PAGE
        .lines()
        .skip_while(|line| *line != "|---|---|")
        .skip(1)
        .map_while(|line| {
            line.strip_prefix("| ")?
                .strip_suffix(" |")?
                .split_once(" | ")
        })
        .collect();
    let all = [jpegs(), pngs(), others()];
    for (name, bytes) in all.into_iter().flatten() {
        let row = rows
            .remove(name)
            .unwrap_or_else(|| panic!("no row: {name}"));
        let result = result(&bytes);
        let is_same = row == result || result == "repaired" && row.starts_with("repaired: ");
        assert!(is_same, "{name}: {result}, but the page says: {row}");
    }
    assert_eq!(rows, BTreeMap::new(), "rows without a sample");
}
