//! Consent texts of registrations, and deletion of expired data.

use jiff::{SignedDuration, Timestamp};
use jornada::domain::staff::{Account, Mail, account::Link};
use jornada::store::{Amended, Kept};
use uuid::Uuid;

use crate::bed::{Bed, deletion, registration};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

pub async fn a_consent_text_is_stored_once_and_named_by_registrations(bed: &Bed) {
    let version = bed.campaign.consent_version().unwrap();
    assert_eq!(bed.store.consent(&version).await.unwrap(), None);
    for _ in 0..2 {
        bed.store.keep_consent(&bed.campaign).await.unwrap();
    }
    let words = bed.store.consent(&version).await.unwrap();
    assert_eq!(words, bed.campaign.consent);
    let one = registration(&bed.campaign, "1001", "Cali", 0);
    bed.store.keep(&bed.campaign, &one).await.unwrap();
    // The text changes later.
    let mut later = (*bed.campaign).clone();
    later.consent.as_mut().unwrap().es.push('!');
    bed.store.keep_consent(&later).await.unwrap();
    let record = bed.store.record(&later, one.id).await.unwrap().unwrap();
    assert_eq!(record.consent.as_ref(), Some(&version));
    assert_eq!(bed.store.consent(&version).await.unwrap(), words);
}

pub async fn a_photo_is_erased_and_its_registration_remains(bed: &Bed) {
    let one = registration(&bed.campaign, "1001", "Cali", 0);
    let photo = one.photo.clone().unwrap();
    let is_known = async |id| bed.store.knows_photo(id, &photo.sha256).await.unwrap();
    assert!(!is_known(one.id).await);
    bed.store.keep(&bed.campaign, &one).await.unwrap();
    assert!(is_known(one.id).await);
    let erased = async || bed.store.erase_photo(&bed.campaign.id, one.id, NOW).await;
    assert!(erased().await.unwrap());
    assert!(!erased().await.unwrap(), "it has none");

    let read = bed.store.record(&bed.campaign, one.id).await.unwrap();
    let record = read.unwrap();
    assert_eq!(record.registration.photo, None);
    assert_eq!(record.registration.answers, one.answers);
    let mark = record.erased.clone().unwrap();
    assert_eq!((mark.at, mark.unremoved.as_ref()), (NOW, Some(&photo)));
    assert!(is_known(one.id).await, "until it is deleted");
    assert_eq!(bed.list(None).await.len(), 1);
    assert_eq!(
        bed.store.keep(&bed.campaign, &one).await.unwrap(),
        Kept::Retry(one.received_at)
    );

    assert_eq!(bed.store.count_unremoved().await.unwrap(), 1);
    let early = NOW - SignedDuration::from_secs(1);
    assert_eq!(bed.store.unremoved(early, 9).await.unwrap(), []);
    let noted = bed.store.unremoved(NOW, 9).await.unwrap();
    assert_eq!((noted[0].id, &noted[0].photo), (one.id, &photo));
    assert_eq!(
        (&noted[0].campaign, noted[0].deleted_at),
        (&bed.campaign.id, NOW)
    );
    bed.store.note_removed(one.id).await.unwrap();
    assert_eq!(bed.store.count_unremoved().await.unwrap(), 0);
    assert!(!is_known(one.id).await);
    let read = bed.store.record(&bed.campaign, one.id).await.unwrap();
    let mark = read.unwrap().erased.unwrap();
    assert_eq!((mark.at, mark.unremoved), (NOW, None));
}

pub async fn a_pending_deletion_outlives_its_registration(bed: &Bed) {
    let one = registration(&bed.campaign, "1001", "Cali", 0);
    bed.store.keep(&bed.campaign, &one).await.unwrap();
    let erased = bed.store.erase_photo(&bed.campaign.id, one.id, NOW).await;
    assert!(erased.unwrap());
    let read = bed.store.record(&bed.campaign, one.id).await.unwrap();
    let read = read.unwrap();
    let deletion = deletion(&read);
    let deleted = bed.store.delete(&bed.campaign, &read, &deletion).await;
    assert_eq!(deleted.unwrap(), Amended::Done);
    let noted = bed.store.unremoved(Timestamp::MAX, 9).await.unwrap();
    assert_eq!(noted.len(), 1);
    assert_eq!(Some(&noted[0].photo), one.photo.as_ref());
    bed.store.note_removed(one.id).await.unwrap();
    assert_eq!(bed.store.count_unremoved().await.unwrap(), 0);
}

pub async fn deleted_registrations_are_listed_page_by_page(bed: &Bed) {
    assert_eq!(bed.store.erased_after(None, 9).await.unwrap(), []);
    let mut ids = Vec::new();
    for key in ["1001", "1002", "1003", "1004"] {
        let one = registration(&bed.campaign, key, "Cali", 0);
        bed.store.keep(&bed.campaign, &one).await.unwrap();
        if key != "1004" {
            let read = bed.store.record(&bed.campaign, one.id).await.unwrap();
            let read = read.unwrap();
            let deletion = deletion(&read);
            let deleted = bed.store.delete(&bed.campaign, &read, &deletion).await;
            assert_eq!(deleted.unwrap(), Amended::Done);
            ids.push(one.id);
        }
    }
    ids.sort_unstable();
    let mut listed = Vec::new();
    loop {
        let page = bed.store.erased_after(listed.last().copied(), 2).await;
        let page = page.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        assert!(page.iter().all(|erased| erased.campaign == bed.campaign.id));
        listed.extend(page.iter().map(|erased| erased.id));
    }
    assert_eq!(listed, ids);
}

pub async fn expired_links_and_counts_are_deleted(bed: &Bed) {
    for (mail, hours) in [("vieja@example.org", -1), ("nueva@example.org", 1)] {
        let mut account = Account::new(Uuid::new_v4(), Mail::parse(mail).unwrap(), NOW);
        account.link = Some(Link {
            hash: [u8::try_from(hours + 2).unwrap(); 32],
            expires_at: NOW + SignedDuration::from_hours(hours),
        });
        assert!(bed.store.add_account(&account).await.unwrap());
    }
    assert_eq!(bed.store.sweep_links(NOW).await.unwrap(), 1);
    assert_eq!(bed.store.sweep_links(NOW).await.unwrap(), 0);
    let linked: Vec<_> = bed.store.accounts().await.unwrap();
    let linked = linked.iter().filter(|account| account.link.is_some());
    assert_eq!(linked.count(), 1);

    let campaign = &bed.campaign.id;
    let day = |text: &str| text.parse::<jiff::civil::Date>().unwrap();
    let counts = [("missing".to_owned(), 2)].into();
    for at in ["2026-11-01", "2026-11-02"] {
        let added = bed.store.add_refusals(campaign, day(at), &counts);
        added.await.unwrap();
    }
    let swept = bed.store.sweep_refusals(campaign, day("2026-11-02")).await;
    assert_eq!(swept.unwrap(), 1);
    let left = bed.store.refusals(campaign, day("2026-01-01")).await;
    assert_eq!(left.unwrap(), counts);
}
