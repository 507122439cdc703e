//! Harmless defects, which browsers show without notice: taken, and stored without them.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::ImageFormat;

use crate::cleaning::{clean, decode};
use crate::samples::{self, chunk, insert};

/// Checks that a photo with a defect becomes `plain`.
#[track_caller]
fn assert_repaired(name: &str, defective: Vec<u8>, plain: &[u8]) {
    let photo = clean(defective);
    assert_eq!(photo.bytes, plain, "{name}");
}

#[test]
fn a_jpeg_ends_with_its_scans_whatever_follows() {
    for (name, jpeg) in samples::all() {
        if !jpeg.starts_with(b"\xFF\xD8") {
            continue;
        }
        let whole = &jpeg[..jpeg.len() - 2];
        for rest in [
            &b""[..],
            b"\xFF",
            b"\xFF\xE1\xFF\xFFcut",
            b"\xFF\xC0\0\x02",
            b"\xFF\xD8\xFF\xD8",
            b"\0\0\0\0",
            b"\x55\xFF\0\xFF\xD0\xFF\xD9",
            b"\xFF\xFF\xFF\xD9",
        ] {
            assert_repaired(name, [whole, rest].concat(), &jpeg);
        }
    }
}

#[test]
fn wrong_ancillary_chunks_of_a_png_are_left_out() {
    let plain = samples::encode(ImageFormat::Png);
    let wrong_checksum = |mut chunk: Vec<u8>| {
        *chunk.last_mut().unwrap() ^= 1;
        chunk
    };
    let colours: [(&[u8], &[u8]); 8] = [
        (b"gAMA", &[0, 0, 0xB1, 0x8F]),
        (b"cHRM", &[1; 32]),
        (b"sRGB", &[0]),
        (b"cICP", &[12, 13, 0, 1]),
        (b"mDCV", &[1; 24]),
        (b"cLLI", &[1; 8]),
        (b"tRNS", &[0, 1, 0, 2, 0, 3]),
        (
            b"iCCP",
            &[b"x\0\0", &samples::zlib(&samples::secret_profile())[..]].concat(),
        ),
    ];
    for (kind, data) in colours {
        let name = String::from_utf8_lossy(kind);
        let right = chunk(kind, data);
        for (defect, wrong) in [
            ("checksum", wrong_checksum(right.clone())),
            ("length", chunk(kind, &data[1..])),
            ("empty", chunk(kind, b"")),
            ("longer", chunk(kind, &[data, &vec![0; 70_000]].concat())),
        ] {
            // Bytes behind the stream of a profile are not part of it.
            if (&*name, defect) != ("iCCP", "longer") {
                assert_repaired(
                    &format!("{name}: {defect}"),
                    insert(&plain, 33, &wrong),
                    &plain,
                );
            }
        }
        let late = insert(&plain, plain.len() - 12, &right);
        assert_repaired(&format!("{name}: late"), late, &plain);
        let once = clean(insert(&plain, 33, &right)).bytes;
        let twice = insert(&plain, 33, &right.repeat(2));
        assert_repaired(&format!("{name}: twice"), twice, &once);
        let after_wrong = [wrong_checksum(right.clone()), right].concat();
        assert_repaired(
            &format!("{name}: again"),
            insert(&plain, 33, &after_wrong),
            &once,
        );
    }
    for (kind, data) in [
        (b"gAMA", &[0; 4][..]),
        (b"sRGB", &[4]),
        (b"cICP", &[1, 1, 5, 1]),
    ] {
        let wrong = insert(&plain, 33, &chunk(kind, data));
        assert_repaired("value", wrong, &plain);
    }
    let animation = chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    for still in [
        wrong_checksum(animation.clone()),
        chunk(b"acTL", &[0; 8]),
        chunk(b"acTL", &[1; 7]),
        chunk(b"fdAT", &[1; 7]),
    ] {
        assert_repaired("animation", insert(&plain, 33, &still), &plain);
    }
    assert_repaired(
        "late animation",
        insert(&plain, plain.len() - 12, &animation),
        &plain,
    );
    let turned = wrong_checksum(chunk(b"eXIf", &samples::exif(6, true)));
    assert_repaired("eXIf", insert(&plain, 33, &turned), &plain);
}

#[test]
fn a_png_ends_with_its_pixels() {
    for plain in [
        samples::encode(ImageFormat::Png),
        include_bytes!("data/palette.png").to_vec(),
    ] {
        let pixels = &plain[..plain.len() - 12];
        for rest in [
            &b""[..],
            b"\0\0\0\0IEND\0\0\0\0",
            b"\0\0\0\x04IENDjunkabcd",
            b"\0\0\xFF\xFFtEXtcut",
            &chunk(b"IDAT", b"more"),
            &chunk(b"QUUX", b"critical"),
        ] {
            assert_repaired("end", [pixels, rest].concat(), &plain);
        }
    }
}

#[test]
fn a_wrong_checksum_of_the_pixels_is_corrected() {
    let plain = samples::encode(ImageFormat::Png);
    let (mut stream, _) = samples::png_stream(&plain);
    *stream.last_mut().unwrap() ^= 1;
    let photo = clean(samples::with_stream(&plain, &stream));
    assert_eq!(decode(&photo.bytes), decode(&plain));
}

#[test]
fn what_is_wrong_beside_the_image_of_a_webp_is_left_out() {
    let plain = samples::extended_webp(&[]);
    let announced = |flags: u8, before: &[u8], after: &[u8]| {
        let header = samples::riff_chunk(b"VP8X", &[flags, 0, 0, 0, 22, 0, 0, 16, 0, 0]);
        samples::riff(&[&header, before, &plain[30..], after].concat())
    };
    let profile = samples::riff_chunk(b"ICCP", b"no profile");
    let alpha = samples::riff_chunk(b"ALPH", &[3; 400]);
    for (name, webp) in [
        ("profile", announced(0x20, &profile, b"")),
        ("transparency", announced(0x10, &alpha, b"")),
        (
            "EXIF cut short",
            announced(0x08, b"", b"EXIF\xFF\0\0\0II*\0"),
        ),
        (
            "announced chunks that are not there",
            announced(0x2C, b"", b""),
        ),
    ] {
        let photo = clean(webp);
        let flags = photo.bytes[20] & !0x10;
        assert_eq!((flags, &photo.bytes[30..]), (0, &plain[30..]), "{name}");
    }
    for size in [plain.len() - 7, plain.len(), 1 << 20] {
        let mut wrong = plain.clone();
        wrong[4..8].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
        assert_repaired("size", wrong, &plain);
    }
}

#[test]
fn phones_of_50_and_64_megapixels_are_taken() {
    for (width, height) in [(8160_u32, 6144_u32), (9280, 6944), (9248, 6936)] {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        let row = vec![0; 1 + width.div_ceil(8) as usize];
        for _ in 0..height {
            encoder.write_all(&row).unwrap();
        }
        let stream = encoder.finish().unwrap();
        let header = [
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[1, 0, 0, 0, 0],
        ]
        .concat();
        let signature = &b"\x89PNG\r\n\x1A\n"[..];
        let chunks = [
            chunk(b"IHDR", &header),
            chunk(b"IDAT", &stream),
            chunk(b"IEND", b""),
        ];
        let png = [signature, &chunks.concat()].concat();
        let photo = clean(png.clone());
        assert_eq!((photo.width, photo.height), (width, height));
        assert_eq!(photo.bytes, png);
    }
}
