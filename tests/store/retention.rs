//! Consent texts of registrations, and deletion of expired data.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jornada_domain::staff::account::PasswordLink;
use jornada_domain::staff::{Account, EmailAddress};
use jornada_store::{BufferedPhotoKey, InsertOutcome, UnresolvedPhotos, UpdateOutcome};
use uuid::Uuid;

use crate::corrections::delete;
use crate::fixture::{StoreFixture, registration};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

pub async fn a_consent_text_is_stored_once_and_named_by_registrations(fixture: &StoreFixture) {
    let version = fixture.campaign.consent_version().unwrap();
    assert_eq!(fixture.store.consent(&version).await.unwrap(), None);
    for _ in 0..2 {
        fixture
            .store
            .insert_consent(&fixture.campaign)
            .await
            .unwrap();
    }
    let words = fixture.store.consent(&version).await.unwrap();
    assert_eq!(words, fixture.campaign.consent);
    let one = registration(&fixture.campaign, "1001", "Cali", 0);
    fixture.insert(&one).await;
    // The text changes later.
    let mut later = (*fixture.campaign).clone();
    later.consent.as_mut().unwrap().es.push('!');
    let later = Arc::new(later);
    fixture.store.insert_consent(&later).await.unwrap();
    let record = fixture
        .store
        .history(&later, one.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.consent.as_ref(), Some(&version));
    assert_eq!(fixture.store.consent(&version).await.unwrap(), words);
}

pub async fn a_photo_is_erased_and_its_registration_remains(fixture: &StoreFixture) {
    let one = registration(&fixture.campaign, "1001", "Cali", 0);
    let photo = one.photo.clone().unwrap();
    let attempt = |received_at| BufferedPhotoKey {
        id: one.id,
        sha256: photo.sha256,
        received_at,
    };
    let is_known_as = async |attempt| {
        let known = fixture.store.is_photo_referenced(attempt);
        known.await.unwrap()
    };
    let is_known = async || is_known_as(attempt(one.received_at)).await;
    assert!(!is_known().await);
    fixture.insert(&one).await;
    assert!(is_known().await);
    let later = one.received_at + SignedDuration::from_millis(1);
    assert!(!is_known_as(attempt(later)).await, "of a retry");
    let erased = async || {
        fixture
            .store
            .mark_photo_erased(&fixture.campaign.id, one.id, NOW)
            .await
    };
    assert!(erased().await.unwrap());
    assert!(!erased().await.unwrap(), "it has none");

    let read = fixture.history(one.id).await;
    let record = read.unwrap();
    assert_eq!(record.registration.photo, None);
    assert_eq!(record.registration.answers, one.answers);
    let mark = record.erased.clone().unwrap();
    assert_eq!(
        (mark.at, mark.pending_deletion.as_ref()),
        (NOW, Some(&photo))
    );
    assert!(is_known().await, "until it is deleted");
    assert_eq!(fixture.list(None).await.len(), 1);
    assert_eq!(
        fixture.insert(&one).await,
        InsertOutcome::SameAgain(one.received_at)
    );

    assert_eq!(fixture.store.count_pending_deletions().await.unwrap(), 1);
    let early = NOW - SignedDuration::from_secs(1);
    assert_eq!(fixture.store.pending_deletions(early, 9).await.unwrap(), []);
    let noted = fixture.store.pending_deletions(NOW, 9).await.unwrap();
    assert_eq!((noted[0].id, &noted[0].photo), (one.id, &photo));
    assert_eq!(
        (&noted[0].campaign, noted[0].deleted_at),
        (&fixture.campaign.id, NOW)
    );
    fixture.store.mark_deleted(one.id).await.unwrap();
    assert_eq!(fixture.store.count_pending_deletions().await.unwrap(), 0);
    assert!(!is_known().await);
    let read = fixture.history(one.id).await;
    let mark = read.unwrap().erased.unwrap();
    assert_eq!((mark.at, mark.pending_deletion), (NOW, None));
}

