//! One problem is one mail: which alerts a real Alertmanager inhibits, and when.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::Process;
use crate::repository_path;
use jornada_testkit::instance::DEFAULT_TIMEOUT;
use jornada_testkit::nginx::free_address;

/// Starts Alertmanager with the shipped configuration, without mail addresses.
async fn alertmanager(folder: &std::path::Path) -> Process {
    let made = Command::new("sh")
        .arg(repository_path("prometheus/alertmanager.sh"))
        .arg(repository_path("prometheus/alertmanager.yml"))
        .output()
        .unwrap();
    let config = folder.join("alertmanager.yml");
    std::fs::write(&config, made.stdout).unwrap();
    std::fs::copy(
        repository_path("prometheus/mail.tmpl"),
        folder.join("mail.tmpl"),
    )
    .unwrap();
    let address = free_address();
    let mut command = Command::new("prometheus-alertmanager");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", folder.display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=");
    Process::start(folder, address, &mut command).await
}

async fn post_alerts(alertmanager: &Process, alerts: &[Value]) {
    let url = format!("{}/api/v2/alerts", alertmanager.base);
    let answer = reqwest::Client::new().post(url).json(alerts).send().await;
    assert!(answer.unwrap().status().is_success());
}

/// Returns the names of the alerts that are not inhibited, sorted.
async fn active_alerts(alertmanager: &Process) -> Vec<String> {
    let url = format!("{}/api/v2/alerts?inhibited=false", alertmanager.base);
    let alerts: Vec<Value> = reqwest::get(url).await.unwrap().json().await.unwrap();
    let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = alerts.iter().map(name).collect();
    names.sort();
    names
}

/// Waits until exactly these alerts are not inhibited.
///
/// Alertmanager computes inhibitions after it accepts alerts, but before `group_wait` ends and it sends a mail, so that
/// states in between have no effect.
async fn wait_for_active(alertmanager: &Process, names: &[&str]) {
    let start = Instant::now();
    loop {
        let active = active_alerts(alertmanager).await;
        if active == names {
            return;
        }
        assert!(
            start.elapsed() < DEFAULT_TIMEOUT,
            "{active:?} are active, not {names:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn instance_down() -> Value {
    json!({"labels": {"alertname": "InstanceDown", "instance": "app1", "severity": "page", "told_by": "watch"}})
}

fn error_ratio() -> Value {
    json!({"labels": {"alertname": "ErrorRatio", "severity": "page", "follows": "outage"}})
}

fn watch_stands() -> Value {
    json!({"labels": {"alertname": "WatchStands", "severity": "none"}})
}

#[tokio::test]
async fn with_a_watcher_a_dead_instance_and_its_consequences_are_inhibited() {
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = alertmanager(folder.path()).await;
    post_alerts(&alertmanager, &[error_ratio()]).await;
    wait_for_active(&alertmanager, &["ErrorRatio"]).await;
    post_alerts(
        &alertmanager,
        &[watch_stands(), instance_down(), error_ratio()],
    )
    .await;
    // WatchStands itself is sent to nobody.
    wait_for_active(&alertmanager, &["WatchStands"]).await;
}

#[tokio::test]
async fn without_a_watcher_only_the_consequences_of_a_dead_instance_are_inhibited() {
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = alertmanager(folder.path()).await;
    post_alerts(&alertmanager, &[instance_down(), error_ratio()]).await;
    wait_for_active(&alertmanager, &["InstanceDown"]).await;
}

/// An alert without other labels than its name.
fn named(name: &str) -> Value {
    json!({"labels": {"alertname": name, "severity": "page"}})
}

#[tokio::test]
async fn the_reason_why_votes_wait_inhibits_its_consequences() {
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = alertmanager(folder.path()).await;
    let effects = [
        "NoConsumer",
        "VotesWaiting",
        "DeadLetters",
        "QueueStateUnknown",
    ];
    post_alerts(&alertmanager, &effects.map(named)).await;
    let without_reason = ["DeadLetters", "NoConsumer", "QueueStateUnknown"];
    wait_for_active(&alertmanager, &without_reason).await;
    post_alerts(&alertmanager, &[named("ConsumerStopped")]).await;
    wait_for_active(&alertmanager, &["ConsumerStopped", "QueueStateUnknown"]).await;
    post_alerts(&alertmanager, &[named("QueueDown")]).await;
    wait_for_active(&alertmanager, &["ConsumerStopped", "QueueDown"]).await;
}

#[tokio::test]
async fn an_outage_of_the_store_inhibits_what_it_does_to_votes() {
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = alertmanager(folder.path()).await;
    let effects = ["NoConsumer", "VotesRefused", "VotesWaiting", "QueueDown"];
    post_alerts(&alertmanager, &effects.map(named)).await;
    wait_for_active(&alertmanager, &["NoConsumer", "QueueDown", "VotesRefused"]).await;
    post_alerts(&alertmanager, &[named("StoreDown")]).await;
    wait_for_active(&alertmanager, &["QueueDown", "StoreDown"]).await;
}
