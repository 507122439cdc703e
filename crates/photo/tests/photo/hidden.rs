//! Nothing but the picture is stored: a marked value at each place of each format where decoders do not look.

use image::ImageFormat;

use crate::cleaning::{assert_cleans_to, clean, contains, decode};
use crate::samples::{self, SECRET, chunk, insert, segment};

#[test]
fn nothing_hides_behind_the_blocks_of_a_jpeg() {
    for (_, jpeg) in samples::all() {
        if !jpeg.starts_with(b"\xFF\xD8") {
            continue;
        }
        for place in samples::jpeg_offsets(&jpeg).into_iter().skip(3) {
            // After a scan the bytes belong to its data.
            assert_cleans_to(insert(&jpeg, place, SECRET), &jpeg);
        }
    }
    let jpeg = include_bytes!("data/restart.jpg");
    let is_restart = |at: &usize| jpeg[*at] == 0xFF && matches!(jpeg[*at + 1], 0xD0..=0xD7);
    let marks: Vec<_> = (600..jpeg.len() - 1).filter(is_restart).collect();
    assert!(marks.len() > 2);
    for mark in marks {
        let marked = insert(jpeg, mark, SECRET);
        assert_eq!(clean(marked).bytes, jpeg[..]);
    }
}

#[test]
fn nothing_hides_in_tables_that_are_not_used() {
    let quantization = |number: u8| [&[number][..], &SECRET.repeat(11)[..64]].concat();
    let huffman = |number: u8| [&[number, 0, 6][..], &[0; 14], SECRET].concat();
    for (_, jpeg) in samples::all() {
        if !jpeg.starts_with(b"\xFF\xD8") {
            continue;
        }
        let places = samples::jpeg_offsets(&jpeg);
        for place in &places {
            let unused = [
                segment(0xDB, &quantization(3)),
                segment(0xDB, &[quantization(3), quantization(2)].concat()),
                segment(0xC4, &huffman(0x13)),
                segment(0xC4, &[huffman(3), huffman(0x12)].concat()),
            ];
            for piece in unused {
                assert_cleans_to(insert(&jpeg, *place, &piece), &jpeg);
            }
        }
        // Replaced before it is used, or in one segment with a used one.
        for marker in [0xDB, 0xC4] {
            let at = *places.iter().find(|at| jpeg[**at + 1] == marker).unwrap();
            let other = if marker == 0xDB {
                quantization(jpeg[at + 4] & 3)
            } else {
                huffman(jpeg[at + 4])
            };
            assert_cleans_to(insert(&jpeg, at, &segment(marker, &other)), &jpeg);
            let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            let both = [&other, &jpeg[at + 4..at + 2 + length]].concat();
            let joined = [
                &jpeg[..at],
                &segment(marker, &both),
                &jpeg[at + 2 + length..],
            ]
            .concat();
            assert_cleans_to(joined, &jpeg);
        }
    }
}

#[test]
fn a_profile_keeps_its_colours_alone() {
    let profile = samples::secret_profile();
    let jpeg = samples::encode(ImageFormat::Jpeg);
    let parts = |pieces: &[&[u8]], count: u8| {
        let pieces = (1_u8..).zip(pieces);
        let segments = pieces.map(|(number, piece)| {
            segment(
                0xE2,
                &[b"ICC_PROFILE\0", &[number, count][..], piece].concat(),
            )
        });
        insert(&jpeg, 20, &segments.collect::<Vec<_>>().concat())
    };
    let one = clean(parts(&[&profile], 1)).bytes;
    assert!(contains(&one, b"acsp") && contains(&one, b"rTRC") && !contains(&one, SECRET));
    assert!(!contains(&one, b"desc") && !contains(&one, b"cprt"));
    // The three curves are equal and share their place.
    assert_eq!(one.len(), jpeg.len() + 18 + 128 + 4 + 7 * 12 + 4 * 20 + 16);
    let two = parts(&[&profile[..200], &profile[200..]], 2);
    assert_eq!(clean(two).bytes, one);
    for broken in [
        parts(&[&profile], 2),
        parts(&[SECRET], 1),
        parts(&[&profile, &profile], 1),
        parts(&[&profile[..300]], 1),
        parts(&[&profile[..140]], 1),
    ] {
        assert_eq!(clean(broken).bytes, jpeg);
    }

    let plain = samples::encode(ImageFormat::Png);
    let content = [b"SECRET\0\0", &samples::zlib(&profile)[..], SECRET].concat();
    let photo = clean(insert(&plain, 33, &chunk(b"iCCP", &content)));
    assert!(contains(&photo.bytes, b"rTRC") && !contains(&photo.bytes, SECRET));
    assert_eq!(decode(&photo.bytes), decode(&plain));

    let header = samples::riff_chunk(b"VP8X", &[0x20, 0, 0, 0, 22, 0, 0, 16, 0, 0]);
    let image = &samples::encode(ImageFormat::WebP)[12..];
    let chunks = [&header, &samples::riff_chunk(b"ICCP", &profile), image].concat();
    let photo = clean(samples::riff(&chunks));
    assert!(contains(&photo.bytes, b"rTRC") && !contains(&photo.bytes, SECRET));
    assert_eq!(photo.bytes[20], 0x20);
}