pub async fn a_pending_deletion_outlives_its_registration(fixture: &StoreFixture) {
    let one = registration(&fixture.campaign, "1001", "Cali", 0);
    fixture.insert(&one).await;
    let erased = fixture
        .store
        .mark_photo_erased(&fixture.campaign.id, one.id, NOW)
        .await;
    assert!(erased.unwrap());
    let read = fixture.history(one.id).await;
    let read = read.unwrap();
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);
    let noted = fixture
        .store
        .pending_deletions(Timestamp::MAX, 9)
        .await
        .unwrap();
    assert_eq!(noted.len(), 1);
    assert_eq!(Some(&noted[0].photo), one.photo.as_ref());
    fixture.store.mark_deleted(one.id).await.unwrap();
    assert_eq!(fixture.store.count_pending_deletions().await.unwrap(), 0);
}

pub async fn deleted_registrations_are_listed_page_by_page(fixture: &StoreFixture) {
    assert_eq!(
        fixture.store.erased_registrations(None, 9).await.unwrap(),
        []
    );
    let mut ids = Vec::new();
    for key in ["1001", "1002", "1003", "1004"] {
        let one = registration(&fixture.campaign, key, "Cali", 0);
        fixture.insert(&one).await;
        if key != "1004" {
            let read = fixture.history(one.id).await;
            let read = read.unwrap();
            assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);
            ids.push(one.id);
        }
    }
    ids.sort_unstable();
    let mut listed = Vec::new();
    loop {
        let page = fixture
            .store
            .erased_registrations(listed.last().copied(), 2)
            .await;
        let page = page.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        assert!(
            page.iter()
                .all(|erased| erased.campaign == fixture.campaign.id)
        );
        listed.extend(page.iter().map(|erased| erased.id));
    }
    assert_eq!(listed, ids);
}

pub async fn expired_links_and_counts_are_deleted(fixture: &StoreFixture) {
    for (mail, hours) in [("vieja@example.org", -1), ("nueva@example.org", 1)] {
        let mut account = Account::new(Uuid::new_v4(), EmailAddress::parse(mail).unwrap(), NOW);
        account.password_link = Some(PasswordLink {
            hash: [u8::try_from(hours + 2).unwrap(); 32],
            expires_at: NOW + SignedDuration::from_hours(hours),
        });
        assert!(fixture.store.add_account(&account).await.unwrap());
    }
    assert_eq!(fixture.store.delete_expired_links(NOW).await.unwrap(), 1);
    assert_eq!(fixture.store.delete_expired_links(NOW).await.unwrap(), 0);
    let linked: Vec<_> = fixture.store.accounts().await.unwrap();
    let linked = linked
        .iter()
        .filter(|account| account.password_link.is_some());
    assert_eq!(linked.count(), 1);

    let campaign = &fixture.campaign.id;
    let day = |text: &str| text.parse::<jiff::civil::Date>().unwrap();
    let counts = [("missing".to_owned(), 2)].into();
    for at in ["2026-11-01", "2026-11-02"] {
        let added = fixture.store.add_rejections(campaign, day(at), &counts);
        added.await.unwrap();
    }
    let swept = fixture
        .store
        .delete_expired_rejections(campaign, day("2026-11-02"))
        .await;
    assert_eq!(swept.unwrap(), 1);
    let left = fixture.store.rejections(campaign, day("2026-01-01")).await;
    assert_eq!(left.unwrap(), counts);
}

pub async fn ranges_of_unresolved_photos_are_replaced_and_expire(fixture: &StoreFixture) {
    let store = &fixture.store;
    let range = |run, high, seconds| UnresolvedPhotos {
        run: [run; 12],
        low: high - 256,
        high,
        seen_at: NOW + SignedDuration::from_secs(seconds),
    };
    for written in [range(1, 256, 0), range(2, 256, 1), range(1, 384, 2)] {
        for _ in 0..2 {
            store.set_unresolved_photos(&written).await.unwrap();
        }
    }
    let latest_first = [range(1, 384, 2), range(2, 256, 1)];
    assert_eq!(store.unresolved_photos().await.unwrap(), latest_first);
    for deleted in [1, 0] {
        let before = NOW + SignedDuration::from_secs(2);
        let expired = store.delete_expired_unresolved_photos(before).await;
        assert_eq!(expired.unwrap(), deleted);
    }
    assert_eq!(store.unresolved_photos().await.unwrap(), latest_first[..1]);
    for _ in 0..2 {
        store.remove_unresolved_photos([1; 12]).await.unwrap();
    }
    assert_eq!(store.unresolved_photos().await.unwrap(), []);
}
