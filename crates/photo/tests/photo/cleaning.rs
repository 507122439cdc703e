//! Tests that inspection removes metadata from a photo and keeps its picture.

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use jornada_photo::PhotoFormat;
use jornada_photo::inspect::{CleanPhoto, inspect};
use sha2::{Digest, Sha256};

use crate::samples::{self, SECRET, insert};

#[track_caller]
pub fn clean(bytes: impl Into<Bytes>) -> CleanPhoto {
    let photo = inspect(bytes.into()).unwrap();
    let again = inspect(photo.bytes.clone()).unwrap();
    assert_eq!(again, photo, "cleaning twice is cleaning once");
    assert_eq!(
        again.bytes.as_ptr(),
        photo.bytes.as_ptr(),
        "not copied again"
    );
    photo
}

pub fn decode(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

fn orientation(bytes: &[u8]) -> u8 {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut decoder = reader.unwrap().into_decoder().unwrap();
    decoder.orientation().unwrap().to_exif()
}

pub fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Checks that the secret is removed and nothing else.
#[track_caller]
pub fn assert_cleans_to(marked: Vec<u8>, plain: &[u8]) {
    assert!(contains(&marked, SECRET));
    let photo = clean(marked);
    assert!(!contains(&photo.bytes, SECRET));
    assert_eq!(decode(&photo.bytes), decode(plain));
}

#[test]
fn a_photo_without_metadata_is_taken_as_it_is() {
    for (name, bytes) in samples::all() {
        let bytes = Bytes::from(bytes);
        let photo = clean(bytes.clone());
        assert_eq!(photo.bytes, bytes, "{name}");
        assert_eq!(photo.bytes.as_ptr(), bytes.as_ptr(), "{name} is not copied");
        let picture = decode(&bytes);
        assert_eq!(
            (photo.width, photo.height),
            (picture.width(), picture.height())
        );
        assert_eq!(photo.sha256[..], Sha256::digest(&bytes)[..], "{name}");
    }
}

#[test]
fn the_format_is_told_by_the_bytes() {
    for (format, expected) in [
        (ImageFormat::Jpeg, PhotoFormat::Jpeg),
        (ImageFormat::Png, PhotoFormat::Png),
        (ImageFormat::WebP, PhotoFormat::Webp),
    ] {
        assert_eq!(clean(samples::encode(format)).format, expected);
        assert_eq!(
            PhotoFormat::from_extension(expected.extension()),
            Some(expected)
        );
        assert_eq!(format.to_mime_type(), expected.media_type());
    }
    assert_eq!(PhotoFormat::from_extension("gif"), None);
}

#[test]
fn what_follows_the_end_is_not_kept() {
    for (name, bytes) in samples::all() {
        for tail in [SECRET.to_vec(), bytes.clone(), vec![0; 99], vec![0xFF]] {
            let photo = clean([&bytes[..], &tail].concat());
            assert_eq!(photo.bytes, bytes, "{name}");
        }
    }
}

#[test]
fn jpeg_metadata_goes_from_every_place() {
    for (_, jpeg) in samples::all() {
        if !jpeg.starts_with(b"\xFF\xD8") {
            continue;
        }
        let places = samples::jpeg_offsets(&jpeg);
        assert!(places.len() >= 5);
        for place in places {
            for piece in samples::secret_segments() {
                // A JFIF segment changes the colours of a JPEG without one; another test covers that.
                if !contains(&jpeg, b"JFIF") && contains(&piece, b"JFIF") {
                    continue;
                }
                assert_cleans_to(insert(&jpeg, place, &piece), &jpeg);
            }
        }
    }
}

#[test]
fn stray_bytes_between_segments_go() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let places = samples::jpeg_offsets(&jpeg);
    // Not at the very start, where they would hide the signature, nor after the scan, whose data they would become.
    for place in &places[1..places.len() - 1] {
        for stray in [SECRET, b"\xFF\x00SECRET\xFF", b"\xFF\xD3SECRET\xFF\xFF\x01"] {
            assert_cleans_to(insert(&jpeg, *place, stray), &jpeg);
        }
    }
}

