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

/// Returns a complete JPEG of exactly `bytes` bytes without metadata: its scan is padded.
pub fn jpeg_of_size(bytes: usize) -> Vec<u8> {
    let mut jpeg = jpeg(1);
    let end = jpeg.split_off(jpeg.len() - 2);
    // Entropy-coded data; decoders ignore what follows the last block.
    jpeg.resize(bytes - end.len(), 0x55);
    jpeg.extend(end);
    jpeg
}
