//! Corrections through the pages: the history is kept, concurrent changes are detected, place scopes are enforced.

use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;

use crate::area::{Area, PASSWORD};
use crate::person::{Page, Person};
use jornada_testkit::instance::Stores;

const REASON: &str = "Letra mal leída";

/// Registers a person and returns the path of their page.
pub async fn register_person(area: &Area, name: &str, document: &str, city: &str) -> String {
    let answer = area.app.register(name, document, city).await;
    assert_eq!(answer.status(), 201);
    let told: serde_json::Value = answer.json().await.unwrap();
    let id = told["id"].as_str().unwrap();
    format!("/staff/c/{}/registrations/{id}", area.app.campaign)
}

/// Logs in a new clerk limited to these places.
pub async fn log_in_clerk(area: &Area, name: &str, places: &[&str]) -> Person {
    let mail = format!("{name}@example.org");
    let mut clerk = Person::invited(area, &mail, Role::Clerk, places).await;
    assert_eq!(clerk.log_in(&mail, PASSWORD, "").await.status, 303);
    clerk
}

/// Opens the correction form and returns its version.
async fn open_form(clerk: &mut Person, path: &str) -> String {
    let page = clerk.get(&format!("{path}/correct")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.between("name=\"_version\" value=\"", "\"").unwrap()
}

async fn send_form(clerk: &mut Person, path: &str, version: &str, answers: [&str; 3]) -> Page {
    let fields = [
        ("_version", version),
        ("nombre", answers[0]),
        ("documento", answers[1]),
        ("ciudad", answers[2]),
        ("_reason", REASON),
    ];
    clerk.post(&format!("{path}/correct"), &fields).await
}

async fn count_of(area: &Area, city: &str) -> u64 {
    let chart = area.app.chart().await.unwrap_or_default();
    let values = chart["values"].as_array().cloned().unwrap_or_default();
    let found = values.iter().find(|value| value["value"] == city);
    found.and_then(|value| value["count"].as_u64()).unwrap_or(0)
}

async fn detects_concurrent_corrections(stores: Stores) {
    let area = Area::start(stores).await;
    let path = register_person(&area, "Ana Ejenplo", "1001", "Cali").await;
    let (mut one, mut two) = (
        log_in_clerk(&area, "uno", &[]).await,
        log_in_clerk(&area, "dos", &[]).await,
    );
    let version = open_form(&mut one, &path).await;
    assert_eq!(open_form(&mut two, &path).await, version);
    let page = send_form(&mut one, &path, &version, ["Ana Ejemplo", "1001", "bogota"]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, &*format!("{path}?done=corrected"))
    );
    let again = send_form(&mut one, &path, &version, ["Ana Ejemplo", "1001", "bogota"]).await;
    assert_eq!(
        (again.status, again.location()),
        (303, page.location()),
        "a second click is no other clerk"
    );
    let page = send_form(&mut two, &path, &version, ["Ana Ejenplo", "1.002", "Cali"]).await;
    assert_eq!(page.status, 409, "{}", page.body);
    assert!(
        page.body.contains("value=\"1.002\""),
        "what was typed stays"
    );
    for now in [
        "<strong>Ana Ejemplo</strong>",
        "<strong>Bogotá</strong>",
        "<strong>1001</strong>",
    ] {
        assert!(page.body.contains(now), "what is there now is shown: {now}");
    }
    let version = page.between("name=\"_version\" value=\"", "\"").unwrap();
    let page = send_form(
        &mut two,
        &path,
        &version,
        ["Ana Ejemplo", "1.002", "Bogotá"],
    )
    .await;
    assert_eq!(page.status, 303, "{}", page.body);
    let page = one.get(&path).await;
    for shown in [
        "1002",
        "<del>1001</del>",
        "<del>Ana Ejenplo</del>",
        "<del>Cali</del>",
        REASON,
    ] {
        assert!(page.body.contains(shown), "{shown}");
    }
    area.app
        .wait_until("the totals follow", async |_| {
            count_of(&area, "Bogotá").await == 1 && count_of(&area, "Cali").await == 0
        })
        .await;
    let corrected = area.audit_entries(AuditAction::Correct).await;
    let fields: Vec<_> = corrected
        .iter()
        .map(|entry| &entry.record.event.detail["fields"])
        .collect();
    assert_eq!(fields, ["documento", "nombre ciudad"]);
}

