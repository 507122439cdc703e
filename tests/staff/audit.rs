//! The record of every look: each deed leaves its one entry, before it is answered, and without it nothing is answered.

use jornada::config::StoreSetting;
use jornada::domain::staff::audit::{Action, Entry};
use jornada::domain::staff::{Account, Role, Scope};
use jornada::store::audit::Found;
use mongodb::bson::doc;
use reqwest::Response;

use crate::area::{Area, PASSWORD};
use crate::person::{Page, Person};
use crate::support::app::{SOON, Stores};

impl Area {
    /// The entries after a place.
    async fn entries(&self, after: u64) -> Vec<Entry> {
        let found = self.store.audit_after(after, 1_000).await.unwrap();
        let entry = |found| match found {
            Found::Entry(entry) => *entry,
            Found::Unreadable(seq) => panic!("entry {seq} cannot be read"),
        };
        found.into_iter().map(entry).collect()
    }

    /// The one entry that was written since the last time.
    async fn entry(&self, seen: &mut u64) -> Entry {
        let mut entries = self.entries(*seen).await;
        assert_eq!(entries.len(), 1, "{entries:#?}");
        *seen += 1;
        entries.remove(0)
    }

    async fn account_of(&self, mail: &str) -> Account {
        let accounts = self.store.accounts().await.unwrap();
        accounts
            .into_iter()
            .find(|account| account.mail.as_str() == mail)
            .unwrap()
    }

    /// An invented person's id.
    async fn registered(&self, document: &str, city: &str) -> String {
        let answer = self.app.register("Ana Ejemplo", document, city).await;
        let registered: serde_json::Value = answer.json().await.unwrap();
        registered["id"].as_str().unwrap().to_owned()
    }

    fn photo(&self, id: &str) -> String {
        format!("/staff/c/{}/registrations/{id}/photo", self.app.campaign)
    }

    fn report(&self, file: &str) -> String {
        format!("/api/v1/campaigns/{}/reports/{file}", self.app.campaign)
    }

    /// Whatever comes, which need not be text.
    async fn get(&self, person: &Person, path: &str) -> Response {
        let request = self.app.http.get(format!("{}{path}", self.app.base));
        let cookie = format!("jornada-session={}", person.session().unwrap());
        let request = request
            .header("cookie", cookie)
            .header("x-client-address", "192.0.2.1");
        request.send().await.unwrap()
    }

    /// Runs `jornada audit …`: whether it succeeded, and what it printed.
    fn audit(&self, arguments: &[&str]) -> (bool, String, String) {
        let arguments = [&["audit"], arguments].concat();
        let ran = self.installation.command(&arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ran.status.success(), text(ran.stdout), text(ran.stderr))
    }

    /// From now on nothing can be added to the record.
    async fn break_the_record(&self) {
        if let StoreSetting::Sqlite(path) = self.setting() {
            let file = rusqlite::Connection::open(path).unwrap();
            file.busy_timeout(SOON).unwrap();
            let refuse =
                "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END";
            return file.execute_batch(refuse).unwrap();
        }
        let StoreSetting::Mongo(address) = self.setting() else {
            panic!("another store");
        };
        let address = secrecy::ExposeSecret::expose_secret(&address);
        let client = mongodb::Client::with_uri_str(address).await.unwrap();
        let never = doc! { "collMod": "audit", "validator": { "who": "nobody at all" } };
        let database = client.default_database().unwrap();
        database.run_command(never).await.unwrap();
    }
}

/// Asserts what an entry says of a deed of this account at a page.
fn assert_says(entry: &Entry, page: &Page, action: Action, who: &Account, to: &[String]) {
    let note = &entry.note;
    assert_eq!(note.deed.action, action);
    assert_eq!(note.who, format!("account:{}", who.id), "{action:?}");
    assert_eq!(note.from.unwrap().to_string(), "192.0.2.1", "{action:?}");
    let id = page.headers["x-request-id"].to_str().unwrap();
    assert_eq!(note.request_id.as_deref(), Some(id), "{action:?}");
    assert_eq!(note.deed.subjects, to, "{action:?}");
    let age = jiff::Timestamp::now().duration_since(note.at);
    assert!(
        age.as_secs() < 20 && !age.is_negative(),
        "{action:?}: {age}"
    );
}

