//! Invented photos.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};

/// A small JPEG; another one for each seed.
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

/// A whole JPEG of exactly so many bytes, all of them picture: its scan is as long as needed.
pub fn jpeg_of(bytes: usize) -> Vec<u8> {
    let mut jpeg = jpeg(1);
    let end = jpeg.split_off(jpeg.len() - 2);
    // Bytes of entropy-coded data; no decoder looks at what comes after the last block.
    jpeg.resize(bytes - end.len(), 0x55);
    jpeg.extend(end);
    jpeg
}
