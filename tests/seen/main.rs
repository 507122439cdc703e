//! What operators see: a real Prometheus scrapes the real system, and every dashboard panel has data.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod dashboards;
mod expressions;
mod inhibition;
mod process;
mod system;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Returns the path of a file or folder of this repository.
fn repository_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns every dashboard with its name.
fn all_dashboards() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(repository_path("grafana/dashboards")).unwrap();
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).unwrap())
    };
    files.map(read).collect()
}

/// Returns the panels of a dashboard without its row headings.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let all = dashboard["panels"].as_array().unwrap().iter();
    all.filter(|panel| panel["type"] != "row")
}
