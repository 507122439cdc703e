//! Looks at people's data are written down before they are answered; without that nothing is; and the record is read.

use jornada::config::StoreSetting;
use jornada::domain::staff::audit::Action;
use jornada::domain::staff::{Role, Scope};

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use crate::support::app::{SOON, Stores};

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
    assert!(whole && told.contains("entries is intact"), "{told}");
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
