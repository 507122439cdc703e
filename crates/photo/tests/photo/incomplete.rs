//! Photos that show nothing or a part: their headers name what is not there, or their coded data ends too early.

use bytes::Bytes;
use image::ImageFormat;
use jornada_photo::inspect::{InspectionError, inspect};

use crate::samples::{self, chunk, segment};

#[track_caller]
fn assert_refused(name: &str, bytes: impl Into<Bytes>) {
    let refusal = inspect(bytes.into());
    let is_expected = matches!(
        refusal,
        Err(InspectionError::Truncated | InspectionError::Damaged)
    );
    assert!(is_expected, "{name}: {refusal:?}");
}

#[test]
fn a_part_of_a_jpeg_with_a_right_end_is_refused() {
    for (name, jpeg) in samples::all() {
        if !jpeg.starts_with(b"\xFF\xD8") {
            continue;
        }
        let places = samples::jpeg_offsets(&jpeg);
        let scan = places.iter().find(|at| jpeg[**at + 1] == 0xDA).unwrap();
        for end in *scan..jpeg.len() - 2 {
            let name = format!("{name} cut at {end}");
            assert_refused(&name, [&jpeg[..end], b"\xFF\xD9"].concat());
        }
    }
}

#[test]
fn a_jpeg_without_a_restart_interval_is_refused() {
    let jpeg = include_bytes!("data/restart.jpg");
    let marks: Vec<_> = jpeg
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] == 0xFF && matches!(pair[1], 0xD0..=0xD7))
        .map(|(at, _)| at)
        .collect();
    assert!(marks.len() > 2);
    for pair in marks.windows(2) {
        let name = format!("{} to {}", pair[0], pair[1]);
        assert_refused(&name, [&jpeg[..pair[0]], &jpeg[pair[1]..]].concat());
    }
}

#[test]
fn a_part_of_the_pixels_of_a_png_is_refused() {
    for png in [
        samples::encode(ImageFormat::Png),
        include_bytes!("data/palette.png").to_vec(),
    ] {
        let (stream, _) = samples::png_stream(&png);
        for end in 0..stream.len() {
            let cut = samples::with_stream(&png, &stream[..end]);
            assert_refused(&format!("cut at {end}"), cut);
        }
    }
    let rows = samples::png_rows();
    for end in [0, 1, 24, 200, rows.len() - 1] {
        let short = samples::png(0, &[], &samples::zlib(&rows[..end]));
        assert_refused(&format!("{end} bytes of rows"), short);
    }
    let mut filter = rows.clone();
    filter[24] = 5;
    assert_refused("filter", samples::png(0, &[], &samples::zlib(&filter)));
    inspect(samples::png(0, &[], &samples::zlib(&rows)).into()).unwrap();
}

#[test]
fn a_palette_must_exist_once_before_the_pixels() {
    let stream = samples::zlib(&samples::png_rows());
    let palette = chunk(b"PLTE", &[7; 12]);
    inspect(samples::png(3, std::slice::from_ref(&palette), &stream).into()).unwrap();
    assert_refused("none", samples::png(3, &[], &stream));
    assert_refused(
        "twice",
        samples::png(3, &[palette.clone(), palette.clone()], &stream),
    );
    for entries in [0, 1, 257 * 3] {
        let wrong = chunk(b"PLTE", &vec![7; entries]);
        assert_refused("length", samples::png(3, &[wrong], &stream));
    }
    let mut damaged = palette;
    damaged[9] ^= 1;
    assert_refused("checksum", samples::png(3, &[damaged], &stream));
}

/// Returns the segments of a JPEG before its first scan, and the rest.
fn segments(jpeg: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let places = samples::jpeg_offsets(jpeg);
    let scan = places.iter().position(|at| jpeg[*at + 1] == 0xDA).unwrap();
    let segments = places[..=scan]
        .windows(2)
        .map(|pair| jpeg[pair[0]..pair[1]].to_vec());
    (segments.collect(), jpeg[places[scan]..].to_vec())
}

fn join(segments: &[Vec<u8>], rest: &[u8]) -> Vec<u8> {
    [b"\xFF\xD8", &segments.concat()[..], rest].concat()
}

#[test]
fn tables_that_a_header_names_must_exist() {
    for (name, jpeg) in samples::all() {
        if !jpeg.starts_with(b"\xFF\xD8") {
            continue;
        }
        let (segments, rest) = segments(&jpeg);
        inspect(join(&segments, &rest).into()).unwrap();
        for (index, segment) in segments.iter().enumerate() {
            if !matches!(segment[1], 0xC4 | 0xDB | 0xC0..=0xC2) {
                continue;
            }
            let mut without = segments.clone();
            without.remove(index);
            assert_refused(
                &format!("{name} without {:X}", segment[1]),
                join(&without, &rest),
            );
            if matches!(segment[1], 0xC0..=0xC2) {
                let twice = [&segments[..], std::slice::from_ref(segment)].concat();
                assert_refused(&format!("{name} with two frames"), join(&twice, &rest));
            }
        }
    }
}

#[test]
fn a_scan_names_each_component_once() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let (segments, rest) = segments(&jpeg);
    let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    let data = &rest[2 + length..];
    let scan = |contents: &[u8]| join(&segments, &[&segment(0xDA, contents), data].concat());
    inspect(scan(&rest[4..2 + length]).into()).unwrap();
    for (name, contents) in [
        ("twice", &b"\x04\x01\0\x02\x11\x03\x11\x03\x11\0\x3F\0"[..]),
        ("one twice", b"\x03\x01\0\x02\x11\x02\x11\0\x3F\0"),
        ("unknown", b"\x03\x01\0\x02\x11\x07\x11\0\x3F\0"),
        ("none", b"\0\0\x3F\0"),
        ("table 2", b"\x03\x01\0\x02\x22\x03\x11\0\x3F\0"),
        ("table 5", b"\x03\x01\x50\x02\x11\x03\x11\0\x3F\0"),
        ("length", b"\x03\x01\0\x02\x11\x03\x11\0\x3F"),
    ] {
        assert_refused(name, scan(contents));
    }
}

#[test]
fn huffman_codes_must_fit_their_lengths() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let (segments, rest) = segments(&jpeg);
    let first = segments
        .iter()
        .position(|segment| segment[1] == 0xC4)
        .unwrap();
    for counts in [[2, 0], [1, 3], [0, 5]] {
        let symbols = vec![1; counts.iter().map(|count| usize::from(*count)).sum()];
        for id in [0, 0x10] {
            let table = [&[id][..], &counts, &[0; 14], &symbols].concat();
            let mut changed = segments.clone();
            changed.push(segment(0xC4, &table));
            assert_refused("codes", join(&changed, &rest));
        }
    }
    let mut large = segments.clone();
    large.push(segment(0xC4, &[&[0, 1][..], &[0; 15], &[16]].concat()));
    assert_refused("DC symbol", join(&large, &rest));
    assert!(first > 0);
}

#[test]
fn a_photo_above_twelve_megapixels_is_checked_by_its_structure() {
    let jpeg = include_bytes!("data/restart.jpg");
    let places = samples::jpeg_offsets(jpeg);
    let frame = *places.iter().find(|at| jpeg[**at + 1] == 0xC0).unwrap();
    let mut large = jpeg.to_vec();
    large[frame + 5..frame + 9].copy_from_slice(&[0x10, 0, 0x10, 0]);
    let photo = inspect(large.clone().into()).unwrap();
    assert_eq!(photo.bytes, large);
    // Without an end marker the data itself must tell.
    large.truncate(large.len() - 2);
    assert_refused("no end", large);
}
