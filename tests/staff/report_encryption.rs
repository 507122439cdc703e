//! Report files at rest: encrypted, rejected when altered, and readable across a key rotation.

use std::path::PathBuf;

use jornada_domain::staff::audit::AuditAction;

use crate::area::Area;
use crate::many_registrations::start_with_many;
use crate::report_client::{Program, job_id};
use jornada_testkit::instance::{Installation, Stores};

/// Length in bytes of the header of an encrypted file.
const HEADER_BYTES: usize = 84;
const CSV: &str = "value=Cali&format=csv";

/// Returns the path of the file from the job's first attempt.
fn file_path(area: &Area, page: &str, extension: &str) -> PathBuf {
    let folder = area.installation.folder.path().join("data/photos/_reports");
    let job = folder
        .join(&area.app.campaign)
        .join(job_id(page).to_string());
    job.join(format!("1.{extension}"))
}

fn contains(bytes: &[u8], words: &str) -> bool {
    bytes
        .windows(words.len())
        .any(|part| part == words.as_bytes())
}

#[tokio::test]
async fn stored_reports_are_encrypted() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let program = Program::new(&area).await;
    for (extension, word) in [("csv", "Ana Ejemplo"), ("xlsx", "PK\x03\x04")] {
        let fields = format!("value=Cali&format={extension}");
        let page = program.request_file(&area.app, &fields).await;
        let kept = std::fs::read(file_path(&area, &page, extension)).unwrap();
        let told = program.get(&area.app, &page).await.bytes().await.unwrap();
        assert!(
            contains(&told, word) && !contains(&kept, word),
            "{extension}"
        );
        assert!(kept.len() > told.len());
    }
}

#[tokio::test]
async fn an_altered_report_is_not_sent_and_is_audited() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    area.app.register("Luz Ejemplo", "1002", "Tunja").await;
    let program = Program::new(&area).await;
    let page = program.request_file(&area.app, CSV).await;
    let path_1 = file_path(&area, &page, "csv");
    let other = program
        .request_file(&area.app, "value=Tunja&format=csv")
        .await;
    let other = std::fs::read(file_path(&area, &other, "csv")).unwrap();
    let whole = std::fs::read(&path_1).unwrap();
    let mut seen = area.store.audit_head().await.unwrap().seq;
    let cut = whole[..whole.len() - 1].to_vec();
    let exchanged = [&other[..HEADER_BYTES], &whole[HEADER_BYTES..]].concat();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for altered in [cut, exchanged, flipped] {
        std::fs::write(&path_1, altered).unwrap();
        assert_eq!(program.get(&area.app, &page).await.status(), 500);
        let deed = area.next_entry(&mut seen).await.record.event;
        assert_eq!(deed.action, AuditAction::ReportAltered);
        assert_eq!(deed.detail["value"], "Cali");
    }
    let again = program.request_file(&area.app, CSV).await;
    assert_ne!(again, page, "it is made again for who asks again");
    std::fs::write(&path_1, whole).unwrap();
    let told = program.get(&area.app, &page).await.text().await.unwrap();
    assert!(told.contains("Ana Ejemplo"));
}

#[tokio::test]
async fn a_report_altered_after_its_start_is_aborted_and_audited() {
    let area = start_with_many(Stores::Embedded).await;
    let program = Program::new(&area).await;
    let page = program.request_file(&area.app, CSV).await;
    let path = file_path(&area, &page, "csv");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let seen = area.store.audit_head().await.unwrap().seq;
    let begun = program.get(&area.app, &page).await;
    assert_eq!(begun.status(), 200);
    assert!(begun.bytes().await.is_err(), "it breaks off");
    let written = area.entries(seen).await;
    let written: Vec<_> = written
        .iter()
        .map(|entry| entry.record.event.action)
        .collect();
    assert_eq!(
        written,
        [AuditAction::ReportFile, AuditAction::ReportAltered]
    );
    let again = program.request_file(&area.app, CSV).await;
    assert_ne!(again, page, "it is made again for who asks again");
    let whole = program.get(&area.app, &again).await;
    let rows = whole.headers()["x-report-rows"].clone();
    let lines = whole.text().await.unwrap().lines().count();
    assert_eq!(rows, (lines - 1).to_string());
}

#[tokio::test]
async fn reports_are_readable_during_and_after_a_key_rotation() {
    let (old, new) = ("0a".repeat(32), "0b".repeat(32));
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_PHOTO_KEY", &format!("{old},{new}"));
    let mut area = Area::start_with(installation).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let program = Program::new(&area).await;
    let before = program.request_file(&area.app, CSV).await;
    area.installation
        .set("JORNADA_PHOTO_KEY", &format!("{new},{old}"));
    let second = area.installation.start().await;
    let meanwhile = program.request_file(&second, "value=_all&format=csv").await;
    let rewrap = area.installation.command(&["photos", "rewrap"]).output();
    assert!(rewrap.unwrap().status.success());
    area.installation.set("JORNADA_PHOTO_KEY", &new);
    let third = area.installation.start().await;
    for app in [&area.app, &second, &third] {
        for page in [&before, &meanwhile] {
            let told = program.get(app, page).await;
            assert_eq!(told.status(), 200);
            assert!(told.text().await.unwrap().contains("Ana Ejemplo"));
        }
    }
}
