//! Admins manage accounts and tokens through the pages.

use jornada_domain::staff::Role;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::Stores;

#[tokio::test]
async fn an_admin_adds_changes_and_closes_an_account() {
    let area = Area::start(Stores::Embedded).await;
    let mut admin = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    admin.get("/staff/accounts").await;
    let fields = [
        ("mail", "Beto@example.org"),
        ("role", "clerk"),
        ("places", "bogota\r\nCALI\r\n\r\n"),
    ];
    let page = admin.post("/staff/accounts", &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let link = page.between("id=\"link\" class=\"once\">", "<").unwrap();
    let path = link.strip_prefix(&area.app.base).unwrap();
    let mut beto = Person::new(&area.app);
    beto.get(path).await;
    beto.post(path, &[("new", PASSWORD), ("again", PASSWORD)])
        .await;
    assert_eq!(
        beto.log_in("beto@example.org", PASSWORD, "").await.status,
        303
    );
    let page = beto.get("/staff/account").await;
    assert!(
        page.body.contains("Bogotá, Cali"),
        "in the spelling of the campaign"
    );
    // The list links to the account.
    let list = admin.get("/staff/accounts").await;
    assert!(list.body.contains("beto@example.org") && list.body.contains("Activa"));
    let known = area
        .store
        .account_by_email(&jornada_domain::staff::EmailAddress::parse("beto@example.org").unwrap())
        .await;
    let id = known.unwrap().unwrap().id;
    let one = format!("/staff/accounts/{id}");
    assert!(list.body.contains(&one));
    let page = admin.get(&one).await;
    assert!(
        page.body.contains("Bogotá\nCali</textarea>"),
        "{}",
        page.body
    );
    let page = admin
        .post(&one, &[("role", "viewer"), ("places", "")])
        .await;
    assert_eq!(page.status, 303);
    assert!(
        beto.get("/staff/account")
            .await
            .body
            .contains("Solo totales"),
        "at once"
    );
    admin.get(&one).await;
    assert_eq!(admin.post(&format!("{one}/close"), &[]).await.status, 303);
    assert!(!beto.is_in().await);
    // An account that is added again starts without a password.
    admin.get("/staff/accounts").await;
    let fields = [
        ("mail", "beto@example.org"),
        ("role", "viewer"),
        ("places", ""),
    ];
    assert_eq!(admin.post("/staff/accounts", &fields).await.status, 200);
    assert_eq!(
        beto.log_in("beto@example.org", PASSWORD, "").await.status,
        422
    );
}

#[tokio::test]
async fn invalid_input_is_reported_and_changes_nothing() {
    let area = Area::start(Stores::Embedded).await;
    let mut admin = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    let own = area.store.accounts().await.unwrap()[0].id;
    admin.get("/staff/accounts").await;
    for (mail, role, places, status) in [
        ("no es", "clerk", "", 422),
        ("a@example.org", "king", "", 422),
        ("a@example.org", "clerk", "\u{7}", 422),
        ("admin@example.org", "clerk", "", 409),
    ] {
        let fields = [("mail", mail), ("role", role), ("places", places)];
        let page = admin.post("/staff/accounts", &fields).await;
        assert_eq!(page.status, status, "{mail} {role}");
        assert!(page.body.contains("role=\"alert\""));
    }
    assert_eq!(area.store.accounts().await.unwrap().len(), 1);
    for (path, fields) in [
        ("", [("role", "viewer")]),
        ("/close", [("x", "")]),
        ("/link", [("lost_second", "true")]),
    ] {
        let page = admin
            .post(&format!("/staff/accounts/{own}{path}"), &fields)
            .await;
        assert_eq!(
            page.status, 422,
            "nobody takes their own rights away, or goes around their password"
        );
    }
    assert!(admin.get("/staff/accounts").await.status == 200);
}

#[tokio::test]
async fn a_token_is_shown_once_and_is_invalid_once_revoked() {
    let area = Area::start(Stores::Embedded).await;
    let mut admin = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    admin.get("/staff/tokens").await;
    let fields = [
        ("name", "tablero"),
        ("report", "true"),
        ("days", "7"),
        ("places", "cali"),
    ];
    let page = admin.post("/staff/tokens", &fields).await;
    let token = page.between("id=\"token\" class=\"once\">", "<").unwrap();
    assert_eq!(area.app.report("Cali.csv", &token).await.status(), 200);
    assert_eq!(area.app.report("Leticia.csv", &token).await.status(), 404);
    assert_eq!(area.app.report("_all.csv", &token).await.status(), 404);
    let page = admin.get("/staff/tokens").await;
    assert!(!page.body.contains(&token), "it is not shown again");
    // The first token in the list is the one from the first start.
    let (_, rest) = page.body.rsplit_once("name=\"token\" value=\"").unwrap();
    let named = rest[..64].to_owned();
    assert_eq!(
        admin
            .post("/staff/tokens/revoke", &[("token", &named)])
            .await
            .status,
        303
    );
    assert_eq!(area.app.report("Cali.csv", &token).await.status(), 401);
    for fields in [
        [("name", ""), ("report", "true"), ("days", "7")],
        [("name", "x"), ("none", "true"), ("days", "7")],
        [("name", "x"), ("report", "true"), ("days", "8")],
    ] {
        assert_eq!(admin.post("/staff/tokens", &fields).await.status, 422);
    }
}