#[tokio::test]
async fn logins_and_what_people_do_to_their_own_account_leave_an_entry_each() {
    let area = Area::start(Stores::Embedded).await;
    let first = area.entries(0).await;
    assert_eq!(first.len(), 1, "the first token");
    assert_eq!(
        (first[0].note.who.as_str(), first[0].note.deed.action),
        ("system", Action::TokenMade)
    );
    let mut seen = 1;
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["Cali"]).await;
    let account = area.account_of("ana@example.org").await;
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
        let note = area.entry(&mut seen).await.note;
        assert_eq!(
            (note.who.as_str(), note.deed.action),
            ("nobody", Action::LoginFailed)
        );
        assert_eq!(note.deed.subjects, subjects);
        assert_eq!(note.from.unwrap().to_string(), "192.0.2.1");
    }
    let page = ana.log_in("ana@example.org", PASSWORD, "").await;
    assert_says(
        &area.entry(&mut seen).await,
        &page,
        Action::Login,
        &account,
        &to,
    );
    let mut step = async |path: &str, fields: &[(&str, &str)], action| {
        ana.get("/staff/account").await;
        let page = ana.post(path, fields).await;
        assert_says(&area.entry(&mut seen).await, &page, action, &account, &to);
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
    assert_says(
        &area.entry(&mut seen).await,
        &page,
        Action::SessionsEnded,
        &account,
        &to,
    );
}

#[tokio::test]
async fn who_tries_too_often_leaves_an_entry_too() {
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
async fn what_admins_do_leaves_an_entry_each() {
    let area = Area::start(Stores::Embedded).await;
    let mut admin = Person::of(&area, "admin@example.org", Role::Admin).await;
    let account = area.account_of("admin@example.org").await;
    let mut seen = area.store.audit_head().await.unwrap().seq;
    admin.get("/staff/accounts").await;
    let fields = [
        ("mail", "beto@example.org"),
        ("role", "clerk"),
        ("places", "Cali\nLeticia"),
    ];
    let page = admin.post("/staff/accounts", &fields).await;
    let beto = area.account_of("beto@example.org").await;
    let to = [format!("account:{}", beto.id)];
    let entry = area.entry(&mut seen).await;
    assert_says(&entry, &page, Action::AccountAdded, &account, &to);
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
        assert_says(&area.entry(&mut seen).await, &page, action, &account, &to);
    }
    let to = ["token:tablero".to_owned()];
    let fields = [("name", "tablero"), ("chart", "true"), ("days", "1")];
    let page = admin.post("/staff/tokens", &fields).await;
    let entry = area.entry(&mut seen).await;
    assert_says(&entry, &page, Action::TokenMade, &account, &to);
    assert_eq!(entry.note.deed.detail["scopes"], "chart");
    let page = admin.get("/staff/tokens").await;
    let (_, rest) = page.body.split_once("<th scope=\"row\">tablero").unwrap();
    let token = rest.split("name=\"token\" value=\"").nth(1).unwrap()[..64].to_owned();
    let page = admin
        .post("/staff/tokens/revoke", &[("token", &token)])
        .await;
    assert_says(
        &area.entry(&mut seen).await,
        &page,
        Action::TokenRevoked,
        &account,
        &to,
    );
    area.staff(&["add", "caro@example.org", "--role", "viewer"]);
    area.staff(&["link", "caro@example.org"]);
    area.staff(&["close", "caro@example.org"]);
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

#[tokio::test]
async fn photos_and_reports_leave_an_entry_and_so_does_asking_for_those_of_others() {
    let area = Area::start(Stores::Embedded).await;
    let (cali, leticia) = (
        area.registered("1001", "Cali").await,
        area.registered("1002", "Leticia").await,
    );
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["Cali"]).await;
    ana.log_in("ana@example.org", PASSWORD, "").await;
    let who = format!("account:{}", area.account_of("ana@example.org").await.id);
    let mut seen = area.store.audit_head().await.unwrap().seq;
    let registration = |id: &str| vec![format!("registration:{id}")];
    for (path, status, action, subjects, value) in [
        (
            area.photo(&cali),
            200,
            Action::Photo,
            registration(&cali),
            None,
        ),
        (
            area.photo(&leticia),
            404,
            Action::Refused,
            registration(&leticia),
            None,
        ),
        (
            area.report("cali.csv"),
            200,
            Action::Report,
            vec![],
            Some("Cali"),
        ),
        (
            area.report("Leticia.csv"),
            404,
            Action::Refused,
            vec![],
            Some("Leticia"),
        ),
        (
            area.report("_all.xlsx"),
            404,
            Action::Refused,
            vec![],
            Some("_all"),
        ),
    ] {
        let answer = area.get(&ana, &path).await;
        assert_eq!(answer.status(), status, "{path}");
        let note = area.entry(&mut seen).await.note;
        assert_eq!((note.deed.action, &note.who), (action, &who), "{path}");
        assert_eq!(
            note.request_id.as_deref(),
            answer.headers()["x-request-id"].to_str().ok()
        );
        assert_eq!(note.deed.campaign.unwrap().as_str(), area.app.campaign);
        assert_eq!(note.deed.subjects, subjects);
        assert_eq!(note.deed.detail.get("value").map(String::as_str), value);
        assert_eq!(note.from.unwrap().to_string(), "192.0.2.1");
    }
    let nobody = area.photo(&"0".repeat(32));
    assert_eq!(area.get(&ana, &nobody).await.status(), 404);
    assert_eq!(
        area.get(&ana, &area.report("Macondo.csv")).await.status(),
        404
    );
    assert_eq!(area.entries(seen).await, [], "nobody's data were asked for");
    let token = area.token(&[Scope::Report], |_| {}).await;
    assert_eq!(
        area.app.report("_all.csv", token.expose()).await.status(),
        200
    );
    let note = area.entry(&mut seen).await.note;
    assert_eq!(
        (note.who.as_str(), note.deed.action),
        ("token:prueba", Action::Report)
    );
    assert_eq!(
        (&*note.deed.detail["rows"], &*note.deed.detail["format"]),
        ("2", "csv")
    );
}

