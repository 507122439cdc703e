//! The audit log: written before personal data is shown or changed, required for both, readable by admins.

use jornada_domain::RegistrationId;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::staff::{Role, Scope};
use jornada_store::StoreSetting;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::{DEFAULT_TIMEOUT, Stores};

#[tokio::test]
async fn photos_and_reports_are_audited_also_when_refused() {
    let area = Area::start(Stores::Embedded).await;
    let (cali, leticia) = (
        area.register("1001", "Cali").await,
        area.register("1002", "Leticia").await,
    );
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["Cali"]).await;
    ana.log_in("ana@example.org", PASSWORD, "").await;
    let who = format!(
        "account:{}",
        area.account_by_email("ana@example.org").await.id
    );
    let mut seen = area.store.audit_head().await.unwrap().seq;
    let registration = |id: &str| vec![format!("registration:{id}")];
    let number = |id: &str| RegistrationId::parse(id).unwrap().receipt().to_string();
    for (path, status, action, subjects, value) in [
        (
            area.photo_path(&cali),
            200,
            AuditAction::ViewPhoto,
            registration(&cali),
            None,
        ),
        (
            area.photo_path(&number(&cali)),
            200,
            AuditAction::ViewPhoto,
            registration(&cali),
            None,
        ),
        (
            area.photo_path(&leticia),
            404,
            AuditAction::AccessDenied,
            registration(&leticia),
            None,
        ),
        (
            area.photo_path(&number(&leticia)),
            404,
            AuditAction::AccessDenied,
            registration(&leticia),
            None,
        ),
        (
            area.report_path("cali.csv"),
            200,
            AuditAction::Report,
            vec![],
            Some("Cali"),
        ),
        (
            area.report_path("Leticia.csv"),
            404,
            AuditAction::AccessDenied,
            vec![],
            Some("Leticia"),
        ),
        (
            area.report_path("_all.xlsx"),
            404,
            AuditAction::AccessDenied,
            vec![],
            Some("_all"),
        ),
    ] {
        let answer = area.get(&ana, &path).await;
        assert_eq!(answer.status(), status, "{path}");
        let note = area.next_entry(&mut seen).await.record;
        assert_eq!((note.event.action, &note.actor), (action, &who), "{path}");
        assert_eq!(
            note.request_id.as_deref(),
            answer.headers()["x-request-id"].to_str().ok()
        );
        assert_eq!(note.event.campaign.unwrap().as_str(), area.app.campaign);
        assert_eq!(note.event.subjects, subjects);
        assert_eq!(note.event.detail.get("value").map(String::as_str), value);
        assert_eq!(note.client_ip.unwrap().to_string(), "192.0.2.1");
    }
    for nobody in ["0".repeat(32), number(&"0".repeat(32)), number(&cali) + "0"] {
        let nobody = area.photo_path(&nobody);
        assert_eq!(area.get(&ana, &nobody).await.status(), 404);
    }
    assert_eq!(
        area.get(&ana, &area.report_path("Macondo.csv"))
            .await
            .status(),
        404
    );
    assert_eq!(area.entries(seen).await, [], "nobody's data were asked for");
}

#[tokio::test]
async fn a_report_for_a_token_is_audited() {
    let area = Area::start(Stores::Embedded).await;
    area.register("1001", "Cali").await;
    area.register("1002", "Leticia").await;
    let token = area.create_token(&[Scope::Report], |_| {}).await;
    let mut seen = area.store.audit_head().await.unwrap().seq;
    let answer = area.app.report("_all.csv", token.expose()).await;
    assert_eq!(answer.status(), 200);
    let note = area.next_entry(&mut seen).await.record;
    assert_eq!(
        (note.actor.as_str(), note.event.action),
        ("token:prueba", AuditAction::Report)
    );
    assert_eq!(
        (&*note.event.detail["rows"], &*note.event.detail["format"]),
        ("2", "csv")
    );
}