#[test]
fn nothing_hides_behind_the_pixels_of_a_png() {
    let rows = samples::png_rows();
    let plain = samples::png(0, &[], &samples::zlib(&rows));
    let behind_stream = [&samples::zlib(&rows), SECRET].concat();
    assert_eq!(clean(samples::png(0, &[], &behind_stream)).bytes, plain);
    let more_rows = samples::zlib(&[&rows, SECRET].concat());
    assert_cleans_to(samples::png(0, &[], &more_rows), &plain);
    let (stream, at) = samples::png_stream(&plain);
    for pieces in [
        &[&stream[..], SECRET][..],
        &[&stream[..9], &stream[9..], SECRET, SECRET],
        &[
            b"",
            &stream[..stream.len() - 2],
            &stream[stream.len() - 2..],
            SECRET,
        ],
    ] {
        let chunks = pieces
            .iter()
            .map(|piece| chunk(b"IDAT", piece))
            .collect::<Vec<_>>();
        let text = chunk(b"tEXt", SECRET);
        let marked = [
            &plain[..at],
            &chunks.concat(),
            &text,
            &chunk(b"IDAT", SECRET),
            &chunk(b"IEND", SECRET),
        ];
        assert_cleans_to(marked.concat(), &plain);
    }
}

#[test]
fn nothing_hides_in_palettes() {
    let rows = samples::zlib(&samples::png_rows());
    let plain = samples::png(0, &[], &rows);
    let palette = chunk(b"PLTE", SECRET);
    assert_cleans_to(
        samples::png(0, std::slice::from_ref(&palette), &rows),
        &plain,
    );
    let rgb = samples::encode(ImageFormat::Png);
    assert_cleans_to(insert(&rgb, 33, &palette), &rgb);
    // Two bits name four entries; the fifth and sixth cannot be shown.
    let mut header = vec![0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 0, 0, 0];
    let entries = [&[9; 12], SECRET].concat();
    let mut png = |entries: &[u8]| {
        header[12] = 0;
        let chunks = [
            chunk(b"IHDR", &header),
            chunk(b"PLTE", entries),
            chunk(b"IDAT", &samples::zlib(&[0, 0x1B])),
            chunk(b"IEND", b""),
        ];
        [&b"\x89PNG\r\n\x1A\n"[..], &chunks.concat()].concat()
    };
    assert_eq!(clean(png(&entries)).bytes, png(&entries[..12]));
}

#[test]
fn nothing_hides_in_the_transparency_of_a_webp() {
    let alpha = |data: &[u8], image: &[u8]| {
        let header = samples::riff_chunk(b"VP8X", &[0x10, 0, 0, 0, 22, 0, 0, 16, 0, 0]);
        samples::riff(&[&header, &samples::riff_chunk(b"ALPH", data), image].concat())
    };
    let lossless = samples::encode(ImageFormat::WebP);
    let photo = clean(alpha(&SECRET.repeat(100), &lossless[12..]));
    assert!(!contains(&photo.bytes, b"ALPH"));
    let lossy = include_bytes!("data/lossy.webp");
    let size = lossy
        .windows(3)
        .position(|window| window == [0x9D, 0x01, 0x2A])
        .unwrap()
        + 3;
    let [width, height] =
        [0, 2].map(|at| u16::from_le_bytes([lossy[size + at], lossy[size + at + 1]]));
    let raw = vec![0; 1 + usize::from(width) * usize::from(height)];
    let header = [
        &[0x10, 0, 0, 0][..],
        &[(width - 1).to_le_bytes()[0], 0, 0],
        &[(height - 1).to_le_bytes()[0], 0, 0],
    ];
    let with_alpha = |data: &[u8]| {
        let chunks = [
            &samples::riff_chunk(b"VP8X", &header.concat()),
            &samples::riff_chunk(b"ALPH", data),
            &lossy[12..],
        ];
        samples::riff(&chunks.concat())
    };
    assert_eq!(
        clean(with_alpha(&[&raw[..], SECRET].concat())).bytes,
        with_alpha(&raw)
    );
}
