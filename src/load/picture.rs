//! Generates different, valid baseline JPEGs as fast as filling a buffer. The Huffman tables are chosen so that one
//! byte of the scan is one grey block of 8 × 8 pixels.

use bytes::{BufMut, Bytes, BytesMut};

/// Blocks per row: 1,600 pixels.
const ACROSS: usize = 200;
/// Bytes before and after the scan.
const FRAME: usize = 158;

/// Sizes in bytes that inspection accepts: from one row of blocks to nearly 45 megapixels.
pub const SIZES: std::ops::RangeInclusive<usize> = (FRAME + ACROSS)..=700_000;

/// Returns a JPEG, different for each seed. Its size is `bytes` within [`SIZES`], rounded down to whole rows of blocks.
pub fn jpeg(seed: u64, bytes: usize) -> Bytes {
    let bytes = bytes.clamp(*SIZES.start(), *SIZES.end());
    let down = (bytes - FRAME) / ACROSS;
    let mut file = BytesMut::with_capacity(FRAME + down * ACROSS);
    put_header(&mut file, down);
    put_blocks(&mut file, down * ACROSS, seed);
    file.put_slice(b"\xFF\xD9");
    file.freeze()
}

/// Writes everything before the scan data (ITU-T T.81, annex B).
fn put_header(file: &mut BytesMut, down: usize) {
    file.put_slice(b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    file.put_slice(b"\xFF\xDB\0\x43\0");
    file.put_bytes(16, 64);
    file.put_slice(b"\xFF\xC0\0\x0B\x08");
    for side in [down, ACROSS] {
        file.put_u16(u16::try_from(side * 8).unwrap_or(u16::MAX));
    }
    file.put_slice(b"\x01\x01\x11\0");
    // Both codes are one bit: the DC code announces a difference of six bits, the AC code is end of block.
    for (table, symbol) in [(0x00, 6), (0x10, 0)] {
        file.put_slice(b"\xFF\xC4\0\x14");
        file.put_u8(table);
        file.put_u8(1);
        file.put_bytes(0, 15);
        file.put_u8(symbol);
    }
    file.put_slice(b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0");
}

/// Writes blocks, each lighter by a random step than a dark one before it, or darker than a light one.
fn put_blocks(file: &mut BytesMut, blocks: usize, seed: u64) {
    let mut random = seed;
    let mut grey = 0i32;
    for block in 0..blocks {
        if block % 12 == 0 {
            random = next(random);
        }
        let step = ((random >> (5 * (block % 12))) & 31) as u8;
        let (difference, bits) = if grey <= 0 {
            (32 + i32::from(step), 32 + step)
        } else {
            (i32::from(step) - 63, step)
        };
        grey += difference;
        // Code, six bits, code: at most 0x7E, so that no byte is a marker (0xFF).
        file.put_u8(bits << 1);
    }
}

/// Returns the next number of xorshift64 (Marsaglia, 2003); accepts any seed.
fn next(random: u64) -> u64 {
    let mut x = random | 1 << 63;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_photo::inspect::inspect;

    #[test]
    fn inspection_takes_it_and_keeps_every_byte() {
        for bytes in [1, 1_000, 50_000, *SIZES.end()] {
            let picture = jpeg(7, bytes);
            let clean = inspect(picture.clone()).unwrap();
            assert_eq!(clean.bytes, picture);
            assert_eq!(clean.width, 1_600);
            assert!(picture.len() + ACROSS > bytes);
        }
    }

    #[test]
    fn a_decoder_sees_every_block() {
        let picture = image::load_from_memory(&jpeg(7, 50_000))
            .unwrap()
            .to_luma8();
        assert_eq!(picture.dimensions(), (1_600, 1_992));
        // The last two blocks differ: the decoder did not pad the picture.
        assert_ne!(
            picture.get_pixel(1_599, 1_991),
            picture.get_pixel(1_591, 1_991)
        );
    }

    #[test]
    fn each_seed_has_its_own() {
        let mut seen: Vec<_> = (0..1_000).map(|seed| jpeg(seed, 1_000)).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 1_000);
    }
}
