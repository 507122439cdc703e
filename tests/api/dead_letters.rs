//! `jornada dead-letters`: what is listed and shown, and what becomes of a replayed letter.

use jiff::Timestamp;
use jornada_domain::dead_letter::{DeadLetter, DeadLetterReason};
use jornada_domain::queue_record::QueueRecord;
use serde_json::Value;

use crate::app::open_app;
use crate::on_both;
use crate::retention::run_command;
use jornada_testkit::instance::{Installation, Stores};

on_both!(
    a_replayed_letter_is_stored_once,
    letters_are_listed_shown_and_dropped
);

const ID: &str = "00112233445566778899aabbccddeeff";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

/// A letter of this offset, with a vote for a party.
fn letter(installation: &Installation, offset: i64, key: Option<&str>, party: &str) -> DeadLetter {
    let campaign = &installation.election;
    let value = format!(
        r#"{{"sede": {offset}, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca",
            "partido": "{party}", "_campaign": "{campaign}"}}"#
    );
    of_value(offset, key, value.as_bytes())
}

fn of_value(offset: i64, key: Option<&str>, value: &[u8]) -> DeadLetter {
    let key = key.map(str::as_bytes);
    let record = QueueRecord::new("votos".into(), Some(2), offset.to_string(), key, value);
    DeadLetter::new(DeadLetterReason::NoId, String::new(), record, at(offset))
}

fn run(installation: &Installation, arguments: &[&str]) -> (bool, String) {
    run_command(installation, &[&["dead-letters"], arguments].concat())
}

