//! Rejected photos, and why.

use bytes::Bytes;
use image::ImageFormat;
use jornada::photo::MAX_PHOTO_BYTES;
use jornada::photo::inspect::{PhotoRefusal, inspect};

use crate::samples;

#[track_caller]
fn refused(bytes: impl Into<Bytes>, expected: &PhotoRefusal) {
    assert_eq!(inspect(bytes.into()).as_ref(), Err(expected));
}

#[test]
fn what_is_no_photo_is_refused_by_its_bytes() {
    refused(Bytes::new(), &PhotoRefusal::Empty);
    refused("esto no es una foto.jpg", &PhotoRefusal::NotAPhoto);
    refused(
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        &PhotoRefusal::Svg,
    );
    refused(
        &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..],
        &PhotoRefusal::Heic,
    );
    refused(&b"GIF89a\x01\0\x01\0"[..], &PhotoRefusal::Unwanted("GIF"));
    refused(vec![0; 1000], &PhotoRefusal::NotAPhoto);
}

#[test]
fn eight_mib_and_not_a_byte_more() {
    let mut jpeg = samples::encode(ImageFormat::Jpeg);
    let end = jpeg.split_off(jpeg.len() - 2);
    jpeg.resize(MAX_PHOTO_BYTES - 2, 0);
    jpeg.extend(end);
    let photo = inspect(jpeg.clone().into()).unwrap();
    assert_eq!(photo.bytes.len(), MAX_PHOTO_BYTES);
    jpeg.push(0);
    refused(jpeg, &PhotoRefusal::TooLarge);
}

#[test]
fn every_prefix_is_refused() {
    for (name, bytes) in samples::all() {
        let bytes = Bytes::from(bytes);
        for length in 0..bytes.len() {
            let refusal = inspect(bytes.slice(..length)).unwrap_err();
            if length > 30 {
                assert_eq!(refusal, PhotoRefusal::Truncated, "{name} of {length} bytes");
            }
        }
    }
}

#[test]
fn a_jpeg_that_lost_scans_is_cut_short() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let places = samples::jpeg_places(&jpeg);
    let scan = places[places.len() - 2];
    let without = [&jpeg[..scan], &jpeg[jpeg.len() - 2..]].concat();
    refused(without, &PhotoRefusal::Truncated);
    // One scan of the first of three components.
    let header = samples::segment(0xDA, b"\x01\x01\x00\x00\x3F\x00");
    let partial = [&jpeg[..scan], &header, b"data", &jpeg[jpeg.len() - 2..]].concat();
    refused(partial, &PhotoRefusal::Truncated);
}

#[test]
fn too_many_pixels_are_refused_by_the_header_alone() {
    let header = |width: u32, height: u32| {
        let sizes = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let data = [&sizes[..], &[8, 2, 0, 0, 0]].concat();
        [b"\x89PNG\r\n\x1A\n", &samples::chunk(b"IHDR", &data)[..]].concat()
    };
    let too_many = |width, height| PhotoRefusal::TooManyPixels { width, height };
    refused(header(60_000, 60_000), &too_many(60_000, 60_000));
    refused(header(u32::MAX, u32::MAX), &too_many(u32::MAX, u32::MAX));
    refused(header(10_000, 5_001), &too_many(10_000, 5_001));
    refused(header(10_000, 5_000), &PhotoRefusal::Truncated);
    refused(header(0, 5), &PhotoRefusal::NoPixels);

    let frame = samples::segment(0xC0, b"\x08\xEA\x60\xEA\x60\x01\x01\x11\x00");
    refused(
        [b"\xFF\xD8", &frame[..]].concat(),
        &too_many(60_000, 60_000),
    );
    let canvas = samples::riff_chunk(b"VP8X", &[0, 0, 0, 0, 0x5F, 0xEA, 0, 0x5F, 0xEA, 0]);
    refused(samples::riff(&canvas), &too_many(60_000, 60_000));
}

#[test]
fn moving_pictures_are_refused() {
    refused(
        &include_bytes!("data/animated.webp")[..],
        &PhotoRefusal::Animated,
    );
    refused(
        &include_bytes!("data/animated.png")[..],
        &PhotoRefusal::Animated,
    );
}

#[test]
fn kinds_of_jpeg_that_browsers_do_not_show_are_refused() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let places = samples::jpeg_places(&jpeg);
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
        refused(changed(1, kind), &PhotoRefusal::RareJpeg);
    }
    refused(changed(4, 12), &PhotoRefusal::RareJpeg);
    refused(changed(9, 2), &PhotoRefusal::Damaged);
}

#[test]
fn damage_is_refused() {
    let png = samples::encode(ImageFormat::Png);
    for at in [20, png.len() / 2, png.len() - 2] {
        let mut damaged = png.clone();
        damaged[at] ^= 4;
        refused(damaged, &PhotoRefusal::Damaged);
    }
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let twice = [&jpeg[..2], &jpeg[..]].concat();
    refused(twice, &PhotoRefusal::Damaged);
    let table = [
        &jpeg[..2],
        &samples::segment(0xDB, samples::SECRET),
        &jpeg[2..],
    ]
    .concat();
    refused(table, &PhotoRefusal::Damaged);
    let places = samples::jpeg_places(&jpeg);
    let scan = &jpeg[places[places.len() - 2]..jpeg.len() - 2];
    let scans = [&jpeg[..jpeg.len() - 2], &scan.repeat(100), b"\xFF\xD9"].concat();
    refused(scans, &PhotoRefusal::Damaged);
}

#[test]
fn every_refusal_knows_its_status() {
    let refusals = [
        (PhotoRefusal::Empty, 422),
        (PhotoRefusal::TooLarge, 413),
        (PhotoRefusal::NotAPhoto, 415),
        (PhotoRefusal::Svg, 415),
        (PhotoRefusal::Heic, 415),
        (PhotoRefusal::Unwanted("GIF"), 415),
        (PhotoRefusal::Animated, 422),
        (PhotoRefusal::RareJpeg, 422),
        (
            PhotoRefusal::TooManyPixels {
                width: 9999,
                height: 9999,
            },
            422,
        ),
        (PhotoRefusal::NoPixels, 422),
        (PhotoRefusal::Truncated, 422),
        (PhotoRefusal::Damaged, 422),
    ];
    for (refusal, status) in refusals {
        assert_eq!(refusal.is_media_type(), status == 415, "{refusal}");
        assert_eq!(refusal.is_too_large(), status == 413, "{refusal}");
    }
}
