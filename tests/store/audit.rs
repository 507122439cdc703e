//! Audit log: one chain for all writers, and no change of it goes unnoticed.

use jiff::{SignedDuration, Timestamp};
use jornada::config::{Env, ServeConfig};
use jornada_domain::CampaignId;
use jornada_domain::staff::audit::{
    AuditAction, AuditEvent, AuditRecord, ChainEntry, ChainHead, SystemActor,
};
use jornada_service::staff::AuditLog;
use jornada_service::staff::audit::verify::{ChainFault, ChainReport};
use jornada_store::StoreSetting;
use jornada_store::audit::{AuditFilter, StoredEntry};
use mongodb::bson::{Document, doc};

use crate::fixture::StoreFixture;

/// The audit log of an installation with this secret.
fn audit_log(secret: &str) -> AuditLog {
    let env = Env::from_pairs(&[
        ("JORNADA_SECRET", secret.repeat(32).as_str()),
        ("JORNADA_STORE", "mongodb://db/jornada"),
        ("JORNADA_PHOTO_KEY", "a1".repeat(32).as_str()),
    ]);
    AuditLog::new(&ServeConfig::from_env(&env).unwrap().secret)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn note(number: i64) -> AuditRecord {
    let campaign = CampaignId::parse("vacunacion").unwrap();
    let deed = AuditEvent::new(AuditAction::ViewRegistration).with_campaign(&campaign);
    let deed = deed
        .with_subject(format!("registration:{number}"))
        .with_detail("number", number);
    AuditRecord {
        client_ip: Some([192, 0, 2, 1].into()),
        request_id: Some(format!("request-{number}")),
        ..AuditRecord::from_system(SystemActor::System, deed, at(number))
    }
}

/// Appends `count` entries by one writer.
async fn fill(fixture: &StoreFixture, count: i64) -> AuditLog {
    let audit = audit_log("a");
    for number in 1..=count {
        audit.write(&fixture.store, note(number)).await.unwrap();
    }
    audit
}

async fn verify(fixture: &StoreFixture, noted: Option<ChainHead>) -> ChainReport {
    audit_log("a").verify(&fixture.store, noted).await.unwrap()
}

fn entries(found: Vec<StoredEntry>) -> Vec<ChainEntry> {
    let entry = |found| match found {
        StoredEntry::Entry(entry) => *entry,
        StoredEntry::Unreadable(seq) => panic!("entry {seq} cannot be read"),
    };
    found.into_iter().map(entry).collect()
}

pub async fn many_writers_make_one_unbroken_chain(fixture: &StoreFixture) {
    let mut writers = Vec::new();
    for _ in 0..4 {
        let (store, audit) = (fixture.reopen().await, std::sync::Arc::new(audit_log("a")));
        for task in 0..3 {
            let (store, audit) = (store.clone(), audit.clone());
            writers.push(tokio::spawn(async move {
                for number in 0..5 {
                    let written = audit.write(&store, note(task * 5 + number)).await;
                    written.unwrap();
                }
            }));
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let verdict = verify(fixture, None).await;
    assert_eq!((verdict.entries, verdict.head.seq), (60, 60));
    assert_eq!(verdict.faults, []);
    let mut numbers = entries(fixture.store.audit_after(0, 100).await.unwrap())
        .into_iter()
        .map(|entry| entry.record.event.detail["number"].clone())
        .collect::<Vec<_>>();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 15, "four entries of each number");
}

pub async fn a_writer_that_dies_midway_does_no_harm(fixture: &StoreFixture) {
    let audit = std::sync::Arc::new(audit_log("a"));
    for number in 0..30 {
        let (store, audit) = (fixture.store.clone(), audit.clone());
        let dying = tokio::spawn(async move { audit.write(&store, note(number)).await });
        let micros = u64::try_from(number).unwrap() * 150;
        tokio::time::sleep(std::time::Duration::from_micros(micros)).await;
        dying.abort();
        dying.await.ok();
    }
    let last = audit.write(&fixture.store, note(99)).await.unwrap();
    let other = audit_log("a")
        .write(&fixture.reopen().await, note(100))
        .await;
    assert_eq!(other.unwrap().seq, last.seq + 1);
    let verdict = verify(fixture, Some(last.head())).await;
    assert_eq!((verdict.entries, verdict.faults), (last.seq + 1, vec![]));
}

pub async fn a_sequence_number_has_one_entry(fixture: &StoreFixture) {
    let first = fill(fixture, 2).await;
    assert_eq!(fixture.store.audit_head().await.unwrap().seq, 2);
    let stored = entries(fixture.store.audit_after(0, 10).await.unwrap());
    let mut other = stored[1].clone();
    other.record.actor = "account:other".into();
    assert!(!fixture.reopen().await.append_audit(&other).await.unwrap());
    assert!(!fixture.store.append_audit(&stored[0]).await.unwrap());
    // The head that the first process knows is stale now.
    audit_log("a")
        .write(&fixture.reopen().await, note(3))
        .await
        .unwrap();
    assert_eq!(first.write(&fixture.store, note(4)).await.unwrap().seq, 4);
    let stored = entries(fixture.store.audit_after(0, 10).await.unwrap());
    assert_eq!(stored[0].previous_hash, [0; 32]);
    for (number, entry) in (1..).zip(&stored) {
        assert_eq!(entry.record, note(number), "read back unchanged");
    }
    assert_eq!(verify(fixture, None).await.faults, []);
}

pub async fn entries_are_filtered_and_paged_newest_first(fixture: &StoreFixture) {
    let audit = fill(fixture, 9).await;
    let mut other = note(10);
    other.actor = "token:oficina".into();
    other.event = AuditEvent::new(AuditAction::Report).with_subject("registration:3".into());
    audit.write(&fixture.store, other).await.unwrap();
    let page = async |filter: &AuditFilter, before, most| {
        let found = fixture
            .store
            .audit_before(filter, before, most)
            .await
            .unwrap();
        found.iter().map(StoredEntry::seq).collect::<Vec<_>>()
    };
    let all = AuditFilter::default();
    assert_eq!(page(&all, None, 4).await, [10, 9, 8, 7]);
    audit.write(&fixture.store, note(11)).await.unwrap();
    assert_eq!(
        page(&all, Some(7), 4).await,
        [6, 5, 4, 3],
        "new entries do not shift a page"
    );
    assert_eq!(page(&all, Some(1), 4).await, [0; 0]);
    let with = |change: fn(&mut AuditFilter)| {
        let mut filter = AuditFilter::default();
        change(&mut filter);
        filter
    };
    let who = with(|filter| filter.actor = Some("token:oficina".into()));
    assert_eq!(page(&who, None, 9).await, [10]);
    let action = with(|filter| filter.action = Some(AuditAction::ViewRegistration));
    assert_eq!(page(&action, Some(4), 9).await, [3, 2, 1]);
    let campaign = with(|filter| filter.campaign = CampaignId::parse("vacunacion"));
    assert_eq!(page(&campaign, None, 2).await, [11, 9]);
    let subject = with(|filter| filter.subject = Some("registration:3".into()));
    assert_eq!(page(&subject, None, 9).await, [10, 3]);
    let days = with(|filter| (filter.from, filter.until) = (Some(at(3)), Some(at(5))));
    assert_eq!(page(&days, None, 9).await, [4, 3]);
    let both = with(|filter| {
        filter.subject = Some("registration:3".into());
        filter.until = Some(at(3) + SignedDuration::from_millis(1));
    });
    assert_eq!(page(&both, None, 9).await, [3]);
}

/// Changes the log without the program.
async fn tamper(fixture: &StoreFixture, sql: &str, updates: &[(Document, Option<Document>)]) {
    if let StoreSetting::Sqlite(path) = &fixture.setting {
        let file = rusqlite::Connection::open(path).unwrap();
        let free = "DROP TRIGGER IF EXISTS audit_is_not_changed; DROP TRIGGER IF EXISTS audit_is_not_removed;";
        file.execute_batch(free).unwrap();
        file.execute_batch(sql).unwrap();
        return;
    }
    let record = fixture.database().await.collection::<Document>("audit");
    for (found, replaced) in updates {
        match replaced {
            Some(update) if update.contains_key("$set") => record
                .update_one(found.clone(), update.clone())
                .await
                .map(drop),
            Some(document) => record.insert_one(document).await.map(drop),
            None => record.delete_many(found.clone()).await.map(drop),
        }
        .unwrap();
    }
}

fn entry_of(seq: i64) -> Document {
    doc! { "_id": seq }
}

fn set(changed: Document) -> Document {
    doc! { "$set": changed }
}

pub async fn a_changed_entry_is_found(fixture: &StoreFixture) {
    fill(fixture, 5).await;
    let sql = "UPDATE audit SET who = 'account:another' WHERE seq = 3";
    let update = set(doc! { "who": "account:another" });
    tamper(fixture, sql, &[(entry_of(3), Some(update))]).await;
    assert_eq!(verify(fixture, None).await.faults, [ChainFault::Changed(3)]);
    let sql = "UPDATE audit SET action = 'nothing' WHERE seq = 4";
    let update = set(doc! { "action": "nothing" });
    tamper(fixture, sql, &[(entry_of(4), Some(update))]).await;
    let verdict = verify(fixture, None).await;
    assert_eq!(
        verdict.faults,
        [ChainFault::Changed(3), ChainFault::Unreadable(4)]
    );
    assert_eq!((verdict.entries, verdict.head.seq), (5, 5));
}

pub async fn a_removed_entry_is_found_and_a_truncated_end_with_an_earlier_head(
    fixture: &StoreFixture,
) {
    let noted = fill(fixture, 6).await;
    let head = fixture.store.audit_head().await.unwrap();
    tamper(
        fixture,
        "DELETE FROM audit WHERE seq = 3",
        &[(entry_of(3), None)],
    )
    .await;
    assert_eq!(
        verify(fixture, Some(head)).await.faults,
        [ChainFault::Missing(3, 3)]
    );
    let sql = "DELETE FROM audit WHERE seq > 4";
    tamper(fixture, sql, &[(doc! { "_id": { "$gt": 4 } }, None)]).await;
    let unseen = verify(fixture, None).await;
    assert_eq!(
        unseen.faults,
        [ChainFault::Missing(3, 3)],
        "a truncated end alone is not detected"
    );
    let faults = verify(fixture, Some(head)).await.faults;
    assert_eq!(
        faults,
        [ChainFault::Missing(3, 3), ChainFault::Truncated(head)]
    );
    // A running process still knows the earlier head.
    noted.write(&fixture.store, note(7)).await.unwrap();
    let faults = verify(fixture, None).await.faults;
    assert_eq!(
        faults,
        [ChainFault::Missing(3, 3), ChainFault::Missing(5, 6)]
    );
}

pub async fn moved_and_inserted_entries_are_found(fixture: &StoreFixture) {
    fill(fixture, 5).await;
    let stored = entries(fixture.store.audit_after(0, 10).await.unwrap());
    let sql = "UPDATE audit SET seq = -seq WHERE seq IN (2, 4); UPDATE audit SET seq = 6 + seq WHERE seq < 0";
    let swapped = |place: usize| {
        let bytes = |bytes: [u8; 32]| mongodb::bson::Binary {
            subtype: mongodb::bson::spec::BinarySubtype::Generic,
            bytes: bytes.to_vec(),
        };
        let entry = &stored[place];
        set(doc! {
            "at": mongodb::bson::DateTime::from_millis(entry.record.at.as_millisecond()),
            "request_id": entry.record.request_id.clone().unwrap(),
            "subjects": &entry.record.event.subjects,
            "detail": { "number": &entry.record.event.detail["number"] },
            "before": bytes(entry.previous_hash),
            "hash": bytes(entry.hash),
        })
    };
    let updates = [
        (entry_of(2), Some(swapped(3))),
        (entry_of(4), Some(swapped(1))),
    ];
    tamper(fixture, sql, &updates).await;
    let faults = verify(fixture, None).await.faults;
    assert_eq!(
        faults[..2],
        [ChainFault::Changed(2), ChainFault::Unlinked(3)]
    );
    assert!(faults.contains(&ChainFault::Changed(4)), "{faults:?}");
    // A forger without the key appends an entry.
    let forged = audit_log("b").write(&fixture.store, note(6)).await.unwrap();
    let faults = verify(fixture, None).await.faults;
    assert!(
        faults.contains(&ChainFault::Changed(forged.seq)),
        "{faults:?}"
    );
}

pub async fn a_rewritten_chain_does_not_match_an_earlier_head(fixture: &StoreFixture) {
    fill(fixture, 3).await;
    let head = fixture.store.audit_head().await.unwrap();
    assert_eq!(verify(fixture, Some(head)).await.faults, []);
    tamper(fixture, "DELETE FROM audit", &[(doc! {}, None)]).await;
    // Even by somebody with the key.
    for number in [1, 5, 3] {
        audit_log("a")
            .write(&fixture.store, note(number))
            .await
            .unwrap();
    }
    assert_eq!(verify(fixture, None).await.faults, []);
    assert_eq!(
        verify(fixture, Some(head)).await.faults,
        [ChainFault::Replaced(head)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_at_the_prompt_changes_nothing_in_sqlite() {
    let fixture = StoreFixture::sqlite().await;
    fill(&fixture, 2).await;
    let StoreSetting::Sqlite(path) = &fixture.setting else {
        panic!("this is no SQLite");
    };
    let file = rusqlite::Connection::open(path).unwrap();
    for sql in ["DELETE FROM audit", "UPDATE audit SET who = 'x'"] {
        assert!(file.execute_batch(sql).is_err(), "{sql}");
    }
    assert_eq!(verify(&fixture, None).await.entries, 2);
}

/// Makes the store reject every entry.
async fn refuse(fixture: &StoreFixture) {
    if let StoreSetting::Sqlite(path) = &fixture.setting {
        let file = rusqlite::Connection::open(path).unwrap();
        let refuse =
            "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END";
        return file.execute_batch(refuse).unwrap();
    }
    let never = doc! { "collMod": "audit", "validator": { "who": "nobody at all" } };
    fixture.database().await.run_command(never).await.unwrap();
}

pub async fn a_rejected_entry_is_an_error(fixture: &StoreFixture) {
    let audit = fill(fixture, 1).await;
    refuse(fixture).await;
    let refused = audit.write(&fixture.store, note(2)).await.unwrap_err();
    let text = format!("{refused:?}");
    assert!(text.contains("Failed"), "{text}");
    assert!(!text.contains("registration:2"), "{text}");
    assert_eq!(fixture.store.audit_head().await.unwrap().seq, 1);
}
