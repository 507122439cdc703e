//! Disputes: apart from registrations, few for each number, and without personal data once they end.

use jiff::SignedDuration;
use jornada_domain::dispute::{Dispute, DisputeEnd, DisputeState, MAX_DISPUTES};
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Registration, RegistrationId, RegistrationSelection};
use jornada_store::{BufferedPhotoKey, DisputeOutcome};

use crate::fixture::{StoreFixture, named, registration};

const SECRET: [u8; 32] = [1; 32];

fn dispute(fixture: &StoreFixture, name: &str, key: &str, millisecond: i64) -> Dispute {
    let campaign = &fixture.campaign;
    let one = named(campaign, key, name, "Pasto", millisecond);
    let number = RegistrationId::derive(&SECRET, &campaign.id, &UniqueKey::Answer(key.into()));
    let id = number.of_dispute(&SECRET, &campaign.id, &one.digest);
    Dispute {
        registration: Registration { id, ..one },
        consent: campaign.consent_version(),
        number,
        rival_value: "Cali".into(),
    }
}

async fn insert(fixture: &StoreFixture, dispute: &Dispute) -> DisputeOutcome {
    let inserted = fixture.store.insert_dispute(&fixture.campaign, dispute);
    inserted.await.unwrap()
}

async fn open(fixture: &StoreFixture, values: &[&str]) -> Vec<Dispute> {
    let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
    let open = fixture.store.open_disputes(&fixture.campaign, &values, 100);
    open.await.unwrap()
}

async fn end(fixture: &StoreFixture, dispute: &Dispute) -> bool {
    let end = DisputeEnd {
        state: DisputeState::NotKept,
        at: dispute.registration.received_at,
        by: "account:1".into(),
        reason: "comparados".into(),
    };
    let ended = fixture
        .store
        .end_dispute(&fixture.campaign.id, dispute, &end);
    ended.await.unwrap()
}

async fn is_referenced(fixture: &StoreFixture, one: &Registration) -> bool {
    let key = BufferedPhotoKey {
        id: one.id,
        sha256: one.photo.as_ref().unwrap().sha256,
        received_at: one.received_at,
    };
    fixture.store.is_photo_referenced(key).await.unwrap()
}

pub async fn a_dispute_is_kept_apart_and_read_back_unchanged(fixture: &StoreFixture) {
    let first = registration(&fixture.campaign, "1001", "Cali", 0);
    fixture.insert(&first).await;
    let one = dispute(fixture, "Otra Persona", "1001", 5);
    assert_eq!(insert(fixture, &one).await, DisputeOutcome::Inserted);
    let again = dispute(fixture, "Otra Persona", "1001", 9);
    let DisputeOutcome::SameAgain(known) = insert(fixture, &again).await else {
        panic!("inserted twice");
    };
    assert_eq!(known.received_at, one.registration.received_at);
    assert_eq!(known.state, DisputeState::Open);
    let id = one.registration.id;
    let read = fixture.store.dispute(&fixture.campaign, id).await.unwrap();
    assert_eq!(read, Some(one.clone()));
    let answers = fixture.store.dispute_answers(&fixture.campaign.id, id);
    assert_eq!(answers.await.unwrap()["nombre"], "Otra Persona");
    let found = fixture.store.dispute_receipt(id.receipt()).await.unwrap();
    assert_eq!(found, Some((fixture.campaign.id.clone(), id, known)));
    for value in [&[][..], &["Pasto"], &["Cali"], &["Bogotá", "Cali", "Pasto"]] {
        let found = open(fixture, value).await;
        assert_eq!(found, std::slice::from_ref(&one), "{value:?}");
    }
    assert_eq!(open(fixture, &["Bogotá"]).await, []);
    assert!(is_referenced(fixture, &one.registration).await);
    assert!(!is_referenced(fixture, &again.registration).await);

    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 1);
    assert_eq!(fixture.list(None).await, [first]);
    assert_eq!(fixture.store.receipt(id.receipt()).await.unwrap(), None);
    fixture.store.remove_dispute(id).await.unwrap();
    assert_eq!(open(fixture, &[]).await, []);
}

pub async fn a_number_has_few_disputes_at_once(fixture: &StoreFixture) {
    let mut inserting = tokio::task::JoinSet::new();
    for turn in 0..8 {
        let one = dispute(fixture, &format!("Persona {turn}"), "1001", turn);
        let (store, campaign) = (fixture.store.clone(), fixture.campaign.clone());
        inserting.spawn(async move { store.insert_dispute(&campaign, &one).await.unwrap() });
    }
    let outcomes = inserting.join_all().await;
    let count = |wanted: &DisputeOutcome| outcomes.iter().filter(|one| *one == wanted).count();
    let most = usize::from(MAX_DISPUTES);
    assert_eq!(count(&DisputeOutcome::Inserted), most, "{outcomes:?}");
    assert_eq!(count(&DisputeOutcome::Full), 8 - most);
    let other = dispute(fixture, "Otra Persona", "2002", 0);
    assert_eq!(insert(fixture, &other).await, DisputeOutcome::Inserted);
    let number = fixture
        .store
        .disputes_of_number(&fixture.campaign, dispute(fixture, "x", "1001", 0).number);
    let mut of_number = number.await.unwrap();
    assert_eq!(of_number.len(), most);
    assert!(end(fixture, &of_number.remove(0)).await);
    let next = dispute(fixture, "Persona Nueva", "1001", 99);
    assert_eq!(insert(fixture, &next).await, DisputeOutcome::Inserted);
    assert_eq!(open(fixture, &[]).await.len(), most + 1);
}

