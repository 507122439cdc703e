//! No panel is dead and no rule is blind: every expression of dashboards and recording rules returns a number from the
//! real system, and every metric that an alert asks for is there.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::Process;
use crate::system::System;
use crate::{all_dashboards, panels};

/// Longest time until the last expression has data: rates need a few collections, some five minutes' steps of 10 s.
const PATIENCE: Duration = Duration::from_secs(90);

/// How the names of our metrics begin, and of those that exporters tell.
const FAMILIES: [&str; 10] = [
    "jornada_",
    "job:",
    "instance:",
    "campaign:",
    "dependency:",
    "mongodb_",
    "nginx_",
    "node_",
    "process_",
    "redis_",
];

#[tokio::test]
async fn every_expression_returns_data_after_a_short_load() {
    let system = System::start().await;
    let mut waiting = panel_expressions();
    waiting.extend(rules(&system.prometheus, "recording").await);
    let alerts = rules(&system.prometheus, "alerting").await;
    assert!(waiting.len() > 50 && alerts.len() > 10);
    waiting.extend(alerts.iter().flat_map(|alert| metrics(alert)));
    system.meet_a_busy_one().await;
    let start = Instant::now();
    for turn in 0.. {
        system.use_a_little(turn).await;
        waiting = dead(&system.prometheus, waiting).await;
        if waiting.is_empty() {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "without data: {waiting:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What the panels ask Prometheus, with variables as they are at first.
fn panel_expressions() -> BTreeSet<String> {
    let dashboards = all_dashboards();
    let targets = dashboards.iter().flat_map(|(_, dashboard)| {
        panels(dashboard).flat_map(|panel| panel["targets"].as_array().unwrap())
    });
    targets
        .filter(|target| target["datasource"]["type"] == "prometheus")
        .map(|target| {
            let expression = target["expr"].as_str().unwrap();
            let filled = expression.replace("$__rate_interval", "30s");
            let filled = filled.replace("$instance", ".*").replace("$campaign", ".*");
            assert!(!filled.contains('$'), "{filled}");
            filled
        })
        .collect()
}

/// The expressions of the rules of one kind, as Prometheus has read them.
async fn rules(prometheus: &Process, kind: &str) -> BTreeSet<String> {
    let url = format!("{}/api/v1/rules", prometheus.base);
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let groups = answer["data"]["groups"].as_array().unwrap();
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap());
    rules
        .filter(|rule| rule["type"] == kind)
        .map(|rule| rule["query"].as_str().unwrap().to_owned())
        .collect()
}

/// The metrics that an expression asks for. An alert is silent while all is well, so its expression need not return
/// anything; but one about a metric that nobody tells would be silent for ever.
fn metrics(expression: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_part(c));
    words
        .filter(|word| FAMILIES.iter().any(|family| word.starts_with(family)) || *word == "up")
        .map(str::to_owned)
        .collect()
}

/// Those of the expressions that have no data yet.
async fn dead(prometheus: &Process, expressions: BTreeSet<String>) -> BTreeSet<String> {
    let mut dead = BTreeSet::new();
    for expression in expressions {
        if !has_data(prometheus, &expression).await {
            dead.insert(expression);
        }
    }
    dead
}

/// Whether an expression returns at least one number now; one that Prometheus cannot read fails the test.
async fn has_data(prometheus: &Process, expression: &str) -> bool {
    let url = format!("{}/api/v1/query", prometheus.base);
    let asked = reqwest::Client::new()
        .post(url)
        .header("Content-Type", "application/x-www-form-urlencoded");
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", expression)
        .finish();
    let answer: Value = asked.body(body).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["status"], "success", "{expression}: {answer}");
    let samples = answer["data"]["result"].as_array().unwrap();
    samples.iter().any(|sample| sample["value"][1] != "NaN")
}