#[tokio::test]
async fn concurrent_corrections_are_detected_on_one_machine() {
    detects_concurrent_corrections(Stores::Embedded).await;
}

#[tokio::test]
async fn concurrent_corrections_are_detected_on_several_machines() {
    detects_concurrent_corrections(Stores::Servers).await;
}

#[tokio::test]
async fn of_two_simultaneous_corrections_one_succeeds() {
    let area = Area::start(Stores::Embedded).await;
    let path = register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    let (mut one, mut two) = (
        log_in_clerk(&area, "uno", &[]).await,
        log_in_clerk(&area, "dos", &[]).await,
    );
    for round in 0..5 {
        let version = open_form(&mut one, &path).await;
        assert_eq!(open_form(&mut two, &path).await, version);
        let names = [format!("Ana A{round}"), format!("Ana B{round}")];
        let (first, second) = tokio::join!(
            send_form(&mut one, &path, &version, [&names[0], "1001", "Cali"]),
            send_form(&mut two, &path, &version, [&names[1], "1001", "Cali"]),
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409]);
    }
}

#[tokio::test]
async fn a_clerk_of_another_city_gets_404_and_is_audited() {
    let area = Area::start(Stores::Embedded).await;
    let path = register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    let mut clerk = log_in_clerk(&area, "oficina", &["Bogotá"]).await;
    clerk.get("/staff").await;
    for below in ["", "/print", "/correct", "/photo"] {
        let page = clerk.get(&format!("{path}{below}")).await;
        assert_eq!(page.status, 404, "{below}");
        assert!(!page.body.contains("Ejemplo") && !page.body.contains("1001"));
    }
    let page = send_form(&mut clerk, &path, "0", ["Ana", "1001", "Bogotá"]).await;
    assert_eq!(page.status, 404);
    let refused = area.audit_entries(AuditAction::AccessDenied).await;
    assert_eq!(refused.len(), 5);
    let id = path.rsplit('/').next().unwrap();
    for entry in &refused {
        assert_eq!(entry.record.event.subjects, [format!("registration:{id}")]);
    }
    assert!(
        area.audit_entries(AuditAction::ViewRegistration)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_clerk_cannot_move_a_registration_out_of_their_places() {
    let area = Area::start(Stores::Embedded).await;
    let path = register_person(&area, "Ana Ejemplo", "1001", "Bogotá").await;
    let mut clerk = log_in_clerk(&area, "oficina", &["Bogotá", "Chía"]).await;
    let version = open_form(&mut clerk, &path).await;
    let page = send_form(&mut clerk, &path, &version, ["Ana Otra", "1001", "Cali"]).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("administración"), "words say what to do");
    assert!(page.body.contains("value=\"Ana Otra\""));
    assert_eq!(area.audit_entries(AuditAction::AccessDenied).await.len(), 1);
    let page = send_form(&mut clerk, &path, &version, ["Ana Ejemplo", "1001", "chia"]).await;
    assert_eq!(page.status, 303, "between their own places they may");
}

#[tokio::test]
async fn the_form_shows_the_retention_and_the_page_the_consent_version() {
    let area = Area::start(Stores::Embedded).await;
    let form = format!("/c/{}?lang=es", area.app.campaign);
    let form = area.app.get(&form).await.text().await.unwrap();
    assert!(form.contains("Guardamos sus datos hasta el"), "{form}");
    assert!(form.contains("; su foto, hasta el"), "{form}");
    assert!(!form.contains("m..<"), "{form}");
    let path = register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    let page = log_in_clerk(&area, "oficina", &[]).await.get(&path).await;
    let version = page.between("Texto que aceptó (versión)</dt>\n<dd class=\"mono\">", "<");
    assert!(
        version.is_some_and(|version| !version.is_empty()),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn each_problem_is_shown_beside_its_field() {
    let area = Area::start(Stores::Embedded).await;
    let path = register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    register_person(&area, "Beto Ejemplo", "2002", "Cali").await;
    let mut clerk = log_in_clerk(&area, "oficina", &[]).await;
    let version = open_form(&mut clerk, &path).await;
    let page = send_form(&mut clerk, &path, &version, ["", "x", "Narnia"]).await;
    assert_eq!(page.status, 422);
    for field in ["nombre", "documento", "ciudad"] {
        assert!(
            page.body.contains(&format!("id=\"f-{field}-error\"")),
            "{field}"
        );
    }
    let page = send_form(&mut clerk, &path, &version, ["Ana Ejemplo", "2002", "Cali"]).await;
    assert_eq!(page.status, 409, "the document of somebody else");
    assert!(page.body.contains("ya es de otro registro"));
    let page = send_form(&mut clerk, &path, &version, ["Ana Ejemplo", "1001", "Cali"]).await;
    assert_eq!(page.location(), format!("{path}?done=same"));
    let fields = [
        ("_version", &*version),
        ("nombre", "Ana Otra"),
        ("_reason", ""),
    ];
    let page = clerk.post(&format!("{path}/correct"), &fields).await;
    assert_eq!(page.status, 422, "without a reason");
    let page = clerk.get(&path).await;
    assert!(page.body.contains("Ana Ejemplo") && !page.body.contains("<del>"));
}

async fn claims_few_documents_and_meets_few_that_are_taken(stores: Stores) {
    let area = Area::start(stores).await;
    let path = register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    register_person(&area, "Beto Ejemplo", "2002", "Cali").await;
    let mut clerk = log_in_clerk(&area, "oficina", &[]).await;
    open_form(&mut clerk, &path).await;
    for (number, document) in ["3001", "3002", "3003", "3004", "3005"].iter().enumerate() {
        let version = number.to_string();
        let page = send_form(
            &mut clerk,
            &path,
            &version,
            ["Ana Ejemplo", document, "Cali"],
        )
        .await;
        assert_eq!(page.status, 303, "{}", page.body);
    }
    let page = send_form(&mut clerk, &path, "5", ["Ana Ejemplo", "3006", "Cali"]).await;
    assert_eq!(page.status, 409);
    assert!(
        page.body.contains("otros cinco documentos"),
        "{}",
        page.body
    );
    let page = send_form(&mut clerk, &path, "5", ["Ana Ejemplo", "3001", "Cali"]).await;
    assert_eq!(page.status, 303, "one that it has");

    let path = register_person(&area, "Carla Ejemplo", "4001", "Cali").await;
    let mut statuses = Vec::new();
    for _ in 0..11 {
        let answers = ["Carla Ejemplo", "2002", "Cali"];
        statuses.push(send_form(&mut clerk, &path, "0", answers).await.status);
    }
    assert_eq!(statuses, [&[409; 10][..], &[429]].concat());
    let corrected = area.audit_entries(AuditAction::Correct).await;
    let outcomes = corrected
        .iter()
        .filter_map(|entry| entry.record.event.detail.get("outcome"));
    let mut outcomes: Vec<_> = outcomes.map(String::as_str).collect();
    outcomes.dedup();
    let mut expected = ["too-many", "taken", "limited"];
    if outcomes.first() != expected.first() {
        expected.reverse();
    }
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn few_documents_are_claimed_on_one_machine() {
    claims_few_documents_and_meets_few_that_are_taken(Stores::Embedded).await;
}

#[tokio::test]
async fn few_documents_are_claimed_on_several_machines() {
    claims_few_documents_and_meets_few_that_are_taken(Stores::Servers).await;
}
