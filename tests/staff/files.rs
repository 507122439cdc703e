//! Report files: reused while nothing changed, available to their requesters, and deleted when they expire.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use jornada_domain::RegistrationId;
use jornada_domain::history::{Deletion, DeletionCause};
use jornada_domain::staff::Role;
use jornada_objects::ObjectStore;
use jornada_objects::ObjectStoreSetting;
use jornada_objects::encryption::{Encryptor, KeyEncryptionKey, MasterKey};
use jornada_service::campaigns::Campaigns;
use jornada_service::retention::cleaner::ReportCleaner;
use jornada_store::UpdateOutcome;
use serde_json::Value;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use crate::report_client::{Program, job_id};
use jornada_testkit::instance::Stores;

#[tokio::test]
async fn a_file_is_reused_until_something_changes() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    area.app.register("Luz Ejemplo", "1002", "Leticia").await;
    let program = Program::new(&area).await;
    let first = program
        .request_file(&area.app, "value=Cali&format=csv")
        .await;
    let file = program.get(&area.app, &first).await;
    assert_eq!(file.headers()["cache-control"], "no-store");
    let disposition = file.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("-Cali.csv\""), "{disposition}");
    let bytes = file.bytes().await.unwrap();
    let mut ana = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    assert_eq!(ana.get(&first).await.status, 404, "she has not asked");
    let page = format!("/staff/c/{}/reports", area.app.campaign);
    ana.get(&page).await;
    let shared = ana
        .post(&page, &[("value", "Cali"), ("format", "csv")])
        .await;
    assert_eq!((shared.status, shared.location()), (303, first.as_str()));
    assert_eq!(ana.get(&first).await.body.as_bytes(), bytes);
    // A registration of another city does not change this report.
    area.app.register("Eva Ejemplo", "1003", "Leticia").await;
    assert_eq!(
        program
            .request_file(&area.app, "value=cali&format=csv")
            .await,
        first
    );
    area.app.register("Sol Ejemplo", "1004", "Cali").await;
    let second = program
        .request_file(&area.app, "value=Cali&format=csv")
        .await;
    assert_ne!(second, first);
    let longer = program.get(&area.app, &second).await;
    assert_eq!(longer.headers()["x-report-rows"], "2");
    let days = "value=Cali&format=csv&from=2001-01-01&until=2001-01-02";
    let earlier = program.request_file(&area.app, days).await;
    let earlier = program.get(&area.app, &earlier).await;
    assert_eq!(earlier.headers()["x-report-rows"], "0");
}

#[tokio::test]
async fn a_clerk_of_one_city_sees_no_report_of_another() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    area.app.register("Luz Ejemplo", "1002", "Leticia").await;
    let program = Program::new(&area).await;
    let leticia = program
        .request_file(&area.app, "value=Leticia&format=csv")
        .await;
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["Cali"]).await;
    ana.log_in("ana@example.org", PASSWORD, "").await;
    let page = format!("/staff/c/{}/reports", area.app.campaign);
    let shown = ana.get(&page).await;
    assert!(shown.body.contains("value=\"Cali\"") && !shown.body.contains("Leticia"));
    for (value, status) in [
        ("Cali", 303),
        ("Leticia", 404),
        ("_all", 404),
        ("Atlantis", 404),
        ("", 422),
    ] {
        ana.get(&page).await;
        let asked = ana
            .post(&page, &[("value", value), ("format", "csv")])
            .await;
        assert_eq!(asked.status, status, "{value}");
    }
    let theirs = leticia.trim_end_matches("/file");
    for path in ["", "/file", "/progress"] {
        assert_eq!(ana.get(&format!("{theirs}{path}")).await.status, 404);
    }
    ana.get(&page).await;
    assert_eq!(ana.post(&format!("{theirs}/cancel"), &[]).await.status, 404);
    for fields in [
        [("value", "Cali"), ("format", "pdf"), ("from", "")],
        [("value", "Cali"), ("format", "csv"), ("from", "ayer")],
    ] {
        ana.get(&page).await;
        assert_eq!(ana.post(&page, &fields).await.status, 422, "{fields:?}");
    }
}

/// Returns the cleaner for this area's report files, and their folder.
fn sweeper(area: &Area) -> (ReportCleaner, PathBuf) {
    let folder = area.installation.folder.path().join("data/photos");
    let encryptor =
        Encryptor::new(KeyEncryptionKey::generate(MasterKey::new(&[1; 32]).id()).unwrap());
    let photos = ObjectStore::new(&ObjectStoreSetting::Disk(folder.clone()), encryptor);
    (ReportCleaner::new(area.store.clone(), photos), folder)
}

fn later(minutes: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn files_are_deleted_after_a_day() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let program = Program::new(&area).await;
    let file = program
        .request_file(&area.app, "value=Cali&format=csv")
        .await;
    let (sweeper, folder) = sweeper(&area);
    assert_eq!(sweeper.delete_expired(later(23 * 60)).await.unwrap(), 0);
    assert_eq!(program.get(&area.app, &file).await.status(), 200);
    assert_eq!(sweeper.delete_expired(later(25 * 60)).await.unwrap(), 1);
    assert_eq!(program.get(&area.app, &file).await.status(), 404);
    assert_eq!(area.store.job(job_id(&file)).await.unwrap(), None);
    let left = std::fs::read_dir(folder.join("_reports").join(&area.app.campaign));
    assert_eq!(left.unwrap().count(), 0);
}

#[tokio::test]
async fn a_report_with_a_deleted_registration_is_not_reused_and_expires_early() {
    let area = Area::start(Stores::Embedded).await;
    let answer = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let registered: Value = answer.json().await.unwrap();
    let program = Program::new(&area).await;
    let file = program
        .request_file(&area.app, "value=Cali&format=csv")
        .await;
    let campaigns = Campaigns::read(&area.installation.folder.path().join("campaigns"));
    let campaigns = campaigns.unwrap();
    let campaign = campaigns.get(&area.app.campaign).unwrap();
    let ana = RegistrationId::parse(registered["id"].as_str().unwrap()).unwrap();
    let ana = area.store.history(campaign, ana).await.unwrap().unwrap();
    let deletion = Deletion {
        at: Timestamp::now(),
        by: "account:x".into(),
        reason: "pedido".into(),
        tally_value: "Cali".into(),
        cause: DeletionCause::Requested,
    };
    let deleted = area.store.delete(campaign, &ana, &deletion).await;
    assert_eq!(deleted.unwrap(), UpdateOutcome::Updated);
    let without = program
        .request_file(&area.app, "value=Cali&format=csv")
        .await;
    assert_ne!(without, file);
    let listed = program.get(&area.app, &without).await;
    assert_eq!(listed.headers()["x-report-rows"], "0");
    let (sweeper, _) = sweeper(&area);
    assert_eq!(
        sweeper.delete_expired(later(1)).await.unwrap(),
        0,
        "it can be fetched"
    );
    assert_eq!(sweeper.delete_expired(later(11)).await.unwrap(), 1);
    assert_eq!(program.get(&area.app, &file).await.status(), 404);
    assert_eq!(program.get(&area.app, &without).await.status(), 200);
}
