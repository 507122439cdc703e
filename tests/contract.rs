//! The contract with everybody outside: whatever is sent, stored or typed has the same names as before. Each test
//! compares with a golden file in `tests/contract`; `UPDATE_GOLDEN=1 cargo test --test contract` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "staff/area.rs"]
mod area;
#[path = "contract/forms.rs"]
mod forms;
#[path = "contract/metrics.rs"]
mod metrics;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "staff/person.rs"]
mod person;
#[path = "contract/source.rs"]
mod source;
#[path = "contract/storage.rs"]
mod storage;

use std::collections::BTreeSet;

use clap::CommandFactory;
use serde_json::Value;

use jornada_testkit::instance::{Installation, Stores};
use source::{literals, root, words_of_scripts};

/// Compares with the golden file of this name, or writes it.
#[expect(clippy::disallowed_methods, reason = "no setting of the program")]
fn check(name: &str, lines: impl IntoIterator<Item = String>) {
    let lines: Vec<_> = lines.into_iter().collect();
    let path = root().join("tests/contract").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let golden: Vec<_> = golden.lines().map(str::to_owned).collect();
    let gone = golden.iter().filter(|line| !lines.contains(line));
    let added = lines.iter().filter(|line| !golden.contains(line));
    let differences: Vec<_> = gone
        .map(|line| format!("- {line}"))
        .chain(added.map(|line| format!("+ {line}")))
        .collect();
    assert!(
        lines == golden,
        "tests/contract/{name} differs:\n{}\nIf that is meant: UPDATE_GOLDEN=1 cargo test --test contract",
        differences.join("\n")
    );
}

#[tokio::test]
async fn the_description_of_the_api() {
    let app = Installation::new(Stores::Embedded).start().await;
    let answer = app.get("/api/v1/openapi.json").await;
    let mut described: Value = answer.json().await.unwrap();
    described["info"]["version"].take();
    strip(&mut described);
    let mut lines = Vec::new();
    flatten("", &described, &mut lines);
    check("openapi.txt", lines);
}

/// Removes prose, which may be rewritten.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                !(matches!(name.as_str(), "description" | "summary") && value.is_string())
            });
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// One line for each leaf, so that a difference shows where it is.
fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let sorted: std::collections::BTreeMap<_, _> = fields.iter().collect();
            for (name, value) in sorted {
                flatten(&format!("{path} > {name}"), value, lines);
            }
        }
        Value::Array(items) if items.iter().any(|item| !item.is_string()) => {
            for (place, item) in items.iter().enumerate() {
                flatten(&format!("{path} > [{place}]"), item, lines);
            }
        }
        leaf => lines.push(format!("{}: {leaf}", path.trim_start_matches(" > "))),
    }
}

#[test]
fn commands_and_flags() {
    let mut lines = Vec::new();
    walk("jornada", &jornada::cli::Command::command(), &mut lines);
    check("commands.txt", lines);
}

fn walk(name: &str, command: &clap::Command, lines: &mut Vec<String>) {
    lines.push(name.to_owned());
    for argument in command.get_arguments() {
        let shape = match (argument.get_long(), argument.get_short()) {
            (Some(long), Some(short)) => format!("--{long} -{short}"),
            (Some(long), None) => format!("--{long}"),
            _ => format!("<{}>", argument.get_id()),
        };
        let required = if argument.is_required_set() {
            " required"
        } else {
            ""
        };
        let default = argument.get_default_values();
        let allowed = argument.get_possible_values();
        let allowed: Vec<_> = allowed
            .iter()
            .map(clap::builder::PossibleValue::get_name)
            .collect();
        lines.push(format!(
            "{name} {shape}{required} {:?} default {default:?} of {allowed:?}",
            argument.get_action(),
        ));
    }
    for inner in command.get_subcommands() {
        walk(&format!("{name} {}", inner.get_name()), inner, lines);
    }
}

#[test]
fn names_of_settings() {
    let is_setting = |word: &str| {
        ["JORNADA_", "STACK_", "AWS_"]
            .iter()
            .any(|start| word.starts_with(start))
            && !word.starts_with("JORNADA_TEST_")
            && !word.ends_with('_')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let program = literals().into_iter().filter(|text| is_setting(text));
    let program: BTreeSet<_> = program.map(|name| format!("program {name}")).collect();
    let scripts = words_of_scripts(is_setting)
        .into_iter()
        .map(|name| format!("scripts {name}"));
    check("settings.txt", program.into_iter().chain(scripts));
}

/// `names.txt` is written by hand: each of its lines stands within a literal of the sources.
#[test]
fn what_is_serialised_keeps_its_name() {
    let literals = literals();
    let golden = std::fs::read_to_string(root().join("tests/contract/names.txt")).unwrap();
    let names = golden
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let gone: Vec<_> = names
        .filter(|name| !literals.iter().any(|text| text.contains(name)))
        .collect();
    assert!(
        gone.is_empty(),
        "no literal of the sources has these any more: {gone:#?}"
    );
}

/// Problem types and whatever else is one word that alone is its literal.
#[test]
fn words_that_are_serialised_are_literals() {
    let literals: BTreeSet<_> = literals().into_iter().collect();
    let golden = std::fs::read_to_string(root().join("tests/contract/words.txt")).unwrap();
    let words = golden.lines().filter(|line| !line.starts_with('#'));
    let words: Vec<_> = words.flat_map(str::split_whitespace).collect();
    let gone: Vec<_> = words
        .into_iter()
        .filter(|word| !literals.contains(*word))
        .collect();
    assert!(
        gone.is_empty(),
        "no literal of the sources is one of these any more: {gone:#?}"
    );
}
