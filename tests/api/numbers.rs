//! The states of a document number, and who can register with it in the end.

use serde_json::{Value, json};

use crate::abuse::CLIENT_ADDRESS;
use crate::on_both;
use crate::retention::{end_campaign, export_person, run_command, run_sweep};
use jornada_testkit::instance::{Installation, RunningInstance, Stores, form_with_photo};

on_both!(
    the_state_of_a_number_decides_who_registers,
    a_dispute_is_exported_erased_and_expires_like_a_registration,
);

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

async fn ask(app: &RunningInstance, name: &str, document: &str) -> (u16, Value) {
    let form = form_with_photo(name, document, "Pasto").text("_review", "true");
    let answer = app.send(form, None).await;
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

async fn a_dispute_is_exported_erased_and_expires_like_a_registration(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    for document in ["4001", "4002", "4003"] {
        assert_eq!(status(&app, "Basura Basura", document).await, 201);
    }
    let mut asked = Vec::new();
    for document in ["4001", "4002", "4003"] {
        let (status, answer) = ask(&app, "María Real", document).await;
        assert_eq!(status, 202, "{answer}");
        asked.push(answer);
    }
    let receipt = asked[0]["receipt"].as_str().unwrap();
    let file = installation.folder.path().join("maría.zip");
    let exported = export_person(&installation, receipt, &file);
    assert_eq!(exported["in_review"], true);
    assert_eq!(exported["answers"][0]["answer"], "María Real");
    assert_eq!(exported["photo"]["state"], "whole");

    run(
        &installation,
        &["erase", receipt, "--reason", "lo pidió la persona"],
    );
    assert_eq!(app.get(&format!("/r/{receipt}")).await.status(), 404);
    let (status, _) = ask(&app, "María Real", "4001").await;
    assert_eq!(status, 409, "a late retry");
    let (_, list) = run_command(&installation, &["erased", "export"]);
    assert!(list.contains("\"cause\":\"erased\""), "{list}");
    take(&installation, Step::Replay("erased"), &asked[1]);
    let receipt = asked[1]["receipt"].as_str().unwrap();
    assert_eq!(app.get(&format!("/r/{receipt}")).await.status(), 404);

    let receipt = asked[2]["receipt"].as_str().unwrap();
    end_campaign(&installation, "{ photos = 1 }");
    assert_eq!(run_sweep(&installation, &["--dry-run"])["photos"], 4);
    assert_eq!(run_sweep(&installation, &[])["photos"], 4);
    let file = installation.folder.path().join("sin-foto.zip");
    assert!(export_person(&installation, receipt, &file)["photo"].is_null());
    assert_eq!(app.get(&format!("/r/{receipt}")).await.status(), 200);
    end_campaign(&installation, "{ answers = 1 }");
    assert_eq!(run_sweep(&installation, &["--dry-run"])["registrations"], 4);
    assert_eq!(run_sweep(&installation, &[])["registrations"], 4);
    assert_eq!(app.get(&format!("/r/{receipt}")).await.status(), 404);
    if stores == Stores::Embedded {
        assert!(crate::photos::stored_photos(&installation).is_empty());
    }
}

#[tokio::test]
async fn reviews_are_limited_per_address() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_LIMIT_REVIEWS", "1+1");
    let app = installation.start().await;
    for document in ["5001", "5002"] {
        assert_eq!(status(&app, "Basura Basura", document).await, 201);
    }
    for (from, document, expected) in [
        ("192.0.2.7", "5001", 202),
        ("192.0.2.7", "5002", 429),
        ("192.0.2.8", "5002", 202),
    ] {
        let form = form_with_photo("María Real", document, "Pasto").text("_review", "true");
        let request = app.http.post(app.registrations_url(&app.campaign));
        let sent = request.header(CLIENT_ADDRESS, from).multipart(form);
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status(), expected, "{from} {document}");
    }
}
