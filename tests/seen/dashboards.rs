//! The structure of the dashboards: every panel has a description, a unit, its own place and an existing data source.

use std::collections::HashSet;
use std::process::Command;

use serde_json::Value;

use crate::{all_dashboards, panels, repository_path};

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;

#[test]
fn the_dashboards_match_their_source() {
    let mut names: Vec<_> = all_dashboards().into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["campana", "registros", "servicios", "votaciones"]);
    let built = Command::new("/usr/bin/python3")
        .args(["-B", "grafana/build.py", "--check", "grafana/dashboards"])
        .current_dir(repository_path(""))
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
}

#[test]
fn dashboards_have_unique_ids_and_may_be_edited() {
    let dashboards = all_dashboards();
    let uids: HashSet<_> = dashboards
        .iter()
        .map(|(_, one)| one["uid"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), dashboards.len());
    for (name, dashboard) in &dashboards {
        assert!(dashboard["schemaVersion"].as_u64() >= Some(39), "{name}");
        assert_eq!(dashboard["editable"], true, "{name}");
        assert_eq!(dashboard["id"], Value::Null, "{name}");
    }
}

#[test]
fn every_panel_has_description_unit_and_data_source() {
    let provisioned = std::fs::read_to_string(repository_path(
        "grafana/provisioning/datasources/jornada.yml",
    ))
    .unwrap();
    for (name, dashboard) in all_dashboards() {
        for panel in panels(&dashboard) {
            let title = format!("{name}: {}", panel["title"]);
            assert!(panel["title"].as_str().unwrap().len() > 2, "{title}");
            assert!(panel["description"].as_str().unwrap().len() > 15, "{title}");
            let unit = panel["fieldConfig"]["defaults"]["unit"].as_str();
            assert!(unit.is_some_and(|unit| !unit.is_empty()), "{title}");
            let targets = panel["targets"].as_array().unwrap();
            assert!(!targets.is_empty(), "{title}");
            let sources = targets.iter().map(|target| &target["datasource"]["uid"]);
            for source in sources.chain([&panel["datasource"]["uid"]]) {
                let line = format!("uid: {}\n", source.as_str().unwrap());
                assert!(provisioned.contains(&line), "{title}: {source}");
            }
        }
    }
}

#[test]
fn panels_do_not_overlap() {
    for (name, dashboard) in all_dashboards() {
        let mut ids = HashSet::new();
        let mut occupied = HashSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}");
            let position = |side: &str| panel["gridPos"][side].as_u64().unwrap();
            let (x, y, w, h) = (position("x"), position("y"), position("w"), position("h"));
            assert!(
                w > 0 && h > 0 && x + w <= COLUMNS,
                "{name}: {}",
                panel["title"]
            );
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(occupied.insert(cell), "{name}: {}", panel["title"]);
            }
        }
    }
}

#[test]
fn variables_are_both_defined_and_used() {
    for (name, dashboard) in all_dashboards() {
        let defined = dashboard["templating"]["list"].as_array().unwrap();
        let defined: HashSet<_> = defined
            .iter()
            .map(|variable| variable["name"].as_str().unwrap().to_owned())
            .collect();
        let queries = panels(&dashboard).flat_map(|panel| panel["targets"].as_array().unwrap());
        let used: HashSet<_> = queries
            .flat_map(|target| variables(target["expr"].as_str().unwrap()))
            .collect();
        assert_eq!(defined, used, "{name}");
    }
}

/// Returns the variables of the dashboard in an expression, without Grafana's own, which begin with two underscores.
fn variables(expression: &str) -> Vec<String> {
    let word = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    };
    let words = expression.split('$').skip(1).map(word);
    words.filter(|word| !word.starts_with("__")).collect()
}
