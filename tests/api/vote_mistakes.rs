//! Mistakes in votes over HTTP: the same answer alone and in a batch.

use serde_json::{Value, json};

use crate::votes::{Polls, body, errors, valid, with};
use jornada_testkit::instance::Stores;

/// Votes with mistakes: name of the field and code of each.
fn mistakes() -> Vec<(Value, Vec<(&'static str, &'static str)>)> {
    let long = "x".repeat(40_000);
    vec![
        (
            with("color", json!("rojo")),
            vec![("color", "unknown_field")],
        ),
        (with("sede", Value::Null), vec![("sede", "required")]),
        (with("sede", json!("")), vec![("sede", "required")]),
        (with("sede", json!(0)), vec![("sede", "not_in_range")]),
        (with("sede", json!(1.5)), vec![("sede", "not_in_range")]),
        (with("sede", json!("siete")), vec![("sede", "not_in_range")]),
        (with("sede", json!(true)), vec![("sede", "not_in_range")]),
        (with("sede", json!([7])), vec![("sede", "not_a_text")]),
        (
            with("partido", json!({"a": {"b": []}})),
            vec![("partido", "not_a_text")],
        ),
        (
            with("papeleta", json!("Blanco")),
            vec![("papeleta", "not_an_option")],
        ),
        (
            with("partido", json!(long)),
            vec![("partido", "not_an_option")],
        ),
        (
            with("departamento", json!(long)),
            vec![("departamento", "too_long")],
        ),
        (
            with("departamento", json!("Narnia")),
            vec![("departamento", "unknown_place")],
        ),
        (
            with("municipio", json!("Cobán")),
            vec![("municipio", "unknown_place")],
        ),
        (
            with("departamento", json!("Petén\u{0}")),
            vec![("departamento", "control_character")],
        ),
        (
            with("departamento", json!("\u{202E}nétéP")),
            vec![("departamento", "control_character")],
        ),
        (
            json!({}),
            ["sede", "departamento", "municipio", "papeleta", "partido"]
                .map(|name| (name, "required"))
                .to_vec(),
        ),
    ]
}

#[tokio::test]
async fn each_mistake_has_the_same_answer_alone_and_in_a_batch() {
    let polls = Polls::start(Stores::Embedded).await;
    let mut batch = vec![valid()];
    for (vote, expected) in mistakes() {
        let answer = polls.post(&vote).send().await.unwrap();
        assert_eq!(answer.status(), 422, "{vote}");
        let told = body(answer).await;
        assert_eq!(told["type"], "urn:jornada:problem:invalid-answers");
        assert_eq!(errors(&told), expected, "{vote}");
        batch.push(vote);
    }
    let answer = polls.app.http.post(polls.votes() + "/batch").json(&batch);
    let told = body(answer.send().await.unwrap()).await;
    assert_eq!(
        (&told["accepted"], &told["results"][0]["status"]),
        (&json!(1), &json!("stored"))
    );
    for ((vote, expected), outcome) in mistakes()
        .iter()
        .zip(&told["results"].as_array().unwrap()[1..])
    {
        assert_eq!(
            (&outcome["status"], &outcome["id"]),
            (&json!("invalid"), &Value::Null)
        );
        assert_eq!(errors(outcome), *expected, "{vote}");
    }
    polls.wait_for_total("sedes", 1).await;
}

#[tokio::test]
async fn a_request_that_cannot_be_read_has_its_own_answer() {
    let polls = Polls::start(Stores::Embedded).await;
    let (single, batch) = (polls.votes(), polls.votes() + "/batch");
    let (json_type, lines) = ("Application/JSON; charset=utf-8", "application/x-ndjson");
    let many = format!("[{}]", vec!["{}"; 10_001].join(","));
    let cases = [
        (&single, json_type, "{".to_owned(), 400),
        (&single, json_type, "[1]".to_owned(), 400),
        (&single, json_type, "null".to_owned(), 400),
        (&single, json_type, "[".repeat(60_000), 400),
        (
            &single,
            json_type,
            format!("{{\"partido\": \"{}\"}}", "x".repeat(1 << 20)),
            413,
        ),
        (&single, "text/plain", "{}".to_owned(), 415),
        (&batch, json_type, "{}".to_owned(), 400),
        (&batch, json_type, "[{}".to_owned(), 400),
        (&batch, json_type, "[]".to_owned(), 413),
        (&batch, lines, "\n".to_owned(), 413),
        (&batch, json_type, many, 413),
        (&batch, lines, "{}\n".repeat(10_001), 413),
        (
            &batch,
            lines,
            format!("{{\"partido\": \"{}\"}}\n", "x".repeat(5 << 20)),
            413,
        ),
        (
            &batch,
            "multipart/form-data; boundary=x",
            "--x--".to_owned(),
            415,
        ),
    ];
    for (url, kind, sent, status) in cases {
        let start: String = sent.chars().take(40).collect();
        let request = polls
            .app
            .http
            .post(url)
            .header("Content-Type", kind)
            .body(sent);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{url} {kind} {start}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let invalid_utf8 = polls
        .app
        .http
        .post(&single)
        .header("Content-Type", json_type);
    let answer = invalid_utf8
        .body(b"{\"partido\": \"\xFF\"}".to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    for key in ["short", "with space in it"] {
        let told = polls.cast(&valid(), key).await;
        assert_eq!(told.status(), 422);
        assert_eq!(errors(&body(told).await), [("idempotency_key", "bad_key")]);
    }
    let (vaccination, election) = (&polls.installation.campaign, &polls.installation.election);
    for (campaign, rest, kind) in [
        (vaccination, "votes", "other-kind"),
        (vaccination, "votes/batch", "other-kind"),
        (election, "registrations", "other-kind"),
        (&"narnia".to_owned(), "votes", "no-such-campaign"),
    ] {
        let answer = polls
            .app
            .http
            .post(polls.url(campaign, rest))
            .json(&valid());
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 404, "{campaign} {rest}");
        let expected = format!("urn:jornada:problem:{kind}");
        assert_eq!(body(answer).await["type"], expected);
    }
    assert_eq!(polls.tally(election, "sedes").await["total"], 0);
}
