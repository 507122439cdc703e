//! Cost of inspecting a photo: a phone's JPEG with EXIF (copied once), one without metadata (not copied), and SHA-256
//! alone; the rest is reading the coded data. Then the cost of encrypting a photo with its checksum, as for every
//! registration, and of decrypting it.

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image::{RgbImage, codecs::jpeg::JpegEncoder};
use jiff::Timestamp;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_objects::ObjectKey;
use jornada_objects::encryption::{Encryptor, KeyEncryptionKey, MasterKey};
use jornada_photo::PhotoFormat;
use jornada_photo::inspect::inspect;
use sha2::{Digest, Sha256};

/// Returns a noisy square JPEG with sides of `side` pixels.
fn jpeg(side: u32) -> Vec<u8> {
    let mut noise = 1_u32;
    let picture = RgbImage::from_fn(side, side, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, _, _, n] = noise.to_le_bytes();
        let [x, y] = [x, y].map(|at| at.to_le_bytes()[0]);
        image::Rgb([x / 2 + n / 4, y / 2 + n / 4, n / 2])
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 80)
        .encode_image(&picture)
        .expect("a picture in memory is encoded");
    bytes
}

/// Inserts 16 KiB of EXIF after the start marker, as phones do for a thumbnail.
fn with_exif(jpeg: &[u8]) -> Vec<u8> {
    let mut exif =
        b"\xFF\xE1\x40\x00Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
            .to_vec();
    exif.resize(2 + 0x4000, 7);
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

fn photos(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("photo");
    for side in [320, 1_010] {
        let plain = jpeg(side);
        let kib = plain.len() / 1024;
        group.throughput(Throughput::Bytes(plain.len() as u64));
        for (name, bytes) in [("exif", with_exif(&plain)), ("plain", plain.clone())] {
            let bytes = Bytes::from(bytes);
            group.bench_function(BenchmarkId::new(name, kib), |bencher| {
                bencher.iter(|| inspect(bytes.clone()));
            });
        }
        group.bench_function(BenchmarkId::new("sha256", kib), |bencher| {
            bencher.iter(|| Sha256::digest(&plain));
        });
    }
    group.finish();
}

fn photo_key(photo: &[u8]) -> ObjectKey {
    ObjectKey::Photo {
        campaign: CampaignId::parse("vacunacion").expect("a name"),
        id: RegistrationId::from_bytes([1; 16]),
        sha256: Sha256::digest(photo).into(),
        received_at: Timestamp::UNIX_EPOCH,
        format: PhotoFormat::Jpeg,
    }
}

fn encryption(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let master = MasterKey::new(&[1; 32]);
    let encryptor = Encryptor::new(KeyEncryptionKey::generate(master.id()).expect("randomness"));
    let mut group = criterion.benchmark_group("seal");
    for size in [50_000, 250_000] {
        let photo = Bytes::from(vec![7; size]);
        let key = photo_key(&photo);
        group.throughput(Throughput::Bytes(size as u64));
        let encrypted = || {
            let encrypted = runtime.block_on(encryptor.encrypt(&key, photo.clone()));
            encrypted.expect("randomness")
        };
        group.bench_function(BenchmarkId::new("seal", size), |bencher| {
            bencher.iter(|| crc32fast::hash(encrypted().bytes()));
        });
        let encrypted = encrypted();
        group.bench_function(BenchmarkId::new("open", size), |bencher| {
            bencher.iter(|| runtime.block_on(encryptor.decrypt(&key, encrypted.bytes().clone())));
        });
    }
    group.finish();
}

criterion_group!(benches, photos, encryption);
criterion_main!(benches);
