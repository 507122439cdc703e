//! The states of a document number, and who can register with it in the end.

use serde_json::{Value, json};

use crate::on_both;
use crate::retention::run_command;
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

on_both!(the_state_of_a_number_decides_who_registers);

/// How a registration comes to a state, and the statuses of what is sent then: the first content again, other content,
/// and both once more.
type Case = (&'static str, &'static [Step], [u16; 4]);

#[derive(Clone, Copy)]
enum Step {
    Erase,
    EraseFalse,
    Lift,
    /// The list of erased registrations is replayed over a store that still has this one, as after a restore.
    Replay(&'static str),
}

const CASES: &[Case] = &[
    ("registered", &[], [200, 409, 200, 409]),
    ("deleted on request", &[Step::Erase], [409, 409, 409, 409]),
    (
        "deleted as false",
        &[Step::EraseFalse],
        [409, 201, 409, 200],
    ),
    (
        "lifted, for the first",
        &[Step::Erase, Step::Lift],
        [201, 409, 200, 409],
    ),
    (
        "replayed on request",
        &[Step::Replay("requested")],
        [409, 409, 409, 409],
    ),
    (
        "replayed as false",
        &[Step::Replay("false-entry")],
        [409, 201, 409, 200],
    ),
    (
        "replayed, then lifted",
        &[Step::Replay("lifted")],
        [201, 409, 200, 409],
    ),
    (
        "lifted after the backup",
        &[Step::Erase, Step::Replay("lifted")],
        [201, 409, 200, 409],
    ),
];

fn run(installation: &Installation, arguments: &[&str]) {
    let (done, told) = run_command(installation, arguments);
    assert!(done, "{told}");
}

/// Brings a registration into a state.
fn take(installation: &Installation, step: Step, registered: &Value) {
    let receipt = registered["receipt"].as_str().unwrap();
    let reason = ["--reason", "por su estado"];
    match step {
        Step::Erase => run(installation, &[&["erase", receipt], &reason[..]].concat()),
        Step::EraseFalse => run(
            installation,
            &[&["erase", receipt, "--false-entry"], &reason[..]].concat(),
        ),
        Step::Lift => run(
            installation,
            &[&["erased", "lift", receipt], &reason[..]].concat(),
        ),
        Step::Replay(cause) => {
            let list = installation.folder.path().join("erased.jsonl");
            let campaign = &installation.campaign;
            let line = json!({ "campaign": campaign, "id": registered["id"], "cause": cause });
            std::fs::write(&list, line.to_string()).unwrap();
            let list = list.display().to_string();
            run(installation, &["erased", "replay", &list]);
        }
    }
}

async fn status(app: &RunningInstance, name: &str, document: &str) -> u16 {
    app.register(name, document, "Cali").await.status().as_u16()
}

async fn the_state_of_a_number_decides_who_registers(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    for (number, (state, steps, expected)) in CASES.iter().enumerate() {
        let document = format!("{}", 52_000_000 + number);
        let first = app.register("Basura Basura", &document, "Cali").await;
        assert_eq!(first.status(), 201, "{state}: the number is free");
        let first: Value = first.json().await.unwrap();
        for step in *steps {
            take(&installation, *step, &first);
        }
        let mut statuses = [0; 4];
        for (turn, status_of) in statuses.iter_mut().enumerate() {
            let name = ["Basura Basura", "María Real"][turn % 2];
            *status_of = status(&app, name, &document).await;
        }
        assert_eq!(statuses, *expected, "{state}");
    }
    let registered = u64::try_from(CASES.len() - 2).unwrap();
    app.wait_until(
        "each number that is registered is counted once",
        async |app| app.total().await == Some(registered),
    )
    .await;
    let (_, list) = run_command(&installation, &["erased", "export"]);
    for cause in ["requested", "false-entry", "lifted"] {
        let line = format!("\"cause\":\"{cause}\"");
        assert!(list.contains(&line), "{list}");
    }
}
