//! Backups of MongoDB and S3: what a restore brings back, what it refuses, and what an interrupted one leaves behind.

use std::fs;
use std::path::{Path, PathBuf};

use mongodb::Database;
use mongodb::bson::{Document, doc};
use serde_json::Value;

use crate::retention::run_command;
use jornada_testkit::instance::{Installation, RunningInstance, Stores, form_with_photo};
use jornada_testkit::servers::{random_name, variable};

/// Points the settings at empty stores, as on another machine.
fn move_elsewhere(installation: &mut Installation) {
    let name = random_name();
    let store = variable("JORNADA_TEST_MONGODB").replacen("/?", &format!("/test_{name}?"), 1);
    let s3 = variable("JORNADA_TEST_S3");
    installation.set("JORNADA_STORE", &store);
    let photos = format!("s3://test-{name}?endpoint={s3}&region=us-east-1");
    installation.set("JORNADA_PHOTOS", &photos);
}

async fn database(installation: &Installation) -> Database {
    let mut settings = installation.settings.iter();
    let (_, url) = settings.find(|(name, _)| name == "JORNADA_STORE").unwrap();
    let client = mongodb::Client::with_uri_str(url).await.unwrap();
    client.default_database().unwrap()
}

async fn register(app: &RunningInstance, document: &str) -> String {
    let answer = app.send(form_with_photo("Ana Ejemplo", document, "Cali"), None);
    let receipt: Value = answer.await.json().await.unwrap();
    receipt["receipt"].as_str().unwrap().to_owned()
}

/// Asks for a review of a number that is registered, and returns the number of the review.
async fn ask_for_review(app: &RunningInstance, document: &str) -> String {
    let form = form_with_photo("María Ejemplo", document, "Cali").text("_review", "true");
    let answer: Value = app.send(form, None).await.json().await.unwrap();
    answer["receipt"].as_str().unwrap().to_owned()
}

async fn receipt_status(app: &RunningInstance, receipt: &str) -> u16 {
    let url = format!("{}/r/{receipt}", app.base);
    app.http.get(url).send().await.unwrap().status().as_u16()
}

/// Runs a command that succeeds, and says this.
fn succeed(installation: &Installation, arguments: &[&str], part: &str) {
    let (done, told) = run_command(installation, arguments);
    assert!(done && told.contains(part), "{arguments:?}: {told}");
}

/// Runs a command that fails, and says this in its last line.
fn refuse(installation: &Installation, arguments: &[&str], part: &str) {
    let (done, told) = run_command(installation, arguments);
    let last = told.lines().last().unwrap_or_default();
    assert!(!done && last.contains(part), "{arguments:?}: {told}");
}

/// Returns the files below a folder with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn a_restore_brings_back_all_but_erased_people() {
    let mut installation = Installation::new(Stores::Servers);
    let folder = installation.folder.path().join("backups");
    let backups = folder.to_str().unwrap().to_owned();
    let app = installation.start().await;
    let (stays, erased) = (register(&app, "1001").await, register(&app, "1002").await);
    let review = ask_for_review(&app, "1001").await;
    succeed(
        &installation,
        &["backup", &backups],
        "2 registrations and tombstones, 0 votes, 3 photos (0 of",
    );
    let late = register(&app, "1003").await;
    let reason = ["erase", &erased, "--reason", "lo pidió la persona"];
    succeed(&installation, &reason, "erased");
    assert_eq!(files(&folder, "jpg").len(), 3);
    let only = ["backup", &backups, "--only-erased"];
    succeed(&installation, &only, "1 erased registrations");
    assert_eq!(files(&folder, "jpg").len(), 2, "the erased photo is gone");
    let former = database(&installation).await;
    drop(app);

    move_elsewhere(&mut installation);
    succeed(
        &installation,
        &["restore", &backups, "--check"],
        "is complete",
    );
    assert!(
        database(&installation)
            .await
            .list_collection_names()
            .await
            .unwrap()
            .is_empty()
    );
    succeed(
        &installation,
        &["restore", &backups],
        "restored and verified",
    );
    let app = installation.start().await;
    assert_eq!(receipt_status(&app, &stays).await, 200);
    assert_eq!(receipt_status(&app, &review).await, 200);
    assert_ne!(receipt_status(&app, &erased).await, 200);
    assert_ne!(receipt_status(&app, &late).await, 200);
    let again = app.register("Ana Ejemplo", "1002", "Cali").await;
    assert_eq!(
        again.status(),
        409,
        "an erased person cannot be registered again"
    );
    app.wait_until("the totals are those of the backup", async |app| {
        app.total().await == Some(1)
    })
    .await;
    succeed(&installation, &["erased", "export"], "\"id\":");
    succeed(&installation, &["audit", "verify"], "is intact");
    refuse(
        &installation,
        &["restore", &backups],
        "the store has the data of a site",
    );

    // The next backups hold the tombstone; three are kept.
    for _ in 0..4 {
        succeed(
            &installation,
            &["backup", &backups],
            "2 registrations and tombstones, 0 votes, 2 photos",
        );
    }
    assert_eq!(files(&folder, "json").len(), 3);
    former.drop().await.unwrap();
    database(&installation).await.drop().await.unwrap();
}