/// Returns the stored votes, ordered by their id.
fn votes(installation: &Installation) -> Vec<Value> {
    let (done, told) = run_command(installation, &["votes", "export", &installation.election]);
    assert!(done, "{told}");
    let lines = told.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn a_replayed_letter_is_stored_once(stores: Stores) {
    let installation = Installation::new(stores);
    let store = open_app(&installation, &[]).await.store;
    let without_id = letter(&installation, 1, None, "UNE");
    let without_party = letter(&installation, 2, Some(ID), "XYZ");
    let same_id = letter(&installation, 3, Some(ID), "UNE");
    let cut = of_value(4, Some(ID), &vec![b' '; 70_000]);
    let letters = [&without_id, &without_party, &same_id, &cut];
    let ids = letters.map(|letter| letter.id.to_string());
    store
        .insert_dead_letters(letters.map(Clone::clone).to_vec())
        .await
        .unwrap();

    let (done, told) = run(&installation, &["replay", &ids[0]]);
    assert!(done && told == "1 stored, 0 stay\n", "{told}");
    let first = votes(&installation);
    assert_eq!(first.len(), 1);
    assert_eq!(
        (&first[0]["id"], &first[0]["door"]),
        (&ids[0].as_str().into(), &"queue".into())
    );
    assert_eq!(
        first[0]["received_at"],
        at(1).to_string(),
        "not the time of the replay"
    );
    assert_eq!(store.dead_letter(without_id.id).await.unwrap(), None);
    let (done, told) = run(&installation, &["replay", &ids[0]]);
    assert!(
        !done && told.contains("no dead letter has the id"),
        "{told}"
    );
    // Killed after the vote was stored, and before the letter was deleted.
    store
        .insert_dead_letters(vec![without_id.clone()])
        .await
        .unwrap();
    let (done, told) = run(&installation, &["replay", &ids[0]]);
    assert!(done && told == "1 stored, 0 stay\n", "{told}");
    assert_eq!(votes(&installation), first);

    let (done, told) = run(&installation, &["replay", &ids[1], &ids[3]]);
    assert!(!done && told.contains("0 stored, 2 stay"), "{told}");
    for line in [
        format!("{} stays: invalid partido: not_an_option", ids[1]),
        format!(
            "{} stays: too_large only the first 65536 of 70000 bytes are kept",
            ids[3]
        ),
    ] {
        assert!(told.contains(&line), "{told}");
    }
    let left = store.dead_letter(without_party.id).await.unwrap().unwrap();
    assert_eq!(left.reason, DeadLetterReason::Invalid);
    assert_eq!(left.detail, "partido: not_an_option");
    assert_eq!(left.record, without_party.record);

    // Two votes have the same id, now that the campaign is corrected: either is stored.
    installation.edit_campaign("elecciones.toml", |text| text.replace("VALOR", "XYZ"));
    let (done, told) = run(&installation, &["replay", "--all"]);
    assert!(done && told.contains("1 stored, 2 stay"), "{told}");
    let conflicts = [&ids[1], &ids[2]].map(|id| told.contains(&format!("{id} stays: conflict")));
    assert!(conflicts[0] != conflicts[1], "{told}");
    assert_eq!(votes(&installation).len(), 2);
    assert_eq!(store.count_dead_letters().await.unwrap(), 2);
    let (_, log) = run_command(&installation, &["audit", "export", "--format", "jsonl"]);
    assert!(log.contains("\"dead-letters-replayed\""), "{log}");
    assert!(log.contains(&format!("dead-letter:{}", ids[3])), "{log}");
}

async fn letters_are_listed_shown_and_dropped(stores: Stores) {
    let installation = Installation::new(stores);
    let store = open_app(&installation, &[]).await.store;
    assert_eq!(run(&installation, &["list"]), (true, String::new()));
    let vote = letter(&installation, 1, Some("mesa-17-voto-1"), "UNE");
    let mut odd = of_value(2, None, b"\x1b[2J{}\xE2\x80\xAE");
    odd.record.campaign = Some(b"narnia\n".to_vec());
    let bytes = of_value(3, None, b"\xFF\x00");
    let more = (4..120).map(|offset| of_value(offset, None, b"no JSON"));
    let mut all = vec![vote.clone(), odd.clone(), bytes.clone()];
    all.extend(more);
    store.insert_dead_letters(all.clone()).await.unwrap();

    let (_, newest) = run(&installation, &["list"]);
    assert_eq!(newest.lines().count(), 20);
    let (_, listed) = run(&installation, &["list", "--limit", "1000"]);
    let ids = listed.lines().map(|line| line[..32].to_owned());
    let expected = all.iter().rev().map(|letter| letter.id.to_string());
    assert!(ids.eq(expected), "{listed}");
    let columns: Vec<_> = listed.lines().last().unwrap().split_whitespace().collect();
    let size = vote.record.value_bytes.to_string();
    let expected = [
        "2026-11-18T11:06:41.000Z",
        "no_id",
        "votos/2/1",
        &size,
        &installation.election,
    ];
    assert_eq!(columns[1..], expected);
    assert!(listed.contains(r"votos/2/2  9  narnia\n"), "{listed}");

    for (letter, lines) in [
        (
            &vote,
            [
                "key:                mesa-17-voto-1",
                "offset:             1",
            ],
        ),
        (
            &odd,
            [
                "value:\n\\u{1b}[2J{}\\u{202e}\n",
                "header campaign:    narnia\\n",
            ],
        ),
        (
            &bytes,
            ["value:\nhexadecimal ff00\n", "reason:             no_id"],
        ),
    ] {
        let (done, shown) = run(&installation, &["show", &letter.id.to_string()]);
        assert!(
            done && lines.iter().all(|line| shown.contains(line)),
            "{shown}"
        );
    }
    let unknown = "0".repeat(32);
    for (wrong, words) in [
        (&["show", &unknown][..], "no dead letter has the id"),
        (&["show", "17"], "expected 32 hexadecimal digits"),
        (
            &["drop", &unknown],
            "not all of the named letters were there",
        ),
        (&["drop", "--all"], "--yes"),
        (&["drop"], "required"),
        (&["replay"], "required"),
        (&["replay", "--all", &unknown], "cannot be used with"),
        (&["drop", "--yes"], "required"),
    ] {
        let (done, told) = run(&installation, wrong);
        assert!(!done && told.contains(words), "{wrong:?}: {told}");
    }
    assert_eq!(store.count_dead_letters().await.unwrap(), 119);
    let told = run(
        &installation,
        &["drop", &vote.id.to_string(), &odd.id.to_string()],
    );
    assert_eq!(told, (true, "2 dropped\n".to_owned()));
    assert_eq!(store.dead_letter(vote.id).await.unwrap(), None);
    let told = run(&installation, &["drop", "--all", "--yes"]);
    assert_eq!(told, (true, "117 dropped\n".to_owned()));
    assert_eq!(store.count_dead_letters().await.unwrap(), 0);
    let (_, log) = run_command(&installation, &["audit", "export", "--format", "jsonl"]);
    for action in ["\"dead-letters-read\"", "\"dead-letters-dropped\""] {
        assert!(log.contains(action), "{log}");
    }
}
