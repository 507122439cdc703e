//! Malicious and damaged files: no panic, and every accepted photo is valid.

use bytes::Bytes;
use jornada_photo::inspect::inspect;
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::samples;

/// Checks what holds for any bytes.
fn check_invariants(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let bytes = Bytes::from(bytes);
    let Ok(photo) = inspect(bytes.clone()) else {
        return Ok(());
    };
    prop_assert!(photo.bytes.len() <= 2 * bytes.len() + 100);
    prop_assert!(photo.width >= 1 && photo.height >= 1);
    prop_assert!(u64::from(photo.width) * u64::from(photo.height) <= 66_000_000);
    let again = inspect(photo.bytes.clone());
    prop_assert_eq!(again, Ok(photo));
    Ok(())
}

/// Returns samples with metadata, so that removal is tested too.
fn samples_with_metadata() -> Vec<Vec<u8>> {
    let exif = samples::exif(6, true);
    let mut marked = vec![samples::extended_webp(&[
        (b"EXIF", &exif),
        (b"XMP ", b"odd"),
    ])];
    for (_, bytes) in samples::all() {
        let (place, piece) = match bytes[0] {
            0xFF => (2, samples::exif_segment(6, true)),
            0x89 => (33, samples::chunk(b"eXIf", &exif)),
            _ => (bytes.len(), samples::SECRET.to_vec()),
        };
        marked.push(samples::insert(&bytes, place, &piece));
    }
    marked
}

/// Returns the first bytes of each format, so that the rest is parsed at all.
fn format_prefixes() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        Just(&b""[..]),
        Just(&b"\xFF\xD8\xFF"[..]),
        Just(&b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR"[..]),
        Just(&b"RIFF\x40\0\0\0WEBPVP8X\x0A\0\0\0"[..]),
        Just(&b"RIFF\x40\0\0\0WEBPVP8 "[..]),
        Just(&b"RIFF\x40\0\0\0WEBPVP8L"[..]),
        Just(&b"\0\0\0\x18ftyp"[..]),
        Just(&b"<?xml"[..]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes(begin in format_prefixes(), rest in vec(any::<u8>(), 0..400)) {
        check_invariants([begin, &rest].concat())?;
    }

    #[test]
    fn flipped_bits(which: Index, flips in vec((any::<Index>(), 0..8_u8), 1..6)) {
        let marked = samples_with_metadata();
        let mut bytes = which.get(&marked).clone();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        check_invariants(bytes)?;
    }

    #[test]
    fn pieces_cut_moved_and_doubled(
        which: Index,
        other: Index,
        [a, b, c, d]: [Index; 4],
    ) {
        let marked = samples_with_metadata();
        let (one, two) = (which.get(&marked), other.get(&marked));
        let bytes = [
            &one[..a.index(one.len())],
            &two[b.index(two.len())..],
            &one[c.index(one.len())..],
            &two[..d.index(two.len())],
        ];
        check_invariants(bytes.concat())?;
    }
}

#[test]
fn a_file_of_millions_of_tiny_pieces_is_read_in_one_pass() {
    let jpeg = samples::encode(image::ImageFormat::Jpeg);
    let comments = samples::segment(0xFE, b"").repeat(2_000_000);
    let photo = inspect([&jpeg[..2], &comments, &jpeg[2..]].concat().into()).unwrap();
    assert_eq!(photo.bytes, jpeg);
}