#[tokio::test]
async fn what_is_incomplete_changed_or_foreign_is_refused() {
    let mut installation = Installation::new(Stores::Servers);
    let folder = installation.folder.path().join("backups");
    let backups = folder.to_str().unwrap().to_owned();
    let restore = ["restore", &backups];
    let app = installation.start().await;
    let receipt = register(&app, "1001").await;
    refuse(&installation, &restore, "No such file");
    succeed(&installation, &["backup", &backups], "1 photos");
    // A power cut while photos were copied leaves this.
    let (photo, mark) = (&files(&folder, "jpg")[0], folder.join("photos-unsynced"));
    let whole = fs::read(photo).unwrap();
    fs::write(&mark, "").unwrap();
    fs::write(photo, &whole[..200]).unwrap();
    succeed(&installation, &["backup", &backups], "1 photos");
    assert!(fs::read(photo).unwrap() == whole && !mark.exists());
    database(&installation).await.drop().await.unwrap();
    drop(app);
    move_elsewhere(&mut installation);

    let secret = installation
        .settings
        .iter()
        .find(|(name, _)| name == "JORNADA_SECRET");
    let secret = secret.unwrap().1.clone();
    installation.set("JORNADA_SECRET", &"another secret ".repeat(4));
    refuse(
        &installation,
        &restore,
        "JORNADA_SECRET is not the one of the backup",
    );
    installation.set("JORNADA_SECRET", &secret);
    installation.set("JORNADA_PHOTO_KEY", &"b2".repeat(32));
    refuse(&installation, &restore, "JORNADA_PHOTO_KEY");
    installation.set("JORNADA_PHOTO_KEY", &"a1".repeat(32));
    let registrations = files(&folder, "bson").into_iter();
    let photo = files(&folder, "jpg").into_iter();
    let newest = registrations
        .filter(|path| path.ends_with("registrations.bson"))
        .max();
    for (path, part) in newest
        .into_iter()
        .map(|path| (path, "registrations.bson is damaged"))
        .chain(photo.map(|path| (path, "1 of 1 photos are missing or damaged")))
    {
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let last = changed.len() - 2;
        changed[last] ^= 1;
        for damaged in [&changed[..], &whole[..last]] {
            fs::write(&path, damaged).unwrap();
            refuse(&installation, &restore, part);
        }
        fs::write(&path, whole).unwrap();
    }
    let target = database(&installation).await;
    assert!(
        target.list_collection_names().await.unwrap().is_empty(),
        "nothing was touched"
    );

    // A restore that was killed leaves this.
    let version = target.collection::<Document>("version");
    let interrupted = doc! { "_id": "store", "restoring": true };
    version.insert_one(interrupted).await.unwrap();
    let half = target.collection::<Document>("registrations");
    half.insert_one(doc! { "_id": 1 }).await.unwrap();
    for command in [&["serve"][..], &["store", "check"], &["backup", &backups]] {
        refuse(
            &installation,
            command,
            "a restore into this database was interrupted: run it again",
        );
    }
    succeed(&installation, &restore, "restored and verified");
    let app = installation.start().await;
    assert_eq!(receipt_status(&app, &receipt).await, 200);

    let newer = doc! { "$set": { "version": 99_i64 } };
    version
        .update_one(doc! { "_id": "store" }, newer)
        .await
        .unwrap();
    for command in [&["serve"][..], &["store", "check"], &["staff", "list"]] {
        refuse(&installation, command, "run ");
    }
    target.drop().await.unwrap();
}

#[tokio::test]
async fn a_backup_of_sqlite_names_its_own_way() {
    let installation = Installation::new(Stores::Embedded);
    let backups = installation.folder.path().join("backups");
    let command = ["backup", backups.to_str().unwrap()];
    refuse(&installation, &command, "VACUUM INTO");
    assert!(!backups.exists());
}
