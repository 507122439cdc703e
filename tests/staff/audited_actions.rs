//! Every change of one's own account, and every action of admins, writes exactly one audit entry.

use jornada::domain::staff::Role;
use jornada::domain::staff::audit::Action;

use crate::area::{Area, PASSWORD};
use crate::audit_log::assert_entry;
use crate::person::Person;
use crate::support::app::Stores;

#[tokio::test]
async fn logins_and_changes_of_the_own_account_are_audited() {
    let area = Area::start(Stores::Embedded).await;
    let first = area.entries(0).await;
    assert_eq!(first.len(), 1, "the first token");
    assert_eq!(
        (first[0].note.who.as_str(), first[0].note.deed.action),
        ("system", Action::TokenMade)
    );
    let mut seen = 1;
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["Cali"]).await;
    let account = area.account_by_email("ana@example.org").await;
    let to = [format!("account:{}", account.id)];
    let entries = area.entries(seen).await;
    seen += 2;
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (entries[0].note.who.as_str(), entries[0].note.deed.action),
        ("command-line", Action::AccountAdded)
    );
    assert_eq!(entries[0].note.deed.subjects, to);
    assert_eq!(entries[0].note.deed.detail["places"], "Cali");
    assert_eq!(entries[1].note.deed.action, Action::PasswordSet);
    assert_eq!(entries[1].note.who, to[0]);
    for (mail, subjects) in [("ana@example.org", &to[..]), ("nadie@example.org", &[])] {
        let page = ana.log_in(mail, "otra cosa muy larga", "").await;
        assert_eq!(page.status, 422);
        let note = area.next_entry(&mut seen).await.note;
        assert_eq!(
            (note.who.as_str(), note.deed.action),
            ("nobody", Action::LoginFailed)
        );
        assert_eq!(note.deed.subjects, subjects);
        assert_eq!(note.from.unwrap().to_string(), "192.0.2.1");
    }
    let page = ana.log_in("ana@example.org", PASSWORD, "").await;
    assert_entry(
        &area.next_entry(&mut seen).await,
        &page,
        Action::Login,
        &account,
        &to,
    );
    let mut step = async |path: &str, fields: &[(&str, &str)], action| {
        ana.get("/staff/account").await;
        let page = ana.post(path, fields).await;
        assert_entry(
            &area.next_entry(&mut seen).await,
            &page,
            action,
            &account,
            &to,
        );
    };
    let wrong = [
        ("current", "no es esta clave"),
        ("new", "otra clave muy larga"),
        ("again", "otra clave muy larga"),
    ];
    step("/staff/account/password", &wrong, Action::LoginFailed).await;
    let right = [
        ("current", PASSWORD),
        ("new", "otra clave muy larga"),
        ("again", "otra clave muy larga"),
    ];
    step("/staff/account/password", &right, Action::PasswordChanged).await;
    let session = "00".repeat(32);
    step(
        "/staff/account/sessions/end",
        &[("session", &session)],
        Action::SessionEnded,
    )
    .await;
    step("/staff/logout", &[], Action::Logout).await;
    ana.log_in("ana@example.org", "otra clave muy larga", "")
        .await;
    seen += 1;
    ana.get("/staff/account").await;
    let page = ana.post("/staff/account/sessions/end-all", &[]).await;
    assert_entry(
        &area.next_entry(&mut seen).await,
        &page,
        Action::SessionsEnded,
        &account,
        &to,
    );
}

#[tokio::test]
async fn rate_limited_logins_are_audited() {
    let area = Area::start(Stores::Embedded).await;
    let mut beto = Person::new(&area.app);
    while beto
        .log_in("beto@example.org", "otra cosa muy larga", "")
        .await
        .status
        != 429
    {}
    let last = area.entries(0).await.pop().unwrap();
    assert_eq!(last.note.deed.action, Action::LoginSlowed);
    assert_eq!(
        (
            last.note.who.as_str(),
            last.note.deed.detail["passed_over"].as_str()
        ),
        ("nobody", "0")
    );
}

#[tokio::test]
async fn actions_of_admins_are_audited() {
    let area = Area::start(Stores::Embedded).await;
    let mut admin = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    let account = area.account_by_email("admin@example.org").await;
    let mut seen = area.store.audit_head().await.unwrap().seq;
    admin.get("/staff/accounts").await;
    let fields = [
        ("mail", "beto@example.org"),
        ("role", "clerk"),
        ("places", "Cali\nLeticia"),
    ];
    let page = admin.post("/staff/accounts", &fields).await;
    let beto = area.account_by_email("beto@example.org").await;
    let to = [format!("account:{}", beto.id)];
    let entry = area.next_entry(&mut seen).await;
    assert_entry(&entry, &page, Action::AccountAdded, &account, &to);
    assert_eq!(entry.note.deed.detail["places"], "Cali; Leticia");
    assert_eq!(admin.post("/staff/accounts", &fields).await.status, 409);
    assert_eq!(area.entries(seen).await, [], "what is refused is no change");
    let own = format!("/staff/accounts/{}", beto.id);
    for (path, fields, action) in [
        (
            own.clone(),
            &[("role", "viewer")][..],
            Action::AccountChanged,
        ),
        (
            format!("{own}/link"),
            &[("lost_second", "true")],
            Action::AccountLink,
        ),
        (format!("{own}/sessions/end"), &[], Action::SessionsEnded),
        (format!("{own}/close"), &[], Action::AccountClosed),
    ] {
        let page = admin.post(&path, fields).await;
        assert_entry(
            &area.next_entry(&mut seen).await,
            &page,
            action,
            &account,
            &to,
        );
    }
    let to = ["token:tablero".to_owned()];
    let fields = [("name", "tablero"), ("chart", "true"), ("days", "1")];
    let page = admin.post("/staff/tokens", &fields).await;
    let entry = area.next_entry(&mut seen).await;
    assert_entry(&entry, &page, Action::TokenMade, &account, &to);
    assert_eq!(entry.note.deed.detail["scopes"], "chart");
    let page = admin.get("/staff/tokens").await;
    let (_, rest) = page.body.split_once("<th scope=\"row\">tablero").unwrap();
    let token = rest.split("name=\"token\" value=\"").nth(1).unwrap()[..64].to_owned();
    let page = admin
        .post("/staff/tokens/revoke", &[("token", &token)])
        .await;
    assert_entry(
        &area.next_entry(&mut seen).await,
        &page,
        Action::TokenRevoked,
        &account,
        &to,
    );
    area.run_staff(&["add", "caro@example.org", "--role", "viewer"]);
    area.run_staff(&["link", "caro@example.org"]);
    area.run_staff(&["close", "caro@example.org"]);
    area.installation.token();
    let by_command: Vec<_> = area
        .entries(seen)
        .await
        .into_iter()
        .map(|entry| entry.note)
        .collect();
    assert!(
        by_command
            .iter()
            .all(|note| note.who == "command-line" && note.from.is_none())
    );
    let actions: Vec<_> = by_command.iter().map(|note| note.deed.action).collect();
    assert_eq!(
        actions,
        [
            Action::AccountAdded,
            Action::AccountLink,
            Action::AccountClosed,
            Action::TokenMade
        ]
    );
}
