//! Invented photos.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};

/// Returns a small JPEG, a different one for each seed.
pub fn jpeg(seed: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(64, 48, |x, y| {
        let [x, y] = [x, y].map(|at| u8::try_from(at).unwrap());
        image::Rgb([x.wrapping_mul(4) ^ seed, y.wrapping_mul(5), seed])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture)
        .write_to(&mut bytes, ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

/// Returns a complete grey JPEG of exactly `bytes` bytes, at least 2,500, without metadata. Each byte of its scan is one or
/// two coefficients; a block of 8 × 8 pixels has 33 to 64.
pub fn jpeg_of_size(bytes: usize) -> Vec<u8> {
    let scan = bytes - SIZED_FRAME;
    let columns = scan.div_ceil(64 * 8_000);
    let rows = scan.div_ceil(64 * columns);
    let blocks = rows * columns;
    let mut jpeg = sized_header(rows, columns);
    let mut excess = 64 * blocks - scan;
    for block in 0..blocks {
        let double = excess.min(31);
        excess -= double;
        // A difference of 64, up and down in turn.
        jpeg.push(if block % 2 == 0 { 0x40 } else { 0x3F });
        jpeg.extend(std::iter::repeat_n(0xA5, double));
        jpeg.extend(std::iter::repeat_n(0x55, 63 - 2 * double));
    }
    assert_eq!(excess, 0, "the photo is too small");
    jpeg.extend(b"\xFF\xD9");
    assert_eq!(jpeg.len(), bytes);
    jpeg
}

/// Bytes before and after the scan of [`jpeg_of_size`].
const SIZED_FRAME: usize = 141;

fn sized_header(rows: usize, columns: usize) -> Vec<u8> {
    let mut jpeg = b"\xFF\xD8\xFF\xDB\0\x43\0".to_vec();
    jpeg.extend([1; 64]);
    jpeg.extend(b"\xFF\xC0\0\x0B\x08");
    for blocks in [rows, columns] {
        jpeg.extend(u16::try_from(8 * blocks).unwrap().to_be_bytes());
    }
    jpeg.extend(b"\x01\x01\x11\0");
    // DC: code 0 and seven bits. AC: code 0 and seven bits; code 10, a zero before it and six bits.
    jpeg.extend(b"\xFF\xC4\0\x14\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07");
    jpeg.extend(b"\xFF\xC4\0\x15\x10\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\x16");
    jpeg.extend(b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0");
    jpeg
}
