//! The inspection of photos terminates; accepted photos pass again unchanged and contain only the image. The allowed
//! parts are listed here independently of the scanners.
#![no_main]

use bytes::Bytes;
use jornada_photo::inspect::inspect;
use jornada_photo::{MAX_PHOTO_BYTES, PhotoFormat};
use libfuzzer_sys::fuzz_target;

/// Length of an Exif block whose only entry is the orientation.
const ORIENTATION_BYTES: usize = 26;

fuzz_target!(|data: &[u8]| {
    let Ok(photo) = inspect(Bytes::copy_from_slice(data)) else {
        return;
    };
    assert!(photo.width > 0 && photo.height > 0);
    assert!(photo.bytes.len() <= MAX_PHOTO_BYTES);
    let again = inspect(photo.bytes.clone()).expect("what was cleaned is a photo");
    assert_eq!(again, photo, "cleaning twice is cleaning once");
    match photo.format {
        PhotoFormat::Jpeg => only_picture_in_jpeg(&photo.bytes),
        PhotoFormat::Png => only_picture_in_png(&photo.bytes),
        PhotoFormat::Webp => only_picture_in_webp(&photo.bytes),
    }
});

fn only_picture_in_jpeg(bytes: &[u8]) {
    let mut at = 2;
    while bytes[at + 1] != 0xD9 {
        assert_eq!(bytes[at], 0xFF, "a marker follows a segment");
        let marker = bytes[at + 1];
        let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        let contents = &bytes[at + 4..at + 2 + length];
        match marker {
            0xC0..=0xC2 | 0xC4 | 0xDA | 0xDB | 0xDD => {}
            0xE0 => assert_eq!((&contents[..5], contents.len()), (&b"JFIF\0"[..], 14)),
            0xE1 => assert_eq!(contents.len(), b"Exif\0\0".len() + ORIENTATION_BYTES),
            0xE2 => assert!(contents.starts_with(b"ICC_PROFILE\0")),
            0xEE => assert_eq!((&contents[..5], contents.len()), (&b"Adobe"[..], 12)),
            other => panic!("segment {other:02X} is no part of a picture"),
        }
        at += 2 + length;
        if marker == 0xDA {
            at = end_of_scan(bytes, at);
        }
    }
    assert_eq!(at + 2, bytes.len(), "nothing follows the end");
}

fn end_of_scan(bytes: &[u8], mut at: usize) -> usize {
    while bytes[at] != 0xFF || matches!(bytes[at + 1], 0 | 0xD0..=0xD7) {
        at += 1;
    }
    at
}

fn only_picture_in_png(bytes: &[u8]) {
    let mut at = 8;
    while at < bytes.len() {
        let length = u32::from_be_bytes(four(bytes, at)) as usize;
        match &four(bytes, at + 4) {
            b"IHDR" | b"PLTE" | b"IDAT" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"iCCP"
            | b"cICP" | b"mDCV" | b"cLLI" => {}
            b"eXIf" => assert_eq!(length, ORIENTATION_BYTES),
            b"IEND" => assert_eq!(at + 12, bytes.len(), "nothing follows the end"),
            other => panic!("chunk {other:?} is no part of a picture"),
        }
        at += 12 + length;
    }
}

fn only_picture_in_webp(bytes: &[u8]) {
    assert_eq!(u32::from_le_bytes(four(bytes, 4)) as usize + 8, bytes.len());
    let mut at = 12;
    while at < bytes.len() {
        let length = u32::from_le_bytes(four(bytes, at + 4)) as usize;
        match &four(bytes, at) {
            b"VP8X" => assert_eq!(length, 10),
            b"VP8 " | b"VP8L" | b"ALPH" | b"ICCP" => {}
            b"EXIF" => assert_eq!(length, ORIENTATION_BYTES),
            other => panic!("chunk {other:?} is no part of a picture"),
        }
        at += 8 + length + length % 2;
    }
    assert_eq!(at, bytes.len(), "nothing follows the end");
}

fn four(bytes: &[u8], at: usize) -> [u8; 4] {
    bytes[at..at + 4].try_into().expect("four bytes")
}
