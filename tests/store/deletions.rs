//! Deletions: no personal data remains, and no retry brings it back.

use std::time::Duration;

use jornada_domain::RegistrationSelection;
use jornada_domain::history::DeletionCause;
use jornada_store::StoreSetting;
use jornada_store::{DeletedRegistration, InsertOutcome, UpdateOutcome};

use crate::corrections::{correct, delete, insert, record, revision, try_insert};
use crate::fixture::{self, StoreFixture, deletion, named, registration};

pub async fn a_deleted_registration_does_not_come_back(fixture: &StoreFixture) {
    let first = insert(fixture, "1001", "Bogotá").await;
    assert_eq!(
        correct(fixture, &first, &[("documento", "1002")]).await,
        UpdateOutcome::Updated
    );
    assert_eq!(delete(fixture, &first).await, UpdateOutcome::Stale);
    let read = record(fixture, &first.registration).await;
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Stale);
    assert_eq!(
        correct(fixture, &read, &[("nombre", "Ana")]).await,
        UpdateOutcome::Stale
    );

    let id = read.registration.id;
    for _ in 0..2 {
        assert_eq!(
            try_insert(fixture, &first.registration).await,
            InsertOutcome::Deleted
        );
    }
    let other = named(&fixture.campaign, "1002", "Otra Persona", "Cali", 9);
    assert_eq!(
        try_insert(fixture, &other).await,
        InsertOutcome::AliasTaken,
        "aliases remain reserved"
    );
    assert_eq!(
        fixture
            .store
            .registration(&fixture.campaign, id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(fixture.history(id).await, None);
    assert_eq!(fixture.store.receipt(id.receipt()).await.unwrap(), None);
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 0);
    assert_eq!(fixture.list(None).await, []);
    let snapshot = fixture.snapshot().await;
    assert!(snapshot.totals.is_empty());
    assert_eq!(revision(fixture).await, 2);
    let known = fixture
        .store
        .deletion(&fixture.campaign.id, id)
        .await
        .unwrap();
    assert_eq!(known, Some(deletion(&read)));
    let carnival = fixture::campaign("carnaval");
    assert_eq!(
        fixture.store.deletion(&carnival.id, id).await.unwrap(),
        None
    );
}

pub async fn no_personal_data_remains(fixture: &StoreFixture) {
    let first = named(
        &fixture.campaign,
        "778899",
        "Zenobia Inventada",
        "Bogotá",
        0,
    );
    fixture.insert(&first).await;
    let read = record(fixture, &first).await;
    assert_eq!(
        correct(fixture, &read, &[("nombre", "Zenobia Corregida")]).await,
        UpdateOutcome::Updated
    );
    let marks: [&[u8]; 3] = [b"Zenobia", b"778899", &first.digest];
    let before = everything(fixture).await;
    assert!(marks.iter().all(|mark| holds(&before, mark)));
    let read = record(fixture, &first).await;
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);
    let left = everything(fixture).await;
    assert!(!marks.iter().any(|mark| holds(&left, mark)));
}

pub async fn a_false_entry_frees_its_number_but_not_its_content(fixture: &StoreFixture) {
    let first = insert(fixture, "1001", "Bogotá").await;
    let corrected = correct(fixture, &first, &[("documento", "1002")]).await;
    assert_eq!(corrected, UpdateOutcome::Updated);
    let read = record(fixture, &first.registration).await;
    let deletion = deletion(&read).with_cause(DeletionCause::FalseEntry);
    let deleted = fixture.store.delete(&fixture.campaign, &read, &deletion);
    assert_eq!(deleted.await.unwrap(), UpdateOutcome::Updated);
    let late = try_insert(fixture, &first.registration).await;
    assert_eq!(late, InsertOutcome::Deleted, "the same content");
    let other = named(&fixture.campaign, "1001", "Otra Persona", "Cali", 9);
    assert_eq!(try_insert(fixture, &other).await, InsertOutcome::Vacated);
    let other = named(&fixture.campaign, "1002", "Otra Persona", "Cali", 9);
    assert_eq!(try_insert(fixture, &other).await, InsertOutcome::Inserted);
    let id = first.registration.id;
    let lifted = fixture.store.deletion(&fixture.campaign.id, id).await;
    assert_eq!(lifted.unwrap(), Some(deletion));
}