#[test]
fn png_metadata_goes_from_every_place() {
    for png in [
        samples::encode(ImageFormat::Png),
        include_bytes!("data/palette.png").to_vec(),
    ] {
        for place in samples::png_offsets(&png) {
            for piece in samples::secret_chunks() {
                assert_cleans_to(insert(&png, place, &piece), &png);
            }
        }
    }
}

#[test]
fn webp_metadata_goes() {
    let plain = samples::extended_webp(&[]);
    let exif = samples::exif(1, false);
    let xmp: &[u8] = b"<x:xmpmeta>SECRET</x:xmpmeta>";
    for more in [
        &[(b"XMP ", xmp)][..],
        &[(b"EXIF", &exif)],
        &[(b"EXIF", &exif), (b"XMP ", xmp), (b"EXIF", &exif)],
        &[(b"NOTE", SECRET), (b"VP8X", SECRET), (b"ICCP", SECRET)],
        &[(b"ALPH", SECRET), (b"VP8L", SECRET), (b"VP8 ", SECRET)],
    ] {
        let marked = samples::extended_webp(more);
        assert_cleans_to(marked.clone(), &plain);
        assert_eq!(
            clean(marked).bytes,
            plain,
            "sizes and flags are as if it had never been there"
        );
    }
    let simple = samples::encode(ImageFormat::WebP);
    let chunks = [&simple[12..], &samples::riff_chunk(b"XMP ", xmp)].concat();
    assert_eq!(clean(samples::riff(&chunks)).bytes, simple);
}

#[test]
fn orientation_stays_and_nothing_else_of_exif() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let png = samples::encode(ImageFormat::Png);
    for big_endian in [false, true] {
        for value in 1..=8 {
            let exif = samples::exif(value, big_endian);
            let segment = samples::exif_segment(value, big_endian);
            for marked in [
                insert(&jpeg, 2, &segment),
                insert(&jpeg, 20, &segment),
                insert(&png, 33, &samples::chunk(b"eXIf", &exif)),
                samples::extended_webp(&[(b"EXIF", &exif)]),
                samples::extended_webp(&[(b"EXIF", &[b"Exif\0\0", &exif[..]].concat())]),
            ] {
                let photo = clean(marked.clone());
                assert!(!contains(&photo.bytes, SECRET));
                assert_eq!(orientation(&photo.bytes), value);
                assert_eq!(decode(&photo.bytes), decode(&marked));
            }
        }
    }
}

#[test]
fn only_the_first_exif_counts() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let exif = |value| samples::exif_segment(value, true);
    let photo = clean(insert(&jpeg, 2, &[exif(6), exif(3)].concat()));
    assert_eq!(orientation(&photo.bytes), 6);
    assert_eq!(photo.bytes.len(), jpeg.len() + 36);
}

#[test]
fn colours_stay() {
    let colours = [
        samples::chunk(b"gAMA", &[0, 0, 0xB1, 0x8F]),
        samples::chunk(b"sRGB", &[0]),
        samples::chunk(b"cICP", &[12, 13, 0, 1]),
    ]
    .concat();
    let plain = samples::encode(ImageFormat::Png);
    let png = insert(&plain, 33, &colours);
    assert_eq!(clean(png.clone()).bytes, png);
    let late = insert(&plain, plain.len() - 12, &colours);
    assert_eq!(
        clean(late).bytes,
        plain,
        "readers heed them before the pixels alone"
    );
}

#[test]
fn thumbnails_of_jfif_and_the_rest_of_adobe_go() {
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let jfif = [b"JFIF\0\x01\x02\x01\0\x48\0\x48\x02\x01", SECRET].concat();
    let photo = clean([&jpeg[..2], &samples::segment(0xE0, &jfif), &jpeg[20..]].concat());
    let expected = samples::segment(0xE0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\0\0");
    assert_eq!(photo.bytes[2..20], expected);

    let adobe = include_bytes!("data/cmyk.jpg");
    let longer = [
        b"\xFF\xD8\xFF\xEE\0\x14",
        &adobe[6..18],
        SECRET,
        &adobe[18..],
    ]
    .concat();
    assert_eq!(clean(longer).bytes, adobe[..]);
}
