//! Every expression of dashboards and recording rules returns a number from the real system, and every metric in an
//! alert exists.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::Process;
use crate::system::System;
use crate::{all_dashboards, panels};

/// Maximum time until the last expression has data: rates need a few scrapes, some five minutes in steps of 10 s.
const DATA_TIMEOUT: Duration = Duration::from_secs(90);

/// Prefixes of metric names: of the service and of the exporters.
const METRIC_PREFIXES: [&str; 10] = [
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
    waiting.extend(alerts.iter().flat_map(|alert| metric_names(alert)));
    system.trigger_busy_response().await;
    let start = Instant::now();
    for turn in 0.. {
        system.simulate_usage(turn).await;
        waiting = without_data(&system.prometheus, waiting).await;
        if waiting.is_empty() {
            break;
        }
        assert!(start.elapsed() < DATA_TIMEOUT, "without data: {waiting:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Returns the Prometheus expressions of all panels, with variables set to their defaults.
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
            let filled = ["$instance", "$campaign", "$tally"]
                .iter()
                .fold(filled, |filled, variable| filled.replace(variable, ".*"));
            assert!(!filled.contains('$'), "{filled}");
            filled
        })
        .collect()
}

/// Returns the expressions of all rules of one kind, as loaded by Prometheus.
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

/// Returns the names of the metrics in an expression. An alert need not return anything while all is well, but with a
/// metric that does not exist it would never fire.
fn metric_names(expression: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_part(c));
    words
        .filter(|word| {
            METRIC_PREFIXES
                .iter()
                .any(|prefix| word.starts_with(prefix))
                || *word == "up"
        })
        .map(str::to_owned)
        .collect()
}

/// Returns the expressions that have no data yet.
async fn without_data(prometheus: &Process, expressions: BTreeSet<String>) -> BTreeSet<String> {
    let mut empty = BTreeSet::new();
    for expression in expressions {
        if !has_data(prometheus, &expression).await {
            empty.insert(expression);
        }
    }
    empty
}

/// Returns whether an expression returns at least one number now. Panics if Prometheus cannot parse it.
async fn has_data(prometheus: &Process, expression: &str) -> bool {
    let url = format!("{}/api/v1/query", prometheus.base);
    let request = reqwest::Client::new()
        .post(url)
        .header("Content-Type", "application/x-www-form-urlencoded");
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", expression)
        .finish();
    let answer: Value = request
        .body(body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["status"], "success", "{expression}: {answer}");
    let samples = answer["data"]["result"].as_array().unwrap();
    samples.iter().any(|sample| sample["value"][1] != "NaN")
}