pub async fn a_dispute_that_ends_leaves_its_state_alone(fixture: &StoreFixture) {
    let one = dispute(fixture, "Zenobia Inventada", "778899", 0);
    insert(fixture, &one).await;
    let everything = crate::deletions::everything(fixture).await;
    assert!(crate::deletions::holds(&everything, b"Zenobia"));
    let id = one.registration.id;
    assert!(end(fixture, &one).await);
    assert!(!end(fixture, &one).await, "once");
    let read = fixture.store.dispute(&fixture.campaign, id).await.unwrap();
    assert_eq!(read, None);
    let DisputeOutcome::SameAgain(known) = insert(fixture, &one).await else {
        panic!("it came back");
    };
    assert_eq!(known.state, DisputeState::NotKept);
    let ended = fixture.store.ended_disputes(None, 9).await.unwrap();
    let campaign = fixture.campaign.id.clone();
    assert_eq!(ended, [(campaign, id, DisputeState::NotKept)]);
    assert_eq!(fixture.store.ended_disputes(Some(id), 9).await.unwrap(), []);

    let store = &fixture.store;
    assert_eq!(store.count_pending_deletions().await.unwrap(), 1);
    let pending = store.pending_deletions(one.registration.received_at, 9);
    let pending = pending.await.unwrap();
    assert_eq!((pending.len(), pending[0].id), (1, id));
    assert!(
        is_referenced(fixture, &one.registration).await,
        "until then"
    );
    store.mark_deleted(id).await.unwrap();
    assert_eq!(store.count_pending_deletions().await.unwrap(), 0);
    assert!(!is_referenced(fixture, &one.registration).await);
    let everything = crate::deletions::everything(fixture).await;
    for mark in [&b"Zenobia"[..], b"778899", &one.registration.digest] {
        assert!(!crate::deletions::holds(&everything, mark));
    }
}

pub async fn a_dispute_that_is_being_kept_does_not_end(fixture: &StoreFixture) {
    let one = dispute(fixture, "Otra Persona", "1001", 0);
    insert(fixture, &one).await;
    let (store, campaign, id) = (&fixture.store, &fixture.campaign.id, one.registration.id);
    let now = one.registration.received_at;
    for (since, may_end) in [(now, false), (now - SignedDuration::from_mins(10), true)] {
        assert!(store.begin_keeping(campaign, id, since).await.unwrap());
        assert_eq!(end(fixture, &one).await, may_end, "{since}");
    }
    assert!(!store.begin_keeping(campaign, id, now).await.unwrap());
    let other = dispute(fixture, "Una Persona", "1001", 0);
    insert(fixture, &other).await;
    let id = other.registration.id;
    assert!(store.begin_keeping(campaign, id, now).await.unwrap());
    let later = now + SignedDuration::from_secs(1);
    for (since, may_end) in [(later, false), (now, true)] {
        store.cancel_keeping(campaign, id, since).await.unwrap();
        if !may_end {
            assert!(!end(fixture, &other).await, "another attempt is cancelled");
        }
    }
    assert!(end(fixture, &other).await);
}

pub async fn the_photo_of_a_dispute_expires_before_it(fixture: &StoreFixture) {
    let one = dispute(fixture, "Otra Persona", "1001", 0);
    insert(fixture, &one).await;
    let (store, campaign, id) = (&fixture.store, &fixture.campaign, one.registration.id);
    let with_photo = store.disputes_with_photo(campaign, 9).await.unwrap();
    assert_eq!(with_photo, std::slice::from_ref(&one));
    let at = one.registration.received_at;
    for is_first in [true, false] {
        let marked = store.mark_dispute_photo_erased(&campaign.id, id, at).await;
        assert_eq!(marked.unwrap(), is_first);
    }
    assert_eq!(store.disputes_with_photo(campaign, 9).await.unwrap(), []);
    let read = store.dispute(campaign, id).await.unwrap().unwrap();
    assert_eq!(read.registration.photo, None);
    assert_eq!(store.count_pending_deletions().await.unwrap(), 1);
    store.mark_deleted(id).await.unwrap();
    assert_eq!(store.dispute(campaign, id).await.unwrap(), Some(read));
}

pub async fn an_alias_may_await_its_registration(fixture: &StoreFixture) {
    let first = registration(&fixture.campaign, "1001", "Cali", 0);
    let (store, campaign) = (&fixture.store, &fixture.campaign.id);
    let [one, other] = ["3003", "4004"].map(|key| dispute(fixture, "x", key, 0).number);
    for (owner, is_taken) in [(one, true), (one, true), (other, false)] {
        let added = store.add_alias(campaign, first.id, owner).await;
        assert_eq!(added.unwrap(), is_taken);
    }
    assert_eq!(store.alias_owner(first.id).await.unwrap(), Some(one));
    store.remove_alias(first.id, other).await.unwrap();
    assert_eq!(store.alias_owner(first.id).await.unwrap(), Some(one));
    store.remove_alias(first.id, one).await.unwrap();
    assert_eq!(store.alias_owner(first.id).await.unwrap(), None);
    fixture.insert(&first).await;
    assert!(!store.add_alias(campaign, first.id, one).await.unwrap());
}
