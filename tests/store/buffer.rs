//! Photo buffer, and the lease under which one process empties it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jornada_domain::RegistrationId;
use jornada_domain::registration::PhotoRef;
use jornada_photo::PhotoFormat;
use jornada_store::{BufferedPhoto, BufferedPhotoKey, Lease, PhotoBufferSize};
use sha2::{Digest, Sha256};

use crate::fixture::StoreFixture;

const LEASE: &str = "test";

/// A photo of `size` bytes for a registration of its own.
fn photo(fixture: &StoreFixture, number: u8, size: usize) -> BufferedPhoto {
    let bytes = Bytes::from(vec![number; size]);
    BufferedPhoto {
        campaign: fixture.campaign.id.clone(),
        id: RegistrationId::from_bytes([number; 16]),
        received_at: Timestamp::UNIX_EPOCH,
        photo: PhotoRef {
            sha256: Sha256::digest(&bytes).into(),
            format: PhotoFormat::Webp,
            bytes: size as u64,
        },
        bytes,
    }
}

pub async fn a_photo_is_buffered_once_and_read_back_unchanged(fixture: &StoreFixture) {
    // The maximum size.
    let buffered = photo(fixture, 1, 8 << 20);
    let other = BufferedPhotoKey {
        sha256: [9; 32],
        ..buffered.key()
    };
    for _ in 0..2 {
        fixture.store.buffer_photo(&buffered).await.unwrap();
    }
    let known = fixture.store.buffered_photo(buffered.key()).await.unwrap();
    assert_eq!(known, Some(buffered.bytes.clone()));
    assert_eq!(fixture.store.buffered_photo(other).await.unwrap(), None);
    let all = PhotoBufferSize {
        photos: 1,
        bytes: 8 << 20,
    };
    assert_eq!(fixture.store.buffer_totals().await.unwrap(), all);
    let listed = fixture.store.buffered_photos(None, 4).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&buffered));
    assert!(
        !format!("{buffered:?}").contains("1, 1"),
        "bytes are personal data"
    );
}

pub async fn one_of_many_concurrent_removals_returns_true(fixture: &StoreFixture) {
    let buffered = photo(fixture, 1, 1000);
    fixture.store.buffer_photo(&buffered).await.unwrap();
    let removing = (0..8).map(|_| {
        let (store, key) = (fixture.store.clone(), buffered.key());
        tokio::spawn(async move { store.remove_buffered_photo(key).await.unwrap() })
    });
    let mut found = 0;
    for removed in removing.collect::<Vec<_>>() {
        found += usize::from(removed.await.unwrap());
    }
    assert_eq!(found, 1);
    assert_eq!(
        fixture.store.buffer_totals().await.unwrap(),
        PhotoBufferSize::default()
    );
}

pub async fn all_attempts_of_a_registration_are_removed(fixture: &StoreFixture) {
    let at = |ms| Timestamp::from_millisecond(ms).unwrap();
    for number in 1..=3 {
        for received_at in [at(0), at(1), at(1_800_000_000_123)] {
            let buffered = BufferedPhoto {
                received_at,
                ..photo(fixture, number, 100)
            };
            fixture.store.buffer_photo(&buffered).await.unwrap();
        }
    }
    let id = RegistrationId::from_bytes([2; 16]);
    fixture.store.remove_buffered_photos(id).await.unwrap();
    let left = fixture.store.buffered_photos(None, 20).await.unwrap();
    let mut left: Vec<_> = left.iter().map(BufferedPhoto::key).collect();
    left.sort();
    let others: Vec<_> = left.iter().map(|key| key.id.as_bytes()[0]).collect();
    assert_eq!(others, [1, 1, 1, 3, 3, 3]);
    let times: Vec<_> = left[..3].iter().map(|key| key.received_at).collect();
    assert_eq!(times, [at(0), at(1), at(1_800_000_000_123)]);
}

pub async fn buffered_photos_are_listed_page_by_page(fixture: &StoreFixture) {
    let mut all = Vec::new();
    for number in 0..10 {
        // The same registration was attempted with two photos.
        for size in [100, 101] {
            let buffered = photo(fixture, number, size);
            fixture.store.buffer_photo(&buffered).await.unwrap();
            all.push(buffered);
        }
    }
    all.sort_by_key(BufferedPhoto::key);
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.store.buffered_photos(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(last.key());
        listed.extend(page);
    }
    assert_eq!(listed, all);
}

pub async fn a_lease_is_exclusive_until_it_expires_or_is_released(fixture: &StoreFixture) {
    let holder = |length| Lease::new(&fixture.store, LEASE, length);
    let hour = Duration::from_hours(1);
    let (one, two, brief) = (
        holder(hour),
        holder(hour),
        holder(Duration::from_millis(50)),
    );
    let take = async |lease: &Lease| lease.acquire().await.unwrap();
    assert!(take(&one).await);
    assert!(take(&one).await, "it can be renewed");
    assert!(!take(&two).await);
    two.release().await.unwrap();
    assert!(!take(&two).await, "only its holder can release it");
    one.release().await.unwrap();
    assert!(take(&brief).await);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(take(&one).await, "the other lease has expired");
}

pub async fn one_of_many_concurrent_acquisitions_gets_the_lease(fixture: &StoreFixture) {
    let taking = (0..16).map(|_| {
        let lease = Lease::new(&fixture.store, LEASE, Duration::from_hours(1));
        tokio::spawn(async move { lease.acquire().await })
    });
    let mut held = 0;
    for taken in taking.collect::<Vec<_>>() {
        held += usize::from(taken.await.unwrap().unwrap());
    }
    assert_eq!(held, 1);
}
