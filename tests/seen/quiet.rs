//! One trouble is one mail: what a real Alertmanager keeps quiet about, and when.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::Process;
use crate::shipped;
use crate::support::app::SOON;
use crate::support::nginx::free_address;

/// Starts Alertmanager as it is shipped; nobody gets a mail.
async fn alertmanager(folder: &std::path::Path) -> Process {
    let made = Command::new("sh")
        .arg(shipped("prometheus/alertmanager.sh"))
        .arg(shipped("prometheus/alertmanager.yml"))
        .output()
        .unwrap();
    let config = folder.join("alertmanager.yml");
    std::fs::write(&config, made.stdout).unwrap();
    std::fs::copy(shipped("prometheus/mail.tmpl"), folder.join("mail.tmpl")).unwrap();
    let address = free_address();
    let mut command = Command::new("prometheus-alertmanager");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", folder.display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=");
    Process::start(folder, address, &mut command).await
}

async fn raise(alertmanager: &Process, alerts: &[Value]) {
    let url = format!("{}/api/v2/alerts", alertmanager.base);
    let answer = reqwest::Client::new().post(url).json(alerts).send().await;
    assert!(answer.unwrap().status().is_success());
}

/// Names of the alerts that somebody would be told of.
async fn told(alertmanager: &Process) -> Vec<String> {
    let url = format!("{}/api/v2/alerts?inhibited=false", alertmanager.base);
    let alerts: Vec<Value> = reqwest::get(url).await.unwrap().json().await.unwrap();
    let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = alerts.iter().map(name).collect();
    names.sort();
    names
}

/// Waits until somebody would be told of exactly these.
///
/// Alertmanager learns what silences what beside taking alerts in, and nobody is told before `group_wait`, so that the
/// moments in between are nobody's mail.
async fn until_told(alertmanager: &Process, names: &[&str]) {
    let start = Instant::now();
    loop {
        let told = told(alertmanager).await;
        if told == names {
            return;
        }
        assert!(start.elapsed() < SOON, "told of {told:?}, not of {names:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn down() -> Value {
    json!({"labels": {"alertname": "InstanceDown", "instance": "app1", "severity": "page", "told_by": "watch"}})
}

fn errors() -> Value {
    json!({"labels": {"alertname": "ErrorRatio", "severity": "page", "follows": "outage"}})
}

fn stands() -> Value {
    json!({"labels": {"alertname": "WatchStands", "severity": "none"}})
}

#[tokio::test]
async fn while_a_watch_stands_alertmanager_keeps_quiet_about_a_dead_instance_and_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = alertmanager(folder.path()).await;
    raise(&alertmanager, &[errors()]).await;
    until_told(&alertmanager, &["ErrorRatio"]).await;
    raise(&alertmanager, &[stands(), down(), errors()]).await;
    // WatchStands itself goes to nobody.
    until_told(&alertmanager, &["WatchStands"]).await;
}

#[tokio::test]
async fn without_a_watch_alertmanager_tells_of_a_dead_instance_and_not_of_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = alertmanager(folder.path()).await;
    raise(&alertmanager, &[down(), errors()]).await;
    until_told(&alertmanager, &["InstanceDown"]).await;
}