#[tokio::test]
async fn an_altered_photo_is_not_shown_and_is_audited() {
    let area = Area::start(Stores::Embedded).await;
    let id = area.register("1001", "Cali").await;
    let ana = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    let mut seen = area.store.audit_head().await.unwrap().seq;
    let data = area.installation.folder.path().join("data/photos");
    let folder = data.join(&area.app.campaign).join(&id);
    let photo = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    let mut bytes = std::fs::read(photo.path()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(photo.path(), bytes).unwrap();
    assert_eq!(area.get(&ana, &area.photo_path(&id)).await.status(), 500);
    let note = area.next_entry(&mut seen).await.record;
    assert_eq!(note.event.action, AuditAction::PhotoAltered);
    assert_eq!(note.event.subjects, [format!("registration:{id}")]);
}

#[tokio::test]
async fn without_an_audit_entry_nothing_is_shown_or_changed() {
    for stores in [Stores::Embedded, Stores::Servers] {
        let area = Area::start(stores).await;
        let id = area.register("1001", "Cali").await;
        let mut admin = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
        let token = area.create_token(&[Scope::Report], |_| {}).await;
        assert_eq!(area.get(&admin, &area.photo_path(&id)).await.status(), 200);
        admin.get("/staff/accounts").await;
        area.break_audit_log().await;
        for path in [
            area.photo_path(&id),
            area.report_path("_all.csv"),
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
async fn admins_read_filter_and_export_the_log() {
    let area = Area::start(Stores::Embedded).await;
    let id = area.register("1001", "Cali").await;
    let ana = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    for _ in 0..55 {
        assert_eq!(area.get(&ana, &area.photo_path(&id)).await.status(), 200);
    }
    let mut admin = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    let page = admin.get("/staff/audit?lang=en&action=photo").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.body.matches(">Looked at a photo</td>").count(), 50);
    assert!(
        page.body.contains(">ana@example.org</td>"),
        "who it is, and not their id"
    );
    assert!(!page.body.contains(">Logged in</td>"));
    let note = area.entries(0).await.pop().unwrap().record;
    assert_eq!(
        (note.event.action, &*note.event.detail["action"]),
        (AuditAction::AuditRead, "photo")
    );
    let next = page
        .between("rel=\"next\" href=\"", "\"")
        .unwrap()
        .replace("&#38;", "&");
    let page = admin.get(&next).await;
    assert_eq!(
        page.body.matches(">Looked at a photo</td>").count(),
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
    let note = area.entries(0).await.pop().unwrap().record;
    assert_eq!(note.event.action, AuditAction::AuditExport);
}

#[tokio::test]
async fn the_command_verifies_and_exports_the_log() {
    let area = Area::start(Stores::Embedded).await;
    area.register("10012002", "Cali").await;
    let mut ana = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    ana.log_in("nadie@example.org", "una clave que no es", "")
        .await;
    assert_eq!(
        area.get(&ana, &area.report_path("Cali.csv")).await.status(),
        200
    );
    let (whole, head, told) = area.run_audit(&["verify"]);
    assert!(whole && told.contains("entries is intact"), "{told}");
    let (exported, lines, _) = area.run_audit(&["export", "--format", "jsonl"]);
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
        area.run_audit(&["verify", "--head", head.trim()]).0,
        "the head of before is in it"
    );
    let StoreSetting::Sqlite(path) = area.setting() else {
        panic!("this is no SQLite");
    };
    let file = rusqlite::Connection::open(path).unwrap();
    file.busy_timeout(DEFAULT_TIMEOUT).unwrap();
    file.execute_batch(
        "DROP TRIGGER audit_is_not_changed; UPDATE audit SET who = 'nobody' WHERE seq = 2",
    )
    .unwrap();
    let (whole, _, told) = area.run_audit(&["verify", "--head", head.trim()]);
    assert!(!whole && told.contains("entry 2 was changed"), "{told}");
    let nowhere = format!("999:{}", "0".repeat(64));
    let (whole, _, told) = area.run_audit(&["verify", "--head", &nowhere]);
    assert!(!whole && told.contains("ends before entry 999"), "{told}");
}
