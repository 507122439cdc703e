//! Retention periods, and the export and erasure of one person's data.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::on_both;
use crate::photos::stored_photos;
use jornada_testkit::instance::{
    DEFAULT_TIMEOUT, Installation, RunningInstance, Stores, form_with_photo,
};

on_both!(
    expired_data_is_deleted_once_by_concurrent_sweeps,
    a_person_is_exported_and_erased,
);

/// Rewrites the campaign file: the campaign ended years ago and has these retention periods.
pub fn end_campaign(installation: &Installation, retain: &str) {
    let file = installation.folder.path().join("campaigns/vacunacion.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines = text.lines().map(|line| match line.split(" = ").next() {
        Some("opens_at") => "opens_at = 2020-11-01T06:00:00-05:00".to_owned(),
        Some("closes_at") => "closes_at = 2020-11-30T18:00:00-05:00".to_owned(),
        Some("retain_days") => format!("retain_days = {retain}"),
        _ => line.to_owned(),
    });
    std::fs::write(file, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

pub fn run_command(installation: &Installation, arguments: &[&str]) -> (bool, String) {
    let ran = installation.command(arguments).output().unwrap();
    let told = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8(told).unwrap())
}

pub fn run_sweep(installation: &Installation, arguments: &[&str]) -> Value {
    let (done, told) = run_command(installation, &[&["sweep"], arguments].concat());
    assert!(done, "{told}");
    let line = told.lines().find(|line| line.starts_with('{')).unwrap();
    serde_json::from_str(line).unwrap()
}

/// Registers `count` people and returns the receipt number of the first.
async fn register_people(app: &RunningInstance, count: u32) -> String {
    let mut first = None;
    for number in 0..count {
        let form = form_with_photo("Ana Ejemplo", &format!("7000{number:03}"), "Cali");
        let answer = app.send(form, None).await;
        assert_eq!(answer.status(), 201);
        let receipt: Value = answer.json().await.unwrap();
        let receipt = receipt["receipt"].as_str().map(str::to_owned);
        first = first.or(receipt);
    }
    first.unwrap()
}

async fn expired_data_is_deleted_once_by_concurrent_sweeps(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let receipt = register_people(&app, 60).await;
    assert_eq!(run_sweep(&installation, &["--dry-run"])["photos"], 0);

    end_campaign(&installation, "{ photos = 1 }");
    assert_eq!(run_sweep(&installation, &["--dry-run"])["photos"], 60);
    let swept = run_sweep(&installation, &[]);
    assert_eq!(
        (&swept["photos"], &swept["registrations"]),
        (&60.into(), &0.into())
    );
    assert_eq!(run_sweep(&installation, &[])["photos"], 0);
    let file = installation.folder.path().join("with.zip");
    let told = export_person(&installation, &receipt, &file);
    assert!(told["photo_erased_at"].is_string(), "{told}");
    assert!(told["photo"].is_null());
    assert_eq!(told["answers"][0]["answer"], "Ana Ejemplo");

    end_campaign(&installation, "{ answers = 1 }");
    let both = std::thread::scope(|scope| {
        let started = [(); 2].map(|()| scope.spawn(|| run_command(&installation, &["sweep"])));
        started.map(|sweep| sweep.join().unwrap().1)
    });
    let erased = both.iter().filter_map(|told| {
        let line = told.lines().find(|line| line.starts_with('{'))?;
        serde_json::from_str::<Value>(line).unwrap()["registrations"].as_u64()
    });
    assert_eq!(erased.sum::<u64>(), 60, "{both:?}");
    app.wait_until("nobody is counted", async |app| {
        app.total().await == Some(0)
    })
    .await;
    assert_eq!(app.get(&format!("/r/{receipt}")).await.status(), 404);
}

#[tokio::test]
async fn a_killed_sweep_is_finished_by_the_next() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    register_people(&app, 120).await;
    let photos = installation.folder.path().join("data/photos");
    end_campaign(&installation, "{ photos = 1 }");
    for _ in 0..10 {
        let before = count_photos(&photos);
        // On a busy machine more are deleted before the kill.
        if before < 20 {
            break;
        }
        let mut child = installation.command(&["sweep"]).spawn().unwrap();
        // After some of them, and so anywhere between the steps of one.
        let start = Instant::now();
        while count_photos(&photos) + 5 > before {
            assert!(start.elapsed() < DEFAULT_TIMEOUT, "{before} photos stay");
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it is killed before its end");
        child.kill().unwrap();
        child.wait().unwrap();
        // No registration refers to a deleted photo.
        let store = rusqlite::Connection::open(installation.folder.path().join("data/jornada.db"));
        let claimed = "SELECT count(*) FROM registrations WHERE photo_sha256 IS NOT NULL";
        let claimed = store
            .unwrap()
            .query_row(claimed, (), |row| row.get::<_, i64>(0));
        assert!(usize::try_from(claimed.unwrap()).unwrap() <= count_photos(&photos));
        release_lease(&installation);
    }
    run_sweep(&installation, &[]);
    app.wait_until_within("the remover has seen to it", 90, async |_| {
        count_photos(&photos) == 0
    })
    .await;
    assert_eq!(app.total().await, Some(120));
}

