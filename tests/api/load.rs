//! The `load` command: its summary is correct, and `load verify` finds what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::on_both;
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

on_both!(
    every_acknowledged_registration_is_verified,
    people_without_a_key_are_verified_too
);

async fn every_acknowledged_registration_is_verified(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let journal = installation.folder.path().join("journal");
    let summary = parse_output(&load(&installation, &app, &journal, &[]).await);
    assert_eq!(summary["failed_attempts"], 0, "{summary}");
    assert!(summary["sent"].as_u64() > Some(10));
    assert_eq!(summary["sent"], summary["acknowledged"]);
    let findings = parse_output(&verify(&installation, &app, &journal).await);
    assert_eq!(findings["kept"], summary["sent"]);
    assert_eq!(findings["total"], summary["sent"]);
    assert_eq!(findings["lost"], 0);
}

async fn people_without_a_key_are_verified_too(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let journal = installation.folder.path().join("journal");
    let summary = parse_output(&load(&installation, &app, &journal, &["--keyless"]).await);
    assert_eq!(summary["sent"], summary["acknowledged"], "{summary}");
    parse_output(&verify(&installation, &app, &journal).await);
}

#[tokio::test]
async fn an_instance_that_dies_fails_attempts_and_loses_nothing() {
    let mut installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let journal = installation.folder.path().join("journal");
    // Restarts on the same address.
    installation.set("JORNADA_LISTEN", app.base.trim_start_matches("http://"));
    let loading = load(&installation, &app, &journal, &["--seconds", "3"]);
    let dying = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        app.signal("-KILL");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        installation.start().await
    };
    let (loaded, app) = tokio::join!(loading, dying);
    let summary = parse_output(&loaded);
    assert!(summary["failed_attempts"].as_u64() > Some(0), "{summary}");
    assert_eq!(summary["sent"], summary["acknowledged"], "{summary}");
    parse_output(&verify(&installation, &app, &journal).await);
}

#[tokio::test]
async fn verify_finds_a_lost_registration_and_a_lost_photo() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let journal = installation.folder.path().join("journal");
    parse_output(&load(&installation, &app, &journal, &[]).await);
    let photos = installation.folder.path().join("data/photos");
    fs::remove_file(find_photo(&photos.join(&installation.campaign))).unwrap();
    let lines = fs::read_to_string(&journal).unwrap();
    let acknowledged = lines
        .lines()
        .find(|line| line.contains("\"number\":3,"))
        .unwrap();
    let invented = acknowledged.replace("\"number\":3,", "\"number\":4000,");
    fs::write(&journal, format!("{lines}{invented}\n")).unwrap();
    let found = verify(&installation, &app, &journal).await;
    assert!(!found.status.success());
    let findings: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(
        (&findings["lost"], &findings["photos"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        findings["doubled"], 1,
        "two people have one receipt: {findings}"
    );
}

#[tokio::test]
async fn another_machine_is_refused() {
    let installation = Installation::new(Stores::Embedded);
    let arguments = [
        "load",
        "run",
        "--to",
        "http://192.0.2.1",
        "--journal",
        "journal",
    ];
    let refused = installation.command(&arguments).output().unwrap();
    assert!(!refused.status.success());
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(stderr.contains("is not this machine"), "{stderr}");
}

async fn load(
    installation: &Installation,
    app: &RunningInstance,
    journal: &Path,
    more: &[&str],
) -> Output {
    let journal = journal.display().to_string();
    let mut arguments = vec!["load", "run", "--to", &app.base, "--journal", &journal];
    arguments.extend(["--campaign", &app.campaign, "--photo-bytes", "5000"]);
    if !more.contains(&"--seconds") {
        arguments.extend(["--seconds", "1"]);
    }
    arguments.extend(more);
    output(installation, &arguments).await
}

async fn verify(installation: &Installation, app: &RunningInstance, journal: &Path) -> Output {
    let journal = journal.display().to_string();
    let arguments = [
        "load",
        "verify",
        "--to",
        &app.base,
        "--journal",
        &journal,
        "--within",
        "5",
    ];
    output(installation, &arguments).await
}

async fn output(installation: &Installation, arguments: &[&str]) -> Output {
    let mut command = installation.command(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// Asserts success and parses what was printed.
fn parse_output(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stderr}{stdout}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn find_photo(folder: &Path) -> PathBuf {
    let entry = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    if entry.is_dir() {
        find_photo(&entry)
    } else {
        entry
    }
}
