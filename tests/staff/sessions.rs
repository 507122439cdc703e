//! Sessions end on every instance at once: tested with two instances on each kind of store.

use jiff::{SignedDuration, Timestamp};
use jornada_domain::staff::{Account, Role, Session};
use jornada_service::staff::token::Token;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::{RunningInstance, Stores};

macro_rules! on_both {
    ($($name:ident),*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() { super::$name(jornada_testkit::instance::Stores::Embedded).await; })*
        }
        mod servers {
            $(#[tokio::test]
            async fn $name() { super::$name(jornada_testkit::instance::Stores::Servers).await; })*
        }
    };
}

on_both!(
    logging_out_ends_one_session_everywhere,
    changing_the_password_and_closing_the_account_end_all_sessions_everywhere
);

async fn is_in_on_both(area: &Area, other: &RunningInstance, person: &Person) -> (bool, bool) {
    let (mut here, mut there) = (person.on_instance(&area.app), person.on_instance(other));
    (here.is_in().await, there.is_in().await)
}

async fn logging_out_ends_one_session_everywhere(stores: Stores) {
    let area = Area::start(stores).await;
    let other = area.installation.start().await;
    let desk = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    let mut phone = Person::new(&other);
    assert_eq!(
        phone.log_in("ana@example.org", PASSWORD, "").await.status,
        303
    );
    assert_eq!(is_in_on_both(&area, &other, &desk).await, (true, true));
    assert_eq!(is_in_on_both(&area, &other, &phone).await, (true, true));
    // Log out on one instance with a form from the other.
    let mut leaving = desk.on_instance(&area.app);
    leaving.get("/staff/account").await;
    let mut leaving = leaving.on_instance(&other);
    assert_eq!(leaving.post("/staff/logout", &[]).await.status, 303);
    assert_eq!(leaving.session(), None, "the cookie is gone too");
    assert_eq!(is_in_on_both(&area, &other, &desk).await, (false, false));
    assert_eq!(is_in_on_both(&area, &other, &phone).await, (true, true));
    // End a session from the list in another browser.
    let mut third = Person::new(&area.app);
    third.log_in("ana@example.org", PASSWORD, "").await;
    let page = third.get("/staff/account").await;
    let own = data_encoding::HEXLOWER.encode(&Token::from_text(third.session().unwrap()).hash());
    let listed: Vec<_> = page
        .body
        .split("name=\"session\" value=\"")
        .skip(1)
        .map(|rest| &rest[..64])
        .collect();
    assert_eq!(listed.len(), 2);
    let phones = *listed.iter().find(|hash| **hash != own).unwrap();
    third
        .post("/staff/account/sessions/end", &[("session", phones)])
        .await;
    assert_eq!(is_in_on_both(&area, &other, &phone).await, (false, false));
    assert_eq!(is_in_on_both(&area, &other, &third).await, (true, true));
}

async fn changing_the_password_and_closing_the_account_end_all_sessions_everywhere(stores: Stores) {
    let area = Area::start(stores).await;
    let other = area.installation.start().await;
    let mut ana = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    let stolen = ana.clone();
    ana.get("/staff/account").await;
    let new = "otra frase bien larga";
    let fields = [("current", PASSWORD), ("new", new), ("again", new)];
    let page = ana.post("/staff/account/password", &fields).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/staff/account?done=password")
    );
    assert_eq!(is_in_on_both(&area, &other, &stolen).await, (false, false));
    assert_eq!(
        is_in_on_both(&area, &other, &ana).await,
        (true, true),
        "whoever changed it stays"
    );
    let mut wrong = Person::new(&other);
    assert_eq!(
        wrong.log_in("ana@example.org", PASSWORD, "").await.status,
        422
    );
    assert_eq!(wrong.log_in("ana@example.org", new, "").await.status, 303);
    ana.get("/staff/account").await;
    ana.post("/staff/account/sessions/end-all", &[]).await;
    assert_eq!(is_in_on_both(&area, &other, &wrong).await, (false, false));
    let mut again = Person::new(&area.app);
    again.log_in("ana@example.org", new, "").await;
    assert_eq!(is_in_on_both(&area, &other, &again).await, (true, true));
    area.run_staff(&["close", "ana@example.org"]);
    assert_eq!(is_in_on_both(&area, &other, &again).await, (false, false));
    assert_eq!(again.log_in("ana@example.org", new, "").await.status, 422);
}

/// Logs in with a session that was created and last seen this many minutes ago.
async fn person_with_session(area: &Area, account: &Account, created: i64, seen: i64) -> Person {
    let ago = |minutes| Timestamp::now() - SignedDuration::from_mins(minutes);
    let token = Token::generate().unwrap();
    let session = Session {
        hash: token.hash(),
        account: account.id,
        epoch: account.epoch,
        created_at: ago(created),
        seen_at: ago(seen),
    };
    area.store.add_session(&session).await.unwrap();
    let mut person = Person::new(&area.app);
    let cookie = ("jornada-session".to_owned(), token.expose().to_owned());
    person.cookies.extend([cookie]);
    person
}

#[tokio::test]
async fn idle_and_old_sessions_expire() {
    let area = Area::start(Stores::Embedded).await;
    let ana = area.add_account("ana", Role::Viewer, &[]).await;
    assert!(
        !person_with_session(&area, &ana, 60, 31).await.is_in().await,
        "idle"
    );
    assert!(
        !person_with_session(&area, &ana, 721, 1).await.is_in().await,
        "too old"
    );
    let mut busy = person_with_session(&area, &ana, 700, 28).await;
    assert!(busy.is_in().await);
    let hash = Token::from_text(busy.session().unwrap()).hash();
    let noted = area.store.session(&hash).await.unwrap().unwrap();
    let idle = Timestamp::now().duration_since(noted.seen_at);
    assert!(
        idle < SignedDuration::from_mins(2),
        "it was noted that somebody is there"
    );
}

#[tokio::test]
async fn sessions_work_without_redis() {
    let mut installation = jornada_testkit::instance::Installation::new(Stores::Embedded);
    installation.set("JORNADA_CACHE", "redis://127.0.0.1:1/");
    // `Area::of` does not wait for totals, which need the cache.
    let area = Area::start_with(installation).await;
    let mut ana = Person::logged_in(&area, "ana@example.org", Role::Viewer).await;
    assert!(ana.is_in().await);
}
