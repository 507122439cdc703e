//! No secret or personal data of the staff reaches a log or, in plain text, the store.

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::{Installation, Stores};

#[tokio::test]
async fn logs_and_store_contain_no_password_token_link_or_address() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_LOG", "debug");
    let area = Area::start_with(installation).await;
    let mail = "ana.secreta@example.org";
    let link = area.run_staff(&["add", mail, "--role", "admin"]);
    let path = format!("/staff/{}", link.split_once("/staff/").unwrap().1);
    let mut ana = Person::new(&area.app);
    ana.from = "203.0.113.77".into();
    ana.get(&path).await;
    let form = ana.form.clone();
    ana.post(&path, &[("new", PASSWORD), ("again", PASSWORD)])
        .await;
    ana.log_in(mail, "contraseña equivocada", "").await;
    ana.log_in(mail, PASSWORD, "123456").await;
    let session = ana.session().unwrap().to_owned();
    ana.get("/staff/accounts").await;
    ana.post(
        "/staff/accounts",
        &[("mail", "otro.secreto@example.org"), ("role", "viewer")],
    )
    .await;
    ana.get("/staff/tokens").await;
    let fields = [("name", "tablero"), ("chart", "true"), ("days", "1")];
    let page = ana.post("/staff/tokens", &fields).await;
    let token = page.between("id=\"token\" class=\"once\">", "<").unwrap();
    let second = ana.get("/staff/account/second").await;
    let secret = second
        .between("<code id=\"secret\">", "<")
        .unwrap()
        .replace(' ', "");
    ana.post_with(
        "/staff/accounts",
        Some("nada"),
        &[("mail", "x@example.org")],
    )
    .await;
    ana.get(&format!("{path}x")).await;
    ana.get("/staff/account").await;
    ana.post("/staff/logout", &[]).await;
    area.app
        .wait_until("all is logged", async |app| {
            app.log()
                .iter()
                .any(|line| line.contains("POST /staff/logout"))
        })
        .await;
    let hidden = [
        PASSWORD,
        "equivocada",
        &session,
        &token,
        &secret,
        &form,
        &path,
        "secreta",
        "secreto",
        "203.0.113.77",
        "123456\"",
    ];
    let log = area.app.log().join("\n");
    for text in hidden {
        assert!(!log.contains(text), "the log holds {text}");
    }
    assert!(log.contains("logged in"));
    let data = area.installation.folder.path().join("data");
    let stored =
        ["jornada.db", "jornada.db-wal"].map(|file| std::fs::read(data.join(file)).unwrap());
    for text in [PASSWORD, &session, &token, &secret, &path[16..]] {
        let is_there = |bytes: &Vec<u8>| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(!stored.iter().any(is_there), "the store holds {text}");
    }
}