#[tokio::test]
async fn an_older_backup_does_not_restore_erased_people() {
    let installation = Installation::new(Stores::Embedded);
    let mut app = installation.start().await;
    let receipt = register_people(&app, 3).await;
    app.signal("-TERM");
    app.wait_for_exit().await;
    let data = installation.folder.path().join("data/jornada.db");
    let backup = installation.folder.path().join("backup.db");
    let copy = rusqlite::Connection::open(&data).unwrap();
    let sql = format!("VACUUM INTO '{}'", backup.display());
    copy.execute(&sql, ()).unwrap();
    drop(copy);
    let reason = ["erase", &receipt, "--reason", "lo pidió la persona"];
    assert!(run_command(&installation, &reason).0);
    let list = installation
        .command(&["erased", "export"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&list.stdout).lines().count(), 1);
    let erased = installation.folder.path().join("erased.jsonl");
    std::fs::write(&erased, list.stdout).unwrap();

    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", data.display())).ok();
    }
    std::fs::copy(&backup, &data).unwrap();
    // The backup does not restore the photo.
    let back = installation.folder.path().join("back.zip");
    let told = export_person(&installation, &receipt, &back);
    assert_eq!(told["photo"]["state"], "missing");
    assert_eq!(told["answers"][0]["answer"], "Ana Ejemplo");
    let lines = std::fs::read_to_string(&erased).unwrap();
    let elsewhere = lines.replace(&format!("\"{}\"", app.campaign), "\"otra\"");
    std::fs::write(&erased, format!("{elsewhere}{lines}")).unwrap();
    for expected in ["1 erased again", "0 erased again"] {
        let (done, told) = run_command(
            &installation,
            &["erased", "replay", &erased.display().to_string()],
        );
        assert!(!done && told.contains(expected), "{told}");
        assert!(told.contains("otra.toml (1)"), "{told}");
    }
    let app = installation.start().await;
    assert_eq!(app.get(&format!("/r/{receipt}")).await.status(), 404);
    assert_eq!(app.total().await, Some(2));
    let again = form_with_photo("Ana Ejemplo", "7000000", "Cali");
    assert_eq!(app.send(again, None).await.status(), 409);
}

#[tokio::test]
async fn an_altered_photo_is_left_out_of_an_export_and_audited() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let receipt = register_people(&app, 1).await;
    for photo in stored_photos(&installation) {
        let mut bytes = std::fs::read(&photo).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(photo, bytes).unwrap();
    }
    let file = installation.folder.path().join("ana.zip");
    let told = export_person(&installation, &receipt, &file);
    assert_eq!(told["photo"]["state"], "altered");
    assert_eq!(told["answers"][0]["answer"], "Ana Ejemplo");
    let zip = zip::ZipArchive::new(File::open(&file).unwrap()).unwrap();
    assert_eq!(zip.len(), 1, "no photo");
    let (_, record) = run_command(&installation, &["audit", "export", "--format", "jsonl"]);
    assert!(record.contains("\"photo-altered\""), "{record}");
}

/// Deletes the lease of a killed sweep, which would expire after some minutes.
fn release_lease(installation: &Installation) {
    let store = rusqlite::Connection::open(installation.folder.path().join("data/jornada.db"));
    let release = "DELETE FROM leases WHERE name = 'sweep'";
    store.unwrap().execute(release, ()).unwrap();
}

/// Counts the photos below a folder.
fn count_photos(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let of = |path: &Path| {
        if path.is_dir() {
            return count_photos(path);
        }
        usize::from(path.extension().is_some())
    };
    entries.map(|entry| of(&entry.unwrap().path())).sum()
}

pub fn export_person(installation: &Installation, receipt: &str, file: &Path) -> Value {
    let (done, told) = run_command(
        installation,
        &["export", receipt, &file.display().to_string()],
    );
    assert!(done, "{told}");
    let mut zip = zip::ZipArchive::new(File::open(file).unwrap()).unwrap();
    let described = zip.by_name("registration.json").unwrap();
    serde_json::from_reader(described).unwrap()
}

async fn a_person_is_exported_and_erased(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let receipt = register_people(&app, 2).await;
    let file = installation.folder.path().join("ana.zip");
    let told = export_person(&installation, &receipt, &file);
    assert_eq!(told["receipt"], receipt);
    assert_eq!(told["photo"]["state"], "whole");
    assert!(
        told["consent"]["words"]["es"]
            .as_str()
            .unwrap()
            .contains("1581")
    );
    let mut zip = zip::ZipArchive::new(File::open(&file).unwrap()).unwrap();
    let mut photo = Vec::new();
    zip.by_name("photo.jpg")
        .unwrap()
        .read_to_end(&mut photo)
        .unwrap();
    assert!(photo.starts_with(&[0xFF, 0xD8]));
    assert!(
        !run_command(
            &installation,
            &["export", &receipt, &file.display().to_string()]
        )
        .0
    );

    let reason = ["--reason", "lo pidió la persona"];
    assert!(!run_command(&installation, &["erase", &receipt, "--reason", "no"]).0);
    let (done, told) = run_command(&installation, &[&["erase", &receipt], &reason[..]].concat());
    assert!(done, "{told}");
    assert!(!run_command(&installation, &[&["erase", &receipt], &reason[..]].concat()).0);
    assert_eq!(app.get(&format!("/r/{receipt}")).await.status(), 404);
    let again = form_with_photo("Ana Ejemplo", "7000000", "Cali");
    assert_eq!(app.send(again, None).await.status(), 409);
    let (_, record) = run_command(&installation, &["audit", "export", "--format", "jsonl"]);
    for action in ["person-export", "delete"] {
        assert!(record.contains(&format!("\"{action}\"")), "{record}");
    }
    assert!(!record.contains("Ana Ejemplo") && !record.contains(&receipt));
}
