//! Reviews: somebody sends a document that another person sent before, and staff of either place decide who keeps it.

use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;
use serde_json::Value;

use crate::area::Area;
use crate::correction::log_in_clerk;
use crate::person::{Page, Person};
use jornada_testkit::instance::{Stores, expect_problem, form_with_photo};

const REASON: &str = "Comparadas las fotos";

/// Registers a person, or asks for a review; returns the status and the answer.
async fn send(area: &Area, [name, document, city]: [&str; 3], review: bool) -> (u16, Value) {
    let mut form = form_with_photo(name, document, city);
    if review {
        form = form.text("_review", "true");
    }
    let answer = area.app.send(form, None).await;
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

async fn register(area: &Area, person: [&str; 3]) -> Value {
    let (status, registered) = send(area, person, false).await;
    assert_eq!(status, 201, "{registered}");
    registered
}

/// Asks for a review and returns what is answered.
async fn ask(area: &Area, person: [&str; 3]) -> Value {
    let (status, asked) = send(area, person, true).await;
    assert_eq!(status, 202, "{asked}");
    asked
}

fn review_path(area: &Area, asked: &Value) -> String {
    let id = asked["id"].as_str().unwrap();
    format!("/staff/c/{}/reviews/{id}", area.app.campaign)
}

async fn receipt_page(area: &Area, answer: &Value) -> (u16, String) {
    let receipt = answer["receipt"].as_str().unwrap();
    let page = area.app.get(&format!("/r/{receipt}")).await;
    (page.status().as_u16(), page.text().await.unwrap())
}

/// Looks at a review and decides it.
async fn decide(staff: &mut Person, path: &str, keep: &str) -> Page {
    let page = staff.get(path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let seen = page.between("name=\"seen\" value=\"", "\"").unwrap();
    let fields = [("seen", &*seen), ("keep", keep), ("reason", REASON)];
    staff.post(path, &fields).await
}

async fn wait_for_total(area: &Area, total: u64) {
    area.app
        .wait_until("each person is counted once", async |app| {
            app.total().await == Some(total)
        })
        .await;
}

async fn a_review_is_decided_by_staff_of_either_place(stores: Stores) {
    let area = Area::start(stores).await;
    let false_one = ["Basura Basura", "1032456789", "Cali"];
    let real = ["María Real", "1032456789", "Bogotá"];
    let first = register(&area, false_one).await;
    assert_eq!(send(&area, real, false).await.0, 409);
    let asked = ask(&area, real).await;
    assert_eq!(ask(&area, real).await, asked, "a retry");
    assert_eq!(send(&area, real, false).await, (202, asked.clone()));
    let (status, page) = receipt_page(&area, &asked).await;
    assert!(status == 200 && page.contains("no ha decidido"), "{page}");
    assert!(!page.contains("María"));

    let path = review_path(&area, &asked);
    let queue = format!("/staff/c/{}/reviews", area.app.campaign);
    let mut elsewhere = log_in_clerk(&area, "pasto", &["Pasto"]).await;
    assert!(!elsewhere.get(&queue).await.body.contains(&path));
    for below in ["", "/photo/disputed", "/photo/registered"] {
        let page = elsewhere.get(&format!("{path}{below}")).await;
        assert_eq!(page.status, 404, "{below}");
    }
    let mut one = log_in_clerk(&area, "cali", &["Cali"]).await;
    let mut two = log_in_clerk(&area, "bogota", &["Bogotá"]).await;
    for clerk in [&mut one, &mut two] {
        assert!(clerk.get(&queue).await.body.contains(&path));
        let page = clerk.get(&path).await;
        assert!(page.body.contains(real[0]) && page.body.contains(false_one[0]));
        for below in ["/photo/disputed", "/photo/registered"] {
            assert_eq!(clerk.get(&format!("{path}{below}")).await.status, 200);
        }
    }
    one.get(&path).await;
    for (keep, reason, status) in [
        ("", REASON, 422),
        ("disputed", "", 422),
        ("disputed", REASON, 409),
    ] {
        let fields = [("seen", "x"), ("keep", keep), ("reason", reason)];
        assert_eq!(one.post(&path, &fields).await.status, status, "{keep}");
    }
    let page = decide(&mut two, &path, "disputed").await;
    assert_eq!(
        (page.status, page.location()),
        (303, &*format!("{queue}?done=decided"))
    );
    assert_eq!(one.get(&path).await.status, 404, "it is decided");
    assert!(!one.get(&queue).await.body.contains(&path));

    let (status, page) = receipt_page(&area, &asked).await;
    assert!(
        status == 200 && page.contains("Registro recibido"),
        "{page}"
    );
    assert_eq!(receipt_page(&area, &first).await.0, 404);
    assert_eq!(send(&area, real, false).await, (200, asked.clone()));
    assert_eq!(send(&area, false_one, false).await.0, 409);
    assert_eq!(
        send(&area, ["Otra", "1032456789", "Cali"], false).await.0,
        409
    );
    wait_for_total(&area, 1).await;
    let id = asked["id"].as_str().unwrap();
    let photo = format!("/staff/c/{}/registrations/{id}/photo", area.app.campaign);
    assert_eq!(two.get(&photo).await.status, 200, "the photo is hers");
    let list = format!("/staff/c/{}/registrations", area.app.campaign);
    two.get(&list).await;
    let found = two.post(&list, &[("what", "1.032.456.789")]).await;
    let found = two.get(found.location()).await;
    assert!(found.body.contains(real[0]), "{}", found.body);
    let entries = area.audit_entries(AuditAction::ReviewDecided).await;
    let decided = &entries.last().unwrap().record.event;
    assert_eq!(decided.detail["keep"], "disputed");
    assert_eq!(decided.detail["reason"], REASON);
    assert_eq!(decided.subjects.len(), 2);
}

async fn a_review_may_keep_the_earlier_registration(stores: Stores) {
    let area = Area::start(stores).await;
    let first = ["Ana Ejemplo", "2001", "Cali"];
    let other = ["Otra Persona", "2001", "Cali"];
    register(&area, first).await;
    let asked = ask(&area, other).await;
    let mut clerk = log_in_clerk(&area, "cali", &[]).await;
    let path = review_path(&area, &asked);
    assert_eq!(decide(&mut clerk, &path, "registered").await.status, 303);
    let (status, page) = receipt_page(&area, &asked).await;
    assert!(status == 200 && page.contains("queda el registro anterior"));
    assert_eq!(send(&area, other, true).await, (202, asked), "a late retry");
    assert_eq!(send(&area, first, false).await.0, 200);
    assert!(!clerk.get(&path).await.body.contains(other[0]));
    for name in ["Persona Uno", "Persona Dos", "Persona Tres"] {
        ask(&area, [name, "2001", "Cali"]).await;
    }
    let form = form_with_photo("Persona Cuatro", "2001", "Cali").text("_review", "true");
    let full = expect_problem(area.app.send(form, None).await, 409).await;
    assert_eq!(full["type"], "urn:jornada:problem:reviews-full");
    wait_for_total(&area, 1).await;
}

/// Corrects the document of a registration through the page.
async fn correct(clerk: &mut Person, area: &Area, registered: &Value, document: &str) {
    let id = registered["id"].as_str().unwrap();
    let path = format!("/staff/c/{}/registrations/{id}/correct", area.app.campaign);
    let page = clerk.get(&path).await;
    let version = page.between("name=\"_version\" value=\"", "\"").unwrap();
    let fields = [
        ("_version", &*version),
        ("documento", document),
        ("_reason", REASON),
    ];
    assert_eq!(clerk.post(&path, &fields).await.status, 303);
}

/// Disputes a number, and keeps that submission.
async fn keep_disputed(clerk: &mut Person, area: &Area, person: [&str; 3]) {
    let asked = ask(area, person).await;
    let page = decide(clerk, &review_path(area, &asked), "disputed").await;
    assert_eq!(page.status, 303, "{}", page.body);
}

async fn a_review_follows_corrections_and_deletions(stores: Stores) {
    let area = Area::start(stores).await;
    let mut clerk = log_in_clerk(&area, "cali", &[]).await;
    let mut admin = Person::logged_in(&area, "ada@example.org", Role::Admin).await;

    // The earlier registration has another document by now: both stay.
    let one = register(&area, ["Ana Ejemplo", "3001", "Cali"]).await;
    correct(&mut clerk, &area, &one, "3002").await;
    keep_disputed(&mut clerk, &area, ["Beto Ejemplo", "3001", "Cali"]).await;
    assert_eq!(receipt_page(&area, &one).await.0, 200);
    wait_for_total(&area, 2).await;
    // The next dispute of the number is about the second registration.
    let third = ask(&area, ["Carla Ejemplo", "3001", "Cali"]).await;
    let page = clerk.get(&review_path(&area, &third)).await;
    assert!(page.body.contains("Beto Ejemplo"), "{}", page.body);

    // A corrected document is disputed: the registration gives up both.
    keep_disputed(&mut clerk, &area, ["Dora Ejemplo", "3002", "Cali"]).await;
    assert_eq!(receipt_page(&area, &one).await.0, 404);
    wait_for_total(&area, 2).await;

    // A deletion that was asked for: only an administrator may keep another submission.
    let gone = register(&area, ["Eva Ejemplo", "3003", "Cali"]).await;
    let erase = [
        "erase",
        gone["receipt"].as_str().unwrap(),
        "--reason",
        REASON,
    ];
    assert!(
        area.installation
            .command(&erase)
            .output()
            .unwrap()
            .status
            .success()
    );
    let asked = ask(&area, ["Eva Ejemplo Real", "3003", "Cali"]).await;
    let path = review_path(&area, &asked);
    assert_eq!(decide(&mut clerk, &path, "disputed").await.status, 422);
    assert_eq!(decide(&mut admin, &path, "disputed").await.status, 303);
    wait_for_total(&area, 3).await;
    assert_eq!(
        send(&area, ["Eva Ejemplo", "3003", "Cali"], false).await.0,
        409
    );
    assert_eq!(
        send(&area, ["Eva Ejemplo Real", "3003", "Cali"], false)
            .await
            .0,
        200
    );

    // The number became free meanwhile.
    let one = register(&area, ["Fabio Ejemplo", "3004", "Cali"]).await;
    let asked = ask(&area, ["Gil Ejemplo", "3004", "Cali"]).await;
    let receipt = one["receipt"].as_str().unwrap();
    let erase = ["erase", receipt, "--false-entry", "--reason", REASON];
    assert!(
        area.installation
            .command(&erase)
            .output()
            .unwrap()
            .status
            .success()
    );
    let path = review_path(&area, &asked);
    assert_eq!(decide(&mut clerk, &path, "disputed").await.status, 303);
    wait_for_total(&area, 4).await;
    assert_eq!(
        send(&area, ["Gil Ejemplo", "3004", "Cali"], true).await.0,
        200
    );
}

macro_rules! on_both {
    ($($name:ident)*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() { super::$name(super::Stores::Embedded).await; })*
        }
        mod servers {
            $(#[tokio::test]
            async fn $name() { super::$name(super::Stores::Servers).await; })*
        }
    };
}

on_both! {
    a_review_is_decided_by_staff_of_either_place
    a_review_may_keep_the_earlier_registration
    a_review_follows_corrections_and_deletions
}
