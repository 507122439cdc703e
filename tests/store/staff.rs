//! Staff accounts, sessions and tokens.

use jiff::{SignedDuration, Timestamp};
use jornada_domain::staff::{
    Account, ApiToken, EmailAddress, PlaceScope, Role, Scope, Scopes, SecondFactor, Session,
};
use uuid::Uuid;

use crate::fixture::StoreFixture;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn account(mail: &str) -> Account {
    Account::new(Uuid::new_v4(), EmailAddress::parse(mail).unwrap(), at(0))
}

pub async fn an_address_has_one_account(fixture: &StoreFixture) {
    let adding = (0..8).map(|_| {
        let (store, one) = (fixture.store.clone(), account("ana@example.org"));
        tokio::spawn(async move { store.add_account(&one).await.unwrap() })
    });
    let mut added = 0;
    for answer in adding.collect::<Vec<_>>() {
        added += usize::from(answer.await.unwrap());
    }
    assert_eq!(added, 1);
    assert_eq!(fixture.store.accounts().await.unwrap().len(), 1);
    let other = account("beto@example.org");
    assert!(
        fixture.store.add_account(&other).await.unwrap(),
        "accounts without a link do not collide"
    );
}

pub async fn an_account_is_read_back_unchanged(fixture: &StoreFixture) {
    let mut whole = account("ana@example.org");
    fixture.store.add_account(&whole).await.unwrap();
    whole.assign_role(
        Role::Clerk,
        PlaceScope::new(vec!["Bogotá".into(), "Cúcuta".into()]),
    );
    whole.set_password("$argon2id$v=19$".into());
    whole.set_password_link([7; 32], at(1));
    whole.second_factor = Some(SecondFactor {
        encrypted_secret: vec![1, 2, 3],
        last_used_step: 59_000_000,
    });
    assert!(fixture.store.replace_account(&whole).await.unwrap());
    whole.version += 1;
    let again = fixture.reopen().await;
    let found = again.account(whole.id).await.unwrap().unwrap();
    assert!(found == whole, "{found:?}");
    whole.close(at(5));
    whole.second_factor = None;
    whole.password = None;
    assert!(again.replace_account(&whole).await.unwrap());
    whole.version += 1;
    let found = fixture.store.account(whole.id).await.unwrap().unwrap();
    assert!(found == whole, "removed fields are gone: {found:?}");
}

pub async fn one_of_many_concurrent_changes_wins(fixture: &StoreFixture) {
    let first = account("ana@example.org");
    fixture.store.add_account(&first).await.unwrap();
    let changing = (0..8).map(|number| {
        let (store, mut changed) = (fixture.store.clone(), first.clone());
        changed.set_password_link([number; 32], at(0));
        tokio::spawn(async move { store.replace_account(&changed).await.unwrap() })
    });
    let mut taken = 0;
    for answer in changing.collect::<Vec<_>>() {
        taken += usize::from(answer.await.unwrap());
    }
    assert_eq!(taken, 1);
    let found = fixture.store.account(first.id).await.unwrap().unwrap();
    assert_eq!(found.version, 1);
    let unknown = account("nadie@example.org");
    assert!(!fixture.store.replace_account(&unknown).await.unwrap());
}

pub async fn accounts_are_found_by_id_address_and_link(fixture: &StoreFixture) {
    let mut ana = account("ana@example.org");
    ana.set_password_link([9; 32], at(0));
    fixture.store.add_account(&ana).await.unwrap();
    let beto = account("Beto@Example.org");
    fixture.store.add_account(&beto).await.unwrap();
    let id = |found: Option<Account>| found.map(|account| account.id);
    let mail = EmailAddress::parse("beto@example.ORG").unwrap();
    assert_eq!(
        id(fixture.store.account_by_email(&mail).await.unwrap()),
        Some(beto.id)
    );
    let by_link = async |hash| id(fixture.store.account_by_link(&hash).await.unwrap());
    assert_eq!(by_link([9; 32]).await, Some(ana.id));
    assert_eq!(by_link([8; 32]).await, None);
    let nobody = Uuid::new_v4();
    assert_eq!(id(fixture.store.account(nobody).await.unwrap()), None);
    let listed = fixture.store.accounts().await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|account| account.email.as_str())
        .collect();
    assert_eq!(listed, ["ana@example.org", "beto@example.org"]);
}

fn session(account: Uuid, number: u8, seen: i64) -> Session {
    Session {
        hash: [number; 32],
        account,
        epoch: 3,
        created_at: at(number.into()),
        seen_at: at(seen),
    }
}

pub async fn a_removed_session_does_not_come_back(fixture: &StoreFixture) {
    let (ana, beto) = (Uuid::new_v4(), Uuid::new_v4());
    let one = session(ana, 1, 1);
    fixture.store.add_session(&one).await.unwrap();
    let other = fixture.reopen().await;
    assert_eq!(other.session(&[1; 32]).await.unwrap(), Some(one));
    other.touch_session(&[1; 32], at(90)).await.unwrap();
    other.touch_session(&[1; 32], at(60)).await.unwrap();
    let noted = fixture.store.session(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(noted.seen_at, at(90), "an earlier time has no effect");
    assert!(!other.remove_session(beto, &[1; 32]).await.unwrap());
    assert!(other.remove_session(ana, &[1; 32]).await.unwrap());
    fixture
        .store
        .touch_session(&[1; 32], at(100))
        .await
        .unwrap();
    assert_eq!(fixture.store.session(&[1; 32]).await.unwrap(), None);
}

pub async fn sessions_are_listed_and_deleted_when_expired(fixture: &StoreFixture) {
    let (ana, beto) = (Uuid::new_v4(), Uuid::new_v4());
    for (who, number, seen) in [(ana, 1, 10), (ana, 2, 20), (beto, 3, 5)] {
        let one = session(who, number, seen);
        fixture.store.add_session(&one).await.unwrap();
    }
    let of = async |who| {
        let found = fixture.store.sessions_of(who).await.unwrap();
        found.iter().map(|one| one.hash[0]).collect::<Vec<_>>()
    };
    assert_eq!(of(ana).await, [2, 1]);
    let before = at(10) + SignedDuration::from_secs(1);
    assert_eq!(
        fixture.store.delete_expired_sessions(before).await.unwrap(),
        2
    );
    assert_eq!((of(ana).await, of(beto).await), (vec![2], vec![]));
}

pub async fn tokens_are_found_by_hash_and_revoked_once(fixture: &StoreFixture) {
    let mut token = ApiToken {
        hash: [1; 32],
        name: "oficina".into(),
        scopes: Scopes::new(&[Scope::Chart]),
        place_scope: PlaceScope::new(vec!["Cali".into()]),
        created_at: at(0),
        expires_at: Some(at(100)),
        revoked_at: None,
    };
    fixture.store.add_token(&token).await.unwrap();
    fixture.store.add_token(&token).await.unwrap();
    let second = fixture.reopen().await;
    assert_eq!(second.token(&[1; 32]).await.unwrap().as_ref(), Some(&token));
    assert_eq!(second.token(&[2; 32]).await.unwrap(), None);
    assert!(second.revoke_token(&[1; 32], at(7)).await.unwrap());
    assert!(!second.revoke_token(&[1; 32], at(8)).await.unwrap());
    assert!(!second.revoke_token(&[2; 32], at(8)).await.unwrap());
    token.revoked_at = Some(at(7));
    assert_eq!(fixture.store.tokens().await.unwrap(), [token]);
}
