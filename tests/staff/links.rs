//! Password links: valid once and for a limited time, and only strong passwords are accepted.

use jiff::{SignedDuration, Timestamp};
use jornada_domain::staff::Role;
use jornada_service::staff::accounts::issue_link;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::Stores;

#[tokio::test]
async fn a_link_is_used_once() {
    let area = Area::start(Stores::Embedded).await;
    let link = area.run_staff(&["add", "ana@example.org", "--role", "viewer"]);
    let path = format!("/staff/{}", link.split_once("/staff/").unwrap().1);
    let mut ana = Person::new(&area.app);
    ana.get(&path).await;
    for (new, again) in [
        ("corta", "corta"),
        ("qwertyqwerty", "qwertyqwerty"),
        (PASSWORD, "otra"),
    ] {
        let page = ana.post(&path, &[("new", new), ("again", again)]).await;
        assert_eq!(page.status, 422, "{new}");
        assert!(page.body.contains("role=\"alert\"") && !page.body.contains(PASSWORD));
    }
    // Of two concurrent requests, one sets the password.
    let (mut one, mut two) = (ana.clone(), ana.clone());
    let fields = [("new", PASSWORD), ("again", PASSWORD)];
    let (one, two) = tokio::join!(one.post(&path, &fields), two.post(&path, &fields));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
    assert_eq!(ana.get(&path).await.status, 404);
    assert_eq!(
        ana.log_in("ana@example.org", PASSWORD, "").await.status,
        303
    );
}

#[tokio::test]
async fn the_command_line_restores_access() {
    let area = Area::start(Stores::Embedded).await;
    area.run_staff(&[
        "add",
        "Ana@Example.org",
        "--role",
        "clerk",
        "--place",
        "bogota",
    ]);
    area.run_staff(&["add", "root@example.org", "--role", "admin"]);
    area.run_staff(&["close", "root@example.org"]);
    let list = area.run_staff(&["list"]);
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(
        lines,
        [
            "ana@example.org\tclerk\tinvited\t-\tBogotá",
            "root@example.org\tadmin\tclosed\t-",
        ]
    );
    for (arguments, told) in [
        (
            ["staff", "add", "ana@example.org", "--role=admin"],
            "an account with this address exists",
        ),
        (
            ["staff", "link", "root@example.org", "--lost-second"],
            "closed",
        ),
        (["staff", "add", "nada", "--role=admin"], "EMAIL: expected"),
        (
            ["staff", "add", "x@example.org", "--role=king"],
            "viewer, clerk or admin",
        ),
    ] {
        let ran = area.installation.command(&arguments).output().unwrap();
        let error = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            !ran.status.success() && ran.stdout.is_empty(),
            "{arguments:?}"
        );
        assert!(error.contains(told), "{error}");
    }
    area.run_staff(&["add", "root@example.org", "--role", "admin"]);
    assert!(
        area.run_staff(&["list"])
            .contains("root@example.org\tadmin\tinvited")
    );
}

#[tokio::test]
async fn a_new_link_replaces_the_old_one_and_links_expire() {
    let area = Area::start(Stores::Embedded).await;
    let old = area.run_staff(&["add", "ana@example.org", "--role", "viewer"]);
    let new = area.run_staff(&["link", "ana@example.org"]);
    let mut ana = Person::new(&area.app);
    let path = |link: &str| format!("/staff/{}", link.split_once("/staff/").unwrap().1);
    assert_eq!(ana.get(&path(&old)).await.status, 404);
    assert_eq!(ana.get(&path(&new)).await.status, 200);
    let beto = area.add_account("beto", Role::Viewer, &[]).await;
    let long_ago = Timestamp::now() - SignedDuration::from_hours(48);
    let link = issue_link(&area.store, beto.id, false, long_ago)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        ana.get(&format!("/staff/password/{}", link.expose()))
            .await
            .status,
        404
    );
    area.run_staff(&["close", "ana@example.org"]);
    assert_eq!(ana.get(&path(&new)).await.status, 404);
}
