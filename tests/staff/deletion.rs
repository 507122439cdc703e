//! Deletions through the pages: no personal data remains, and the person cannot register again.

use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;

use crate::area::Area;
use crate::correction::{log_in_clerk, register_person};
use crate::person::Person;
use jornada_testkit::instance::{Stores, expect_problem};

const REASON: &str = "Lo pidió por escrito";

async fn deletes_for_good(stores: Stores) {
    let area = Area::start(stores).await;
    let path = register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    register_person(&area, "Beto Ejemplo", "2002", "Cali").await;
    let mut admin = Person::logged_in(&area, "ada@example.org", Role::Admin).await;
    let page = admin.get(&format!("{path}/delete")).await;
    let version = page.between("name=\"version\" value=\"", "\"").unwrap();
    let receipt = page.between("class=\"mono\">", "<").unwrap();
    assert_eq!(area.app.get(&format!("/r/{receipt}")).await.status(), 200);
    assert_eq!(admin.get(&format!("{path}/photo")).await.status, 200);
    let target = format!("{path}/delete");
    for [sure, reason, cause] in [
        ["", REASON, "requested"],
        ["true", "", "requested"],
        ["true", REASON, ""],
        ["true", REASON, "lifted"],
    ] {
        let fields = [
            ("version", &*version),
            ("cause", cause),
            ("reason", reason),
            ("sure", sure),
        ];
        assert_eq!(admin.post(&target, &fields).await.status, 422);
    }
    let fields = [
        ("version", "7"),
        ("cause", "requested"),
        ("reason", REASON),
        ("sure", "true"),
    ];
    assert_eq!(
        admin.post(&target, &fields).await.status,
        409,
        "another version"
    );
    let fields = [
        ("version", &*version),
        ("cause", "requested"),
        ("reason", REASON),
        ("sure", "true"),
    ];
    let page = admin.post(&target, &fields).await;
    let list = format!("/staff/c/{}/registrations?done=deleted", area.app.campaign);
    assert_eq!((page.status, page.location()), (303, &*list));
    assert_eq!(area.app.get(&format!("/r/{receipt}")).await.status(), 404);
    let retry = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let told = expect_problem(retry, 409).await;
    assert_eq!(told["type"], "urn:jornada:problem:already-registered");
    for below in ["", "/print", "/correct", "/delete"] {
        let page = admin.get(&format!("{path}{below}")).await;
        assert_eq!(page.status, 410, "{below}");
        assert!(page.body.contains(REASON) && !page.body.contains("Ana Ejemplo"));
    }
    assert_eq!(admin.get(&format!("{path}/photo")).await.status, 404);
    assert_eq!(admin.post(&target, &fields).await.status, 410, "once more");
    if stores == Stores::Embedded {
        let photos = area.installation.folder.path().join("data/photos");
        assert_eq!(count_files(&photos), 1, "the photo of the other alone");
    }
    area.app
        .wait_until("the totals follow", async |app| {
            app.total().await == Some(1)
        })
        .await;
    assert_eq!(area.audit_entries(AuditAction::Delete).await.len(), 1);
    frees_the_number(&area, &mut admin, &path).await;
    let mut elsewhere = log_in_clerk(&area, "oficina", &["Bogotá"]).await;
    let page = elsewhere.get(&path).await;
    assert_eq!(page.status, 404, "who could not see it is not told");
    assert!(!page.body.contains(REASON));
    assert_eq!(area.audit_entries(AuditAction::AccessDenied).await.len(), 1);
}

/// Lifts the deletion; then the same person can register again.
async fn frees_the_number(area: &Area, admin: &mut Person, path: &str) {
    let lift = format!("{path}/lift");
    let mut clerk = log_in_clerk(area, "cali", &["Cali"]).await;
    let page = clerk.get(path).await;
    assert!(page.body.contains(REASON) && !page.body.contains("/lift"));
    assert_eq!(clerk.post(&lift, &[("reason", REASON)]).await.status, 403);
    assert!(admin.get(path).await.body.contains(&*lift));
    assert_eq!(admin.post(&lift, &[("reason", "")]).await.status, 422);
    for _ in 0..2 {
        let page = admin.post(&lift, &[("reason", "Quiere volver")]).await;
        assert!(page.location().ends_with("/registrations?done=lifted"));
    }
    let entries = area.audit_entries(AuditAction::Lift).await;
    assert_eq!(entries.len(), 1, "the second time nothing changes");
    let again = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    assert_eq!(again.status(), 201);
    let page = admin.get(path).await;
    assert!(page.status == 410 && !page.body.contains(&*lift));
}

fn count_files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            if entry.file_type().unwrap().is_dir() {
                count_files(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

#[tokio::test]
async fn a_deletion_is_final_on_one_machine() {
    deletes_for_good(Stores::Embedded).await;
}

#[tokio::test]
async fn a_deletion_is_final_on_several_machines() {
    deletes_for_good(Stores::Servers).await;
}
