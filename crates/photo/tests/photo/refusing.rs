//! Rejected photos, and why.

use bytes::Bytes;
use image::ImageFormat;
use jornada_photo::MAX_PHOTO_BYTES;
use jornada_photo::inspect::{InspectionError, inspect};

use crate::samples;

#[track_caller]
fn assert_rejected(bytes: impl Into<Bytes>, expected: &InspectionError) {
    assert_eq!(inspect(bytes.into()).as_ref(), Err(expected));
}

#[test]
fn what_is_no_photo_is_refused_by_its_bytes() {
    assert_rejected(Bytes::new(), &InspectionError::Empty);
    assert_rejected("esto no es una foto.jpg", &InspectionError::NotAPhoto);
    assert_rejected(
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        &InspectionError::Svg,
    );
    assert_rejected(
        &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..],
        &InspectionError::Heic,
    );
    assert_rejected(
        &b"GIF89a\x01\0\x01\0"[..],
        &InspectionError::UnsupportedFormat("GIF"),
    );
    assert_rejected(vec![0; 1000], &InspectionError::NotAPhoto);
}

#[test]
fn eight_mib_and_not_a_byte_more() {
    let mut jpeg = samples::encode(ImageFormat::Jpeg);
    jpeg.resize(MAX_PHOTO_BYTES, 0);
    inspect(jpeg.clone().into()).unwrap();
    jpeg.push(0);
    assert_rejected(jpeg, &InspectionError::TooLarge);
}

#[test]
fn every_prefix_without_the_whole_picture_is_refused() {
    for (name, bytes) in samples::all() {
        let bytes = Bytes::from(bytes);
        // An end marker, IEND, or padding.
        let whole = bytes.len() - samples::end_length(&bytes);
        for length in 0..whole {
            let refusal = inspect(bytes.slice(..length)).unwrap_err();
            if length > 30 {
                let expected = InspectionError::Truncated;
                assert_eq!(refusal, expected, "{name} of {length} bytes");
            }
        }
        for length in whole..bytes.len() {
            let photo = inspect(bytes.slice(..length)).unwrap();
            assert_eq!(photo.bytes, bytes, "{name} of {length} bytes");
        }
    }
}

#[test]
fn a_jpeg_that_lost_scans_is_cut_short() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let places = samples::jpeg_offsets(&jpeg);
    let scan = places[places.len() - 2];
    let without = [&jpeg[..scan], &jpeg[jpeg.len() - 2..]].concat();
    assert_rejected(without, &InspectionError::Truncated);
    // One scan of the first of three components.
    let header = samples::segment(0xDA, b"\x01\x01\x00\x00\x3F\x00");
    let partial = [&jpeg[..scan], &header, b"data", &jpeg[jpeg.len() - 2..]].concat();
    assert_rejected(partial, &InspectionError::Truncated);
}

#[test]
fn too_many_pixels_are_refused_by_the_header_alone() {
    let header = |width: u32, height: u32| {
        let sizes = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let data = [&sizes[..], &[8, 2, 0, 0, 0]].concat();
        [b"\x89PNG\r\n\x1A\n", &samples::chunk(b"IHDR", &data)[..]].concat()
    };
    let too_many = |width, height| InspectionError::TooManyPixels { width, height };
    assert_rejected(header(60_000, 60_000), &too_many(60_000, 60_000));
    assert_rejected(header(u32::MAX, u32::MAX), &too_many(u32::MAX, u32::MAX));
    assert_rejected(header(10_000, 6_601), &too_many(10_000, 6_601));
    assert_rejected(header(10_000, 6_600), &InspectionError::Truncated);
    assert_rejected(header(0, 5), &InspectionError::NoPixels);

    let frame = samples::segment(0xC0, b"\x08\xEA\x60\xEA\x60\x01\x01\x11\x00");
    assert_rejected(
        [b"\xFF\xD8", &frame[..]].concat(),
        &too_many(60_000, 60_000),
    );
    let canvas = samples::riff_chunk(b"VP8X", &[0, 0, 0, 0, 0x5F, 0xEA, 0, 0x5F, 0xEA, 0]);
    assert_rejected(samples::riff(&canvas), &too_many(60_000, 60_000));
}

#[test]
fn moving_pictures_are_refused() {
    assert_rejected(
        &include_bytes!("data/animated.webp")[..],
        &InspectionError::Animated,
    );
    assert_rejected(
        &include_bytes!("data/animated.png")[..],
        &InspectionError::Animated,
    );
}

#[test]
fn kinds_of_jpeg_that_browsers_do_not_show_are_refused() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let places = samples::jpeg_offsets(&jpeg);
    let frame = *places
        .iter()
        .find(|place| jpeg[**place + 1] == 0xC0)
        .unwrap();
    let changed = |offset: usize, byte: u8| {
        let mut jpeg = jpeg.clone();
        jpeg[frame + offset] = byte;
        jpeg
    };
    for kind in [0xC3, 0xC5, 0xC9, 0xCA, 0xCB, 0xCF] {
        assert_rejected(changed(1, kind), &InspectionError::UnsupportedJpeg);
    }
    assert_rejected(changed(4, 12), &InspectionError::UnsupportedJpeg);
    assert_rejected(changed(9, 2), &InspectionError::Damaged);
}

#[test]
fn damage_is_refused() {
    let png = samples::encode(ImageFormat::Png);
    for at in [20, png.len() / 2, png.len() - 14] {
        let mut damaged = png.clone();
        damaged[at] ^= 4;
        assert_rejected(damaged, &InspectionError::Damaged);
    }
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let twice = [&jpeg[..2], &jpeg[..]].concat();
    assert_rejected(twice, &InspectionError::Damaged);
    let table = [
        &jpeg[..2],
        &samples::segment(0xDB, samples::SECRET),
        &jpeg[2..],
    ]
    .concat();
    assert_rejected(table, &InspectionError::Damaged);
    let progressive = include_bytes!("data/progressive.jpg");
    let places = samples::jpeg_offsets(progressive);
    let scan = places.iter().position(|at| progressive[*at + 1] == 0xDA);
    let (scan, next) = (places[scan.unwrap()], places[scan.unwrap() + 1]);
    let scans = progressive[scan..next].repeat(100);
    let scans = [&progressive[..scan], &scans, &progressive[next..]].concat();
    assert_rejected(scans, &InspectionError::Damaged);
}

#[test]
fn every_refusal_knows_its_status() {
    let refusals = [
        (InspectionError::Empty, 422),
        (InspectionError::TooLarge, 413),
        (InspectionError::NotAPhoto, 415),
        (InspectionError::Svg, 415),
        (InspectionError::Heic, 415),
        (InspectionError::UnsupportedFormat("GIF"), 415),
        (InspectionError::Animated, 422),
        (InspectionError::UnsupportedJpeg, 422),
        (
            InspectionError::TooManyPixels {
                width: 9999,
                height: 9999,
            },
            422,
        ),
        (InspectionError::NoPixels, 422),
        (InspectionError::Truncated, 422),
        (InspectionError::Damaged, 422),
    ];
    for (refusal, status) in refusals {
        assert_eq!(
            refusal.is_unsupported_media_type(),
            status == 415,
            "{refusal}"
        );
        assert_eq!(refusal.is_too_large(), status == 413, "{refusal}");
    }
}
