//! Deletions: no personal data remains, and no retry brings it back.

use std::time::Duration;

use jornada::config::StoreSetting;
use jornada::domain::Selection;
use jornada::store::{Amended, Kept};

use crate::amend::{correct, delete, insert, record, revision, try_insert};
use crate::bed::{self, Bed, deletion, named, registration};

pub async fn a_deleted_registration_does_not_come_back(bed: &Bed) {
    let first = insert(bed, "1001", "Bogotá").await;
    assert_eq!(
        correct(bed, &first, &[("documento", "1002")]).await,
        Amended::Done
    );
    assert_eq!(delete(bed, &first).await, Amended::Stale);
    let read = record(bed, &first.registration).await;
    assert_eq!(delete(bed, &read).await, Amended::Done);
    assert_eq!(delete(bed, &read).await, Amended::Stale);
    assert_eq!(
        correct(bed, &read, &[("nombre", "Ana")]).await,
        Amended::Stale
    );

    let id = read.registration.id;
    for _ in 0..2 {
        assert_eq!(try_insert(bed, &first.registration).await, Kept::Gone);
    }
    let other = named(&bed.campaign, "1002", "Otra Persona", "Cali", 9);
    assert_eq!(
        try_insert(bed, &other).await,
        Kept::Claimed,
        "aliases remain reserved"
    );
    assert_eq!(
        bed.store.registration(&bed.campaign, id).await.unwrap(),
        None
    );
    assert_eq!(bed.store.record(&bed.campaign, id).await.unwrap(), None);
    assert_eq!(bed.store.receipt(id.receipt()).await.unwrap(), None);
    assert_eq!(
        bed.store
            .count(&bed.campaign.id, &Selection::all())
            .await
            .unwrap(),
        0
    );
    assert_eq!(bed.list(None).await, []);
    let snapshot = bed.store.snapshot(&bed.campaign.id).await.unwrap();
    assert!(snapshot.totals.is_empty());
    assert_eq!(revision(bed).await, 2);
    let known = bed.store.deletion(&bed.campaign.id, id).await.unwrap();
    assert_eq!(known, Some(deletion(&read)));
    let carnival = bed::campaign("carnaval");
    assert_eq!(bed.store.deletion(&carnival.id, id).await.unwrap(), None);
}

pub async fn no_personal_data_remains(bed: &Bed) {
    let first = named(&bed.campaign, "778899", "Zenobia Inventada", "Bogotá", 0);
    bed.store.keep(&bed.campaign, &first).await.unwrap();
    let read = record(bed, &first).await;
    assert_eq!(
        correct(bed, &read, &[("nombre", "Zenobia Corregida")]).await,
        Amended::Done
    );
    let marks: [&[u8]; 3] = [b"Zenobia", b"778899", &first.digest];
    let before = everything(bed).await;
    assert!(marks.iter().all(|mark| holds(&before, mark)));
    let read = record(bed, &first).await;
    assert_eq!(delete(bed, &read).await, Amended::Done);
    let left = everything(bed).await;
    assert!(!marks.iter().any(|mark| holds(&left, mark)));
}

fn holds(all: &[u8], mark: &[u8]) -> bool {
    all.windows(mark.len()).any(|window| window == mark)
}

/// Returns all that the store holds, as raw bytes.
async fn everything(bed: &Bed) -> Vec<u8> {
    if let StoreSetting::Sqlite(path) = &bed.setting {
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
    let database = bed.database().await;
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

pub async fn a_photo_is_pending_until_it_is_deleted(bed: &Bed) {
    let mut all = Vec::new();
    for (number, key) in ["1001", "1002", "1003"].into_iter().enumerate() {
        let read = insert(bed, key, "Bogotá").await;
        let mut deletion = deletion(&read);
        deletion.at += Duration::from_secs(number as u64);
        let deleted = bed.store.delete(&bed.campaign, &read, &deletion).await;
        assert_eq!(deleted.unwrap(), Amended::Done);
        all.push((read.registration, deletion.at));
    }
    let mut plain = registration(&bed.campaign, "1004", "Bogotá", 0);
    plain.photo = None;
    bed.store.keep(&bed.campaign, &plain).await.unwrap();
    let read = record(bed, &plain).await;
    assert_eq!(delete(bed, &read).await, Amended::Done);

    assert_eq!(bed.store.count_unremoved().await.unwrap(), 3);
    let late = bed.store.unremoved(all[2].1, 2).await.unwrap();
    let ids: Vec<_> = late.iter().map(|unremoved| unremoved.id).collect();
    assert_eq!(
        ids,
        [all[0].0.id, all[1].0.id],
        "oldest first, up to the limit"
    );
    assert_eq!(bed.store.unremoved(all[0].1, 9).await.unwrap().len(), 1);
    assert_eq!(Some(&late[0].photo), all[0].0.photo.as_ref());
    assert_eq!(
        (&late[0].campaign, late[0].deleted_at),
        (&bed.campaign.id, all[0].1)
    );
    for _ in 0..2 {
        bed.store.note_removed(all[0].0.id).await.unwrap();
        assert_eq!(bed.store.count_unremoved().await.unwrap(), 2);
    }
    assert_eq!(
        try_insert(bed, &all[0].0).await,
        Kept::Gone,
        "the tombstone remains"
    );
}
