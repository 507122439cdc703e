//! Early closure of a campaign: applied by form and API on every instance.

use std::time::{Duration, Instant};

use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;

use crate::area::Area;
use crate::person::Person;
use jornada_testkit::instance::{RunningInstance, Stores, expect_problem};

const REASON: &str = "Ya no hay dosis";

/// Waits until the form of an instance answers with this status, and returns the time it took.
async fn wait_for_form_status(app: &RunningInstance, status: u16) -> Duration {
    let start = Instant::now();
    let path = format!("/c/{}", app.campaign);
    app.wait_until("the form says so", async |app| {
        app.get(&path).await.status() == status
    })
    .await;
    start.elapsed()
}

async fn closes_everywhere(stores: Stores) {
    let area = Area::start(stores).await;
    let other = area.installation.start().await;
    let path = format!("/staff/c/{}/close", area.app.campaign);
    let reopen = format!("/staff/c/{}/reopen", area.app.campaign);
    let mut admin = Person::logged_in(&area, "ada@example.org", Role::Admin).await;
    assert!(admin.get(&path).await.body.contains("name=\"reason\""));
    let page = admin.post(&path, &[("reason", "no")]).await;
    assert_eq!(page.status, 422, "a reason says something");
    assert_eq!(
        area.app.register("Ana Uno", "1001", "Cali").await.status(),
        201
    );
    let page = admin.post(&path, &[("reason", REASON)]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, &*format!("{path}?done=closed"))
    );
    let refused = area.app.register("Ana Dos", "1002", "Cali").await;
    let told = expect_problem(refused, 403).await;
    assert_eq!(told["type"], "urn:jornada:problem:not-open");
    let late = wait_for_form_status(&other, 403).await;
    assert!(late < Duration::from_secs(10), "{late:?}");
    expect_problem(other.register("Ana Dos", "1002", "Cali").await, 403).await;
    let form = area.app.get(&format!("/c/{}", area.app.campaign)).await;
    assert_eq!(form.status(), 403);
    assert!(form.text().await.unwrap().contains("ya cerró"));
    let page = admin.get(&path).await;
    assert!(page.body.contains(REASON));
    let page = admin.post(&reopen, &[("reason", "Llegaron dosis")]).await;
    assert_eq!(page.status, 303);
    assert_eq!(
        area.app.register("Ana Dos", "1002", "Cali").await.status(),
        201
    );
    wait_for_form_status(&other, 200).await;
    assert_eq!(area.audit_entries(AuditAction::Close).await.len(), 1);
    let opened = area.audit_entries(AuditAction::Reopen).await;
    assert_eq!(opened[0].record.event.detail["reason"], "Llegaron dosis");
}

#[tokio::test]
async fn a_closed_campaign_rejects_registrations_on_one_machine() {
    closes_everywhere(Stores::Embedded).await;
}

#[tokio::test]
async fn a_closed_campaign_rejects_registrations_on_several_machines() {
    closes_everywhere(Stores::Servers).await;
}