#[tokio::test]
async fn an_altered_photo_is_not_shown_and_leaves_an_entry() {
    let area = Area::start(Stores::Embedded).await;
    let id = area.registered("1001", "Cali").await;
    let ana = Person::of(&area, "ana@example.org", Role::Clerk).await;
    let mut seen = area.store.audit_head().await.unwrap().seq;
    let data = area.installation.folder.path().join("data/photos");
    let folder = data.join(&area.app.campaign).join(&id);
    let photo = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    let mut bytes = std::fs::read(photo.path()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(photo.path(), bytes).unwrap();
    assert_eq!(area.get(&ana, &area.photo(&id)).await.status(), 500);
    let note = area.entry(&mut seen).await.note;
    assert_eq!(note.deed.action, Action::PhotoAltered);
    assert_eq!(note.deed.subjects, [format!("registration:{id}")]);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_shown_and_not_done() {
    for stores in [Stores::Embedded, Stores::Servers] {
        let area = Area::start(stores).await;
        let id = area.registered("1001", "Cali").await;
        let mut admin = Person::of(&area, "admin@example.org", Role::Admin).await;
        let token = area.token(&[Scope::Report], |_| {}).await;
        assert_eq!(area.get(&admin, &area.photo(&id)).await.status(), 200);
        admin.get("/staff/accounts").await;
        area.break_the_record().await;
        for path in [
            area.photo(&id),
            area.report("_all.csv"),
            "/staff/audit".into(),
            "/staff/audit/export.csv".into(),
        ] {
            let answer = area.get(&admin, &path).await;
            assert_eq!(answer.status(), 503, "{path}");
            let body = answer.bytes().await.unwrap();
            let holds = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(
                !holds("JFIF") && !holds("Ana Ejemplo") && !holds("seq"),
                "{path}"
            );
        }
        assert_eq!(
            area.app.report("_all.csv", token.expose()).await.status(),
            503
        );
        let fields = [("mail", "beto@example.org"), ("role", "viewer")];
        assert_eq!(admin.post("/staff/accounts", &fields).await.status, 503);
        assert_eq!(
            area.store.accounts().await.unwrap().len(),
            1,
            "no account was added"
        );
        let tries = [
            ("admin@example.org", PASSWORD),
            ("admin@example.org", "otra cosa"),
            ("nadie@example.org", PASSWORD),
        ];
        for (mail, password) in tries {
            let mut person = Person::new(&area.app);
            assert_eq!(
                person.log_in(mail, password, "").await.status,
                503,
                "{mail}"
            );
            assert_eq!(person.session(), None);
        }
        let refused = area
            .installation
            .command(&["token", "new", "x"])
            .output()
            .unwrap();
        assert!(!refused.status.success() && refused.stdout.is_empty());
        assert_eq!(
            area.store
                .tokens()
                .await
                .unwrap()
                .iter()
                .filter(|token| token.name == "x")
                .count(),
            0
        );
    }
}

#[tokio::test]
async fn admins_read_filter_and_export_the_record() {
    let area = Area::start(Stores::Embedded).await;
    let id = area.registered("1001", "Cali").await;
    let ana = Person::of(&area, "ana@example.org", Role::Clerk).await;
    for _ in 0..55 {
        assert_eq!(area.get(&ana, &area.photo(&id)).await.status(), 200);
    }
    let mut admin = Person::of(&area, "admin@example.org", Role::Admin).await;
    let page = admin.get("/staff/audit?lang=en&action=photo").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.body.matches("<td>Looked at a photo</td>").count(), 50);
    assert!(
        page.body.contains("<td>ana@example.org</td>"),
        "who it is, and not their id"
    );
    assert!(!page.body.contains("<td>Logged in</td>"));
    let note = area.entries(0).await.pop().unwrap().note;
    assert_eq!(
        (note.deed.action, &*note.deed.detail["action"]),
        (Action::AuditRead, "photo")
    );
    let next = page
        .between("rel=\"next\" href=\"", "\"")
        .unwrap()
        .replace("&#38;", "&");
    let page = admin.get(&next).await;
    assert_eq!(
        page.body.matches("<td>Looked at a photo</td>").count(),
        5,
        "{next}"
    );
    let page = admin
        .get(&format!("/staff/audit?subject={id}&who=nobody"))
        .await;
    assert!(page.status == 200 && page.body.contains("No hay nada que mostrar"));
    let page = admin.get("/staff/audit?subject=Ana+Ejemplo").await;
    assert_eq!(
        page.status, 422,
        "a name stays out of the record of who reads it"
    );
    let file = admin.get("/staff/audit/export.csv?action=photo").await;
    assert_eq!((file.status, file.body.lines().count()), (200, 56));
    assert_eq!(
        file.headers["content-disposition"],
        "attachment; filename=\"audit.csv\""
    );
    let note = area.entries(0).await.pop().unwrap().note;
    assert_eq!(note.deed.action, Action::AuditExport);
}

#[tokio::test]
async fn the_command_verifies_and_exports_the_record() {
    let area = Area::start(Stores::Embedded).await;
    area.registered("10012002", "Cali").await;
    let mut ana = Person::of(&area, "ana@example.org", Role::Clerk).await;
    ana.log_in("nadie@example.org", "una clave que no es", "")
        .await;
    assert_eq!(area.get(&ana, &area.report("Cali.csv")).await.status(), 200);
    let (whole, head, told) = area.audit(&["verify"]);
    assert!(whole && told.contains("entries is whole"), "{told}");
    let (exported, lines, _) = area.audit(&["export", "--format", "jsonl"]);
    assert!(exported);
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["action"], &last["who"]),
        (&"audit-export".into(), &"command-line".into())
    );
    for personal in [
        "example.org",
        "Ana",
        "Ejemplo",
        "10012002",
        PASSWORD,
        "una clave",
    ] {
        assert!(!lines.contains(personal), "the record holds {personal}");
    }
    assert!(
        area.audit(&["verify", "--head", head.trim()]).0,
        "the head of before is in it"
    );
    let StoreSetting::Sqlite(path) = area.setting() else {
        panic!("this is no SQLite");
    };
    let file = rusqlite::Connection::open(path).unwrap();
    file.busy_timeout(SOON).unwrap();
    file.execute_batch(
        "DROP TRIGGER audit_is_not_changed; UPDATE audit SET who = 'nobody' WHERE seq = 2",
    )
    .unwrap();
    let (whole, _, told) = area.audit(&["verify", "--head", head.trim()]);
    assert!(!whole && told.contains("entry 2 was changed"), "{told}");
    let nowhere = format!("999:{}", "0".repeat(64));
    let (whole, _, told) = area.audit(&["verify", "--head", &nowhere]);
    assert!(!whole && told.contains("ends before entry 999"), "{told}");
}
