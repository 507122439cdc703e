//! Staff accounts, sessions and tokens.

use jiff::{SignedDuration, Timestamp};
use jornada::domain::staff::{
    Account, ApiToken, Mail, Reach, Role, Scope, Scopes, SecondFactor, Session,
};
use uuid::Uuid;

use crate::bed::Bed;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn account(mail: &str) -> Account {
    Account::new(Uuid::new_v4(), Mail::parse(mail).unwrap(), at(0))
}

pub async fn an_address_has_one_account(bed: &Bed) {
    let adding = (0..8).map(|_| {
        let (store, one) = (bed.store.clone(), account("ana@example.org"));
        tokio::spawn(async move { store.add_account(&one).await.unwrap() })
    });
    let mut added = 0;
    for answer in adding.collect::<Vec<_>>() {
        added += usize::from(answer.await.unwrap());
    }
    assert_eq!(added, 1);
    assert_eq!(bed.store.accounts().await.unwrap().len(), 1);
    let other = account("beto@example.org");
    assert!(
        bed.store.add_account(&other).await.unwrap(),
        "accounts without a link do not collide"
    );
}

pub async fn an_account_is_read_back_unchanged(bed: &Bed) {
    let mut whole = account("ana@example.org");
    bed.store.add_account(&whole).await.unwrap();
    whole.assign(
        Role::Clerk,
        Reach::of(vec!["Bogotá".into(), "Cúcuta".into()]),
    );
    whole.set_password("$argon2id$v=19$".into());
    whole.invite([7; 32], at(1));
    whole.second = Some(SecondFactor {
        sealed: vec![1, 2, 3],
        used_step: 59_000_000,
    });
    assert!(bed.store.replace_account(&whole).await.unwrap());
    whole.version += 1;
    let again = bed.reopen().await;
    let found = again.account(whole.id).await.unwrap().unwrap();
    assert!(found == whole, "{found:?}");
    whole.close(at(5));
    whole.second = None;
    whole.password = None;
    assert!(again.replace_account(&whole).await.unwrap());
    whole.version += 1;
    let found = bed.store.account(whole.id).await.unwrap().unwrap();
    assert!(found == whole, "removed fields are gone: {found:?}");
}

pub async fn one_of_many_concurrent_changes_wins(bed: &Bed) {
    let first = account("ana@example.org");
    bed.store.add_account(&first).await.unwrap();
    let changing = (0..8).map(|number| {
        let (store, mut changed) = (bed.store.clone(), first.clone());
        changed.invite([number; 32], at(0));
        tokio::spawn(async move { store.replace_account(&changed).await.unwrap() })
    });
    let mut taken = 0;
    for answer in changing.collect::<Vec<_>>() {
        taken += usize::from(answer.await.unwrap());
    }
    assert_eq!(taken, 1);
    let found = bed.store.account(first.id).await.unwrap().unwrap();
    assert_eq!(found.version, 1);
    let unknown = account("nadie@example.org");
    assert!(!bed.store.replace_account(&unknown).await.unwrap());
}

pub async fn accounts_are_found_by_id_address_and_link(bed: &Bed) {
    let mut ana = account("ana@example.org");
    ana.invite([9; 32], at(0));
    bed.store.add_account(&ana).await.unwrap();
    let beto = account("Beto@Example.org");
    bed.store.add_account(&beto).await.unwrap();
    let id = |found: Option<Account>| found.map(|account| account.id);
    let mail = Mail::parse("beto@example.ORG").unwrap();
    assert_eq!(
        id(bed.store.account_of(&mail).await.unwrap()),
        Some(beto.id)
    );
    let by_link = async |hash| id(bed.store.account_by_link(&hash).await.unwrap());
    assert_eq!(by_link([9; 32]).await, Some(ana.id));
    assert_eq!(by_link([8; 32]).await, None);
    let nobody = Uuid::new_v4();
    assert_eq!(id(bed.store.account(nobody).await.unwrap()), None);
    let listed = bed.store.accounts().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|account| account.mail.as_str()).collect();
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

pub async fn a_removed_session_does_not_come_back(bed: &Bed) {
    let (ana, beto) = (Uuid::new_v4(), Uuid::new_v4());
    let one = session(ana, 1, 1);
    bed.store.add_session(&one).await.unwrap();
    let other = bed.reopen().await;
    assert_eq!(other.session(&[1; 32]).await.unwrap(), Some(one));
    other.note_session(&[1; 32], at(90)).await.unwrap();
    other.note_session(&[1; 32], at(60)).await.unwrap();
    let noted = bed.store.session(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(noted.seen_at, at(90), "an earlier time has no effect");
    assert!(!other.remove_session(beto, &[1; 32]).await.unwrap());
    assert!(other.remove_session(ana, &[1; 32]).await.unwrap());
    bed.store.note_session(&[1; 32], at(100)).await.unwrap();
    assert_eq!(bed.store.session(&[1; 32]).await.unwrap(), None);
}

pub async fn sessions_are_listed_and_deleted_when_expired(bed: &Bed) {
    let (ana, beto) = (Uuid::new_v4(), Uuid::new_v4());
    for (who, number, seen) in [(ana, 1, 10), (ana, 2, 20), (beto, 3, 5)] {
        let one = session(who, number, seen);
        bed.store.add_session(&one).await.unwrap();
    }
    let of = async |who| {
        let found = bed.store.sessions_of(who).await.unwrap();
        found.iter().map(|one| one.hash[0]).collect::<Vec<_>>()
    };
    assert_eq!(of(ana).await, [2, 1]);
    let before = at(10) + SignedDuration::from_secs(1);
    assert_eq!(bed.store.sweep_sessions(before).await.unwrap(), 2);
    assert_eq!((of(ana).await, of(beto).await), (vec![2], vec![]));
}

pub async fn tokens_are_found_by_hash_and_revoked_once(bed: &Bed) {
    let mut token = ApiToken {
        hash: [1; 32],
        name: "oficina".into(),
        scopes: Scopes::of(&[Scope::Chart]),
        reach: Reach::of(vec!["Cali".into()]),
        created_at: at(0),
        expires_at: Some(at(100)),
        revoked_at: None,
    };
    bed.store.add_token(&token).await.unwrap();
    bed.store.add_token(&token).await.unwrap();
    let second = bed.reopen().await;
    assert_eq!(second.token(&[1; 32]).await.unwrap().as_ref(), Some(&token));
    assert_eq!(second.token(&[2; 32]).await.unwrap(), None);
    assert!(second.revoke_token(&[1; 32], at(7)).await.unwrap());
    assert!(!second.revoke_token(&[1; 32], at(8)).await.unwrap());
    assert!(!second.revoke_token(&[2; 32], at(8)).await.unwrap());
    token.revoked_at = Some(at(7));
    assert_eq!(bed.store.tokens().await.unwrap(), [token]);
}
