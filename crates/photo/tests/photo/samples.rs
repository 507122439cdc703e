//! Sample photos of each kind, and metadata inserted at every legal place.
//! `data/` holds what the `image` crate cannot write (progressive JPEG, lossy WebP), written by Pillow 13.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, ImageFormat, RgbImage};

/// Secret in all metadata and trailing data; a clean photo must not contain it.
pub const SECRET: &[u8] = b"SECRET";

/// Returns a complete photo of every accepted kind, without metadata.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let data: [(&str, &[u8]); 7] = [
        ("progressive JPEG", include_bytes!("data/progressive.jpg")),
        ("JPEG with restarts", include_bytes!("data/restart.jpg")),
        ("CMYK JPEG", include_bytes!("data/cmyk.jpg")),
        ("RGB JPEG", include_bytes!("data/rgb.jpg")),
        ("lossy WebP", include_bytes!("data/lossy.webp")),
        ("WebP with transparency", include_bytes!("data/alpha.webp")),
        ("PNG with palette", include_bytes!("data/palette.png")),
    ];
    let mut all = vec![
        ("baseline JPEG", encode(ImageFormat::Jpeg)),
        ("PNG", encode(ImageFormat::Png)),
        ("lossless WebP", encode(ImageFormat::WebP)),
        ("extended WebP", extended_webp(&[])),
    ];
    all.extend(data.map(|(name, bytes)| (name, bytes.to_vec())));
    all
}

/// Encodes a small image.
pub fn encode(format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(23, 17, |x, y| {
        let [x, y] = [x, y].map(|at| u8::try_from(at).unwrap());
        image::Rgb([x * 11, y * 15, x ^ y])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture)
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

/// Returns an EXIF (a TIFF structure) with an orientation, and the secret in place of a GPS directory.
pub fn exif(orientation: u8, big_endian: bool) -> Vec<u8> {
    let short = |value: u16| {
        if big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let long = |value: u32| {
        if big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut tiff = if big_endian { *b"MM" } else { *b"II" }.to_vec();
    tiff.extend([short(42).as_slice(), &long(8), &short(3)].concat());
    // Make (text at 50), orientation, GPS directory (also at 50).
    tiff.extend([short(0x010F).as_slice(), &short(2), &long(12), &long(50)].concat());
    tiff.extend([short(0x0112).as_slice(), &short(3), &long(1)].concat());
    tiff.extend([short(u16::from(orientation)), [0, 0]].concat());
    tiff.extend([short(0x8825).as_slice(), &short(4), &long(1), &long(50)].concat());
    tiff.extend(long(0));
    tiff.extend(SECRET.repeat(2));
    tiff
}

/// Returns a JPEG segment.
pub fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], contents].concat()
}

/// Returns a JPEG segment with an EXIF.
pub fn exif_segment(orientation: u8, big_endian: bool) -> Vec<u8> {
    segment(
        0xE1,
        &[b"Exif\0\0", &exif(orientation, big_endian)[..]].concat(),
    )
}

/// Inserts `piece` at `place`.
pub fn insert(bytes: &[u8], place: usize, piece: &[u8]) -> Vec<u8> {
    [&bytes[..place], piece, &bytes[place..]].concat()
}

/// Returns every JPEG segment that must be removed, with the secret in it.
pub fn secret_segments() -> Vec<Vec<u8>> {
    let mut segments = vec![
        segment(0xE0, &[b"JFXX\0\x10", SECRET].concat()),
        segment(
            0xE0,
            &[b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x02", SECRET].concat(),
        ),
        exif_segment(1, false),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()),
        segment(0xE2, &[b"MPF\0", SECRET].concat()),
        segment(0xED, &[b"Photoshop 3.0\x008BIM", SECRET].concat()),
        segment(0xFE, SECRET),
        [&[0xFF; 5], &segment(0xFE, SECRET)[..]].concat(),
    ];
    segments.extend((0xE0..=0xEF).map(|marker| segment(marker, SECRET)));
    segments
}

/// Returns the length of what stands behind the picture of a sample without metadata.
pub fn end_length(photo: &[u8]) -> usize {
    match photo[0] {
        0xFF => 2,
        0x89 => 12,
        _ => 0,
    }
}

/// Returns the offsets between the segments and scans of a JPEG, and before its end.
pub fn jpeg_offsets(jpeg: &[u8]) -> Vec<usize> {
    let mut places = vec![];
    let mut at = 2;
    while at < jpeg.len() {
        let marker = jpeg[at + 1];
        places.push(at);
        if marker == 0xD9 {
            break;
        }
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if marker == 0xDA {
            let in_scan = |pair: &[u8]| pair[0] != 0xFF || matches!(pair[1], 0 | 0xD0..=0xD7);
            at += jpeg[at..]
                .windows(2)
                .take_while(|pair| in_scan(pair))
                .count();
        }
    }
    places
}

/// Returns a PNG chunk with its checksum.
pub fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let content = [kind, data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let checksum = crc32fast::hash(&content).to_be_bytes();
    [&length[..], &content, &checksum].concat()
}

/// Returns every PNG chunk that must be removed, with the secret in it.
pub fn secret_chunks() -> Vec<Vec<u8>> {
    let mut damaged = chunk(b"tEXt", &[b"Comment\0", SECRET].concat());
    *damaged.last_mut().unwrap() ^= 1;
    vec![
        chunk(b"eXIf", &exif(1, true)),
        chunk(b"tEXt", &[b"Comment\0", SECRET].concat()),
        chunk(b"zTXt", &[b"Comment\0\0", SECRET].concat()),
        chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", SECRET].concat()),
        chunk(b"caBX", SECRET),
        chunk(b"gAMA", SECRET),
        chunk(b"prVt", SECRET),
        damaged,
    ]
}

/// Returns the offsets between the chunks of a PNG, and before its end.
pub fn png_offsets(png: &[u8]) -> Vec<usize> {
    let mut places = vec![];
    let mut at = 8;
    while at < png.len() {
        at +=
            12 + usize::try_from(u32::from_be_bytes(png[at..at + 4].try_into().unwrap())).unwrap();
        places.push(at);
    }
    places.pop();
    places
}

/// Returns a WebP chunk, padded to an even length.
pub fn riff_chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let padding = vec![0; data.len() % 2];
    [kind, &length[..], data, &padding].concat()
}

