//! Every change of one's own account, and every action of admins, writes exactly one audit entry.

use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;

use crate::area::{Area, PASSWORD};
use crate::audit_log::assert_entry;
use crate::person::Person;
use jornada_testkit::instance::Stores;

#[tokio::test]
async fn logins_and_changes_of_the_own_account_are_audited() {
    let area = Area::start(Stores::Embedded).await;
    let first = area.entries(0).await;
    assert_eq!(first.len(), 1, "the first token");
    assert_eq!(
        (first[0].record.actor.as_str(), first[0].record.event.action),
        ("system", AuditAction::TokenMade)
    );
    let mut seen = 1;
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["Cali"]).await;
    let account = area.account_by_email("ana@example.org").await;
    let to = [format!("account:{}", account.id)];
    let entries = area.entries(seen).await;
    seen += 2;
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (
            entries[0].record.actor.as_str(),
            entries[0].record.event.action
        ),
        ("command-line", AuditAction::AccountAdded)
    );
    assert_eq!(entries[0].record.event.subjects, to);
    assert_eq!(entries[0].record.event.detail["places"], "Cali");
    assert_eq!(entries[1].record.event.action, AuditAction::PasswordSet);
    assert_eq!(entries[1].record.actor, to[0]);
    for (mail, subjects) in [("ana@example.org", &to[..]), ("nadie@example.org", &[])] {
        let page = ana.log_in(mail, "otra cosa muy larga", "").await;
        assert_eq!(page.status, 422);
        let note = area.next_entry(&mut seen).await.record;
        assert_eq!(
            (note.actor.as_str(), note.event.action),
            ("nobody", AuditAction::LoginFailed)
        );
        assert_eq!(note.event.subjects, subjects);
        assert_eq!(note.client_ip.unwrap().to_string(), "192.0.2.1");
    }
    let page = ana.log_in("ana@example.org", PASSWORD, "").await;
    assert_entry(
        &area.next_entry(&mut seen).await,
        &page,
        AuditAction::Login,
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
    step("/staff/account/password", &wrong, AuditAction::LoginFailed).await;
    let right = [
        ("current", PASSWORD),
        ("new", "otra clave muy larga"),
        ("again", "otra clave muy larga"),
    ];
    step(
        "/staff/account/password",
        &right,
        AuditAction::PasswordChanged,
    )
    .await;
    let session = "00".repeat(32);
    step(
        "/staff/account/sessions/end",
        &[("session", &session)],
        AuditAction::SessionEnded,
    )
    .await;
    step("/staff/logout", &[], AuditAction::Logout).await;
    ana.log_in("ana@example.org", "otra clave muy larga", "")
        .await;
    seen += 1;
    ana.get("/staff/account").await;
    let page = ana.post("/staff/account/sessions/end-all", &[]).await;
    assert_entry(
        &area.next_entry(&mut seen).await,
        &page,
        AuditAction::SessionsEnded,
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
    assert_eq!(last.record.event.action, AuditAction::LoginRateLimited);
    assert_eq!(
        (
            last.record.actor.as_str(),
            last.record.event.detail["passed_over"].as_str()
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
    assert_entry(&entry, &page, AuditAction::AccountAdded, &account, &to);
    assert_eq!(entry.record.event.detail["places"], "Cali; Leticia");
    assert_eq!(admin.post("/staff/accounts", &fields).await.status, 409);
    assert_eq!(area.entries(seen).await, [], "what is refused is no change");
    let own = format!("/staff/accounts/{}", beto.id);
    for (path, fields, action) in [
        (
            own.clone(),
            &[("role", "viewer")][..],
            AuditAction::AccountChanged,
        ),
        (
            format!("{own}/link"),
            &[("lost_second", "true")],
            AuditAction::AccountLink,
        ),
        (
            format!("{own}/sessions/end"),
            &[],
            AuditAction::SessionsEnded,
        ),
        (format!("{own}/close"), &[], AuditAction::AccountClosed),
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
    assert_entry(&entry, &page, AuditAction::TokenMade, &account, &to);
    assert_eq!(entry.record.event.detail["scopes"], "chart");
    let page = admin.get("/staff/tokens").await;
    let (_, rest) = page.body.split_once("<th scope=\"row\">tablero").unwrap();
    let token = rest.split("name=\"token\" value=\"").nth(1).unwrap()[..64].to_owned();
    let page = admin
        .post("/staff/tokens/revoke", &[("token", &token)])
        .await;
    assert_entry(
        &area.next_entry(&mut seen).await,
        &page,
        AuditAction::TokenRevoked,
        &account,
        &to,
    );
    area.run_staff(&["add", "caro@example.org", "--role", "viewer"]);
    area.run_staff(&["link", "caro@example.org"]);
    area.run_staff(&["close", "caro@example.org"]);
    area.installation.create_token();
    let by_command: Vec<_> = area
        .entries(seen)
        .await
        .into_iter()
        .map(|entry| entry.record)
        .collect();
    assert!(
        by_command
            .iter()
            .all(|note| note.actor == "command-line" && note.client_ip.is_none())
    );
    let actions: Vec<_> = by_command.iter().map(|note| note.event.action).collect();
    assert_eq!(
        actions,
        [
            AuditAction::AccountAdded,
            AuditAction::AccountLink,
            AuditAction::AccountClosed,
            AuditAction::TokenMade
        ]
    );
}