pub async fn a_lifted_deletion_frees_number_and_aliases(fixture: &StoreFixture) {
    let first = insert(fixture, "1001", "Bogotá").await;
    let (id, campaign) = (first.registration.id, &fixture.campaign.id);
    assert!(!fixture.store.lift_deletion(campaign, id).await.unwrap());
    let corrected = correct(fixture, &first, &[("documento", "1002")]).await;
    assert_eq!(corrected, UpdateOutcome::Updated);
    let read = record(fixture, &first.registration).await;
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);
    let alias = named(&fixture.campaign, "1002", "Otra Persona", "Cali", 9);
    assert_eq!(try_insert(fixture, &alias).await, InsertOutcome::AliasTaken);
    let carnival = fixture::campaign("carnaval");
    let lifted = fixture.store.lift_deletion(&carnival.id, id).await;
    assert!(!lifted.unwrap(), "of another campaign");
    for _ in 0..2 {
        assert!(fixture.store.lift_deletion(campaign, id).await.unwrap());
    }
    let again = try_insert(fixture, &first.registration).await;
    assert_eq!(again, InsertOutcome::Vacated);
    assert_eq!(try_insert(fixture, &alias).await, InsertOutcome::Inserted);
    let expected = deletion(&read).with_cause(DeletionCause::Lifted);
    let lifted = fixture.store.deletion(campaign, id).await.unwrap();
    assert_eq!(lifted, Some(expected));
    let found = fixture.store.deleted_registration(id.receipt()).await;
    let expected = DeletedRegistration {
        campaign: campaign.clone(),
        id,
        cause: DeletionCause::Lifted,
    };
    assert_eq!(found.unwrap(), Some(expected));
}

pub fn holds(all: &[u8], mark: &[u8]) -> bool {
    all.windows(mark.len()).any(|window| window == mark)
}

/// Returns all that the store holds, as raw bytes.
pub async fn everything(fixture: &StoreFixture) -> Vec<u8> {
    if let StoreSetting::Sqlite(path) = &fixture.setting {
        let file = rusqlite::Connection::open(path).unwrap();
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        // Until no reader uses the old pages.
        while file
            .query_row(checkpoint, (), |row| row.get::<_, u8>(0))
            .unwrap()
            != 0
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        return std::fs::read(path).unwrap();
    }
    let database = fixture.database().await;
    let mut all = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        let collection = database.collection::<mongodb::bson::RawDocumentBuf>(&name);
        let mut found = collection.find(mongodb::bson::doc! {}).await.unwrap();
        while found.advance().await.unwrap() {
            all.extend_from_slice(found.current().as_bytes());
        }
    }
    all
}

pub async fn a_photo_is_pending_until_it_is_deleted(fixture: &StoreFixture) {
    let mut all = Vec::new();
    for (number, key) in ["1001", "1002", "1003"].into_iter().enumerate() {
        let read = insert(fixture, key, "Bogotá").await;
        let mut deletion = deletion(&read);
        deletion.at += Duration::from_secs(number as u64);
        let deleted = fixture
            .store
            .delete(&fixture.campaign, &read, &deletion)
            .await;
        assert_eq!(deleted.unwrap(), UpdateOutcome::Updated);
        all.push((read.registration, deletion.at));
    }
    let mut plain = registration(&fixture.campaign, "1004", "Bogotá", 0);
    plain.photo = None;
    fixture.insert(&plain).await;
    let read = record(fixture, &plain).await;
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);

    assert_eq!(fixture.store.count_pending_deletions().await.unwrap(), 3);
    let late = fixture.store.pending_deletions(all[2].1, 2).await.unwrap();
    let ids: Vec<_> = late.iter().map(|unremoved| unremoved.id).collect();
    assert_eq!(
        ids,
        [all[0].0.id, all[1].0.id],
        "oldest first, up to the limit"
    );
    assert_eq!(
        fixture
            .store
            .pending_deletions(all[0].1, 9)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(Some(&late[0].photo), all[0].0.photo.as_ref());
    assert_eq!(
        (&late[0].campaign, late[0].deleted_at),
        (&fixture.campaign.id, all[0].1)
    );
    for _ in 0..2 {
        fixture.store.mark_deleted(all[0].0.id).await.unwrap();
        assert_eq!(fixture.store.count_pending_deletions().await.unwrap(), 2);
    }
    assert_eq!(
        try_insert(fixture, &all[0].0).await,
        InsertOutcome::Deleted,
        "the tombstone remains"
    );
}