/// Returns a WebP of the given chunks.
pub fn riff(chunks: &[u8]) -> Vec<u8> {
    let size = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [b"RIFF", &size[..], b"WEBP", chunks].concat()
}

/// Returns an extended WebP (23 × 17, lossless) with `more` chunks after its image, all announced.
pub fn extended_webp(more: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let simple = encode(ImageFormat::WebP);
    let flags = more.iter().map(|(kind, _)| match *kind {
        b"EXIF" => 0x08,
        b"XMP " => 0x04,
        _ => 0,
    });
    let flags = flags.fold(0, |all, flag| all | flag);
    let header = riff_chunk(b"VP8X", &[flags, 0, 0, 0, 22, 0, 0, 16, 0, 0]);
    let more = more.iter().map(|(kind, data)| riff_chunk(*kind, data));
    riff(&[&header, &simple[12..], &more.collect::<Vec<_>>().concat()].concat())
}

/// Returns an ICC profile of sRGB, with the secret in its header, in texts, between and behind the tags.
pub fn secret_profile() -> Vec<u8> {
    let xyz = |values: [u32; 3]| {
        let values = values.map(u32::to_be_bytes).concat();
        [b"XYZ \0\0\0\0", &values[..]].concat()
    };
    let curve = [&b"para\0\0\0\0\0\0\0\0\0\x02\x66\x66"[..], SECRET].concat();
    let text = [b"text\0\0\0\0", SECRET].concat();
    let tags: [(&[u8; 4], Vec<u8>); 9] = [
        (b"desc", text.clone()),
        (b"cprt", text),
        (b"rXYZ", xyz([0x6FA2, 0x38F5, 0x390])),
        (b"gXYZ", xyz([0x6299, 0xB785, 0x18DA])),
        (b"bXYZ", xyz([0x24A0, 0xF84, 0xB6CF])),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve.clone()),
        (b"bTRC", curve),
        (b"wtpt", xyz([0xF6D6, 0x10000, 0xD32D])),
    ];
    let mut profile = vec![0; 128];
    profile[8] = 4;
    profile[12..24].copy_from_slice(b"mntrRGB XYZ ");
    profile[24..30].copy_from_slice(SECRET);
    profile[36..40].copy_from_slice(b"acsp");
    profile[80..86].copy_from_slice(SECRET);
    profile[100..106].copy_from_slice(SECRET);
    profile.extend(9_u32.to_be_bytes());
    let begin = profile.len() + 12 * tags.len();
    let mut data = Vec::new();
    for (name, value) in &tags {
        let place = [begin + data.len(), value.len()].map(|it| u32::try_from(it).unwrap());
        profile.extend([&name[..], &place.map(u32::to_be_bytes).concat()].concat());
        data.extend_from_slice(value);
    }
    profile.extend([&data[..], SECRET].concat());
    let length = u32::try_from(profile.len()).unwrap();
    profile[..4].copy_from_slice(&length.to_be_bytes());
    [&profile, SECRET].concat()
}

/// Compresses with zlib, without compression: the secret stays legible.
pub fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Returns a PNG of 23 × 17 grey pixels or palette entries, with the given chunks before its pixels and this zlib stream.
pub fn png(colour: u8, before: &[Vec<u8>], stream: &[u8]) -> Vec<u8> {
    let header = [0, 0, 0, 23, 0, 0, 0, 17, 8, colour, 0, 0, 0];
    let parts = [
        &b"\x89PNG\r\n\x1A\n"[..],
        &chunk(b"IHDR", &header),
        &before.concat(),
        &chunk(b"IDAT", stream),
        &chunk(b"IEND", b""),
    ];
    parts.concat()
}

/// Returns the rows of [`png`]: a filter and 23 bytes each.
pub fn png_rows() -> Vec<u8> {
    [
        &[0],
        &[
            1, 0, 2, 0, 1, 1, 2, 0, 3, 1, 0, 2, 0, 1, 1, 2, 0, 3, 0, 1, 2, 3, 0,
        ][..],
    ]
    .concat()
    .repeat(17)
}

/// Returns the contents of the IDAT chunks of a PNG, and the offset of the first.
pub fn png_stream(png: &[u8]) -> (Vec<u8>, usize) {
    let places = png_offsets(png);
    let is_data = |at: &&usize| png[**at + 4..].starts_with(b"IDAT");
    let chunks: Vec<_> = places.iter().filter(is_data).copied().collect();
    let data = chunks.iter().flat_map(|at| {
        let length = u32::from_be_bytes(png[*at..][..4].try_into().unwrap());
        png[at + 8..][..usize::try_from(length).unwrap()].to_vec()
    });
    (data.collect(), chunks[0])
}

/// Returns a PNG with another zlib stream, in one chunk behind which only IEND follows.
pub fn with_stream(png: &[u8], stream: &[u8]) -> Vec<u8> {
    let (_, at) = png_stream(png);
    [&png[..at], &chunk(b"IDAT", stream), &chunk(b"IEND", b"")].concat()
}
