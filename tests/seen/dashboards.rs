//! The shape of the dashboards: every panel is told, has a unit, a place of its own and a data source that exists.

use std::collections::HashSet;
use std::process::Command;

use serde_json::Value;

use crate::{all_dashboards, panels, shipped};

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;

#[test]
fn the_three_dashboards_are_there_and_are_what_their_source_says() {
    let mut names: Vec<_> = all_dashboards().into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["campana", "registros", "servicios"]);
    let built = Command::new("/usr/bin/python3")
        .args(["-B", "grafana/build.py", "--check", "grafana/dashboards"])
        .current_dir(shipped(""))
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
}

#[test]
fn dashboards_have_names_of_their_own_and_nobody_changes_them_in_the_browser() {
    let dashboards = all_dashboards();
    let uids: HashSet<_> = dashboards
        .iter()
        .map(|(_, one)| one["uid"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), dashboards.len());
    for (name, dashboard) in &dashboards {
        assert!(dashboard["schemaVersion"].as_u64() >= Some(39), "{name}");
        assert_eq!(dashboard["editable"], false, "{name}");
        assert_eq!(dashboard["id"], Value::Null, "{name}");
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_from_where() {
    let provisioned =
        std::fs::read_to_string(shipped("grafana/provisioning/datasources/jornada.yml")).unwrap();
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
fn no_panel_lies_over_another() {
    for (name, dashboard) in all_dashboards() {
        let mut ids = HashSet::new();
        let mut taken = HashSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}");
            let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            assert!(
                w > 0 && h > 0 && x + w <= COLUMNS,
                "{name}: {}",
                panel["title"]
            );
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{name}: {}", panel["title"]);
            }
        }
    }
}

#[test]
fn every_variable_is_used_and_every_variable_used_is_there() {
    for (name, dashboard) in all_dashboards() {
        let told = dashboard["templating"]["list"].as_array().unwrap();
        let told: HashSet<_> = told
            .iter()
            .map(|variable| variable["name"].as_str().unwrap().to_owned())
            .collect();
        let queries = panels(&dashboard).flat_map(|panel| panel["targets"].as_array().unwrap());
        let used: HashSet<_> = queries
            .flat_map(|target| variables(target["expr"].as_str().unwrap()))
            .collect();
        assert_eq!(told, used, "{name}");
    }
}

/// The dashboard's own variables in an expression; Grafana's begin with two underscores.
fn variables(expression: &str) -> Vec<String> {
    let word = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    };
    let words = expression.split('$').skip(1).map(word);
    words.filter(|word| !word.starts_with("__")).collect()
}
