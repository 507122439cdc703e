//! The same mistakes at the HTTP door and at the gRPC door: the same fields and codes.

use std::collections::BTreeMap;

use jornada_proto::v1::votes_client::VotesClient;
use jornada_proto::v1::{Outcome, Vote, VoteBatch};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use serde_json::{Value, json};
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::grpc::client;

/// A field and the code of its mistake.
type Mistake = (String, String);

/// Returns the mistakes of an HTTP answer.
fn of_http(errors: &Value) -> Vec<Mistake> {
    let errors = errors.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors
        .map(|one| (text(&one["field"]), text(&one["code"])))
        .collect()
}

async fn by_http(app: &RunningInstance, vote: &Vote) -> [Vec<Mistake>; 2] {
    let url = format!("{}/api/v1/campaigns/{}/votes", app.base, vote.campaign);
    let mut request = app.http.post(&url).json(&vote.answers);
    if !vote.idempotency_key.is_empty() {
        request = request.header("Idempotency-Key", &vote.idempotency_key);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 422, "{vote:?}");
    let one: Value = answer.json().await.unwrap();
    let mut item = json!(vote.answers);
    if !vote.idempotency_key.is_empty() {
        item["_key"] = json!(vote.idempotency_key);
    }
    let answer = app.http.post(format!("{url}/batch")).json(&[item]).send();
    let many: Value = answer.await.unwrap().json().await.unwrap();
    [
        of_http(&one["errors"]),
        of_http(&many["results"][0]["errors"]),
    ]
}

fn of_outcome(outcome: Outcome) -> Vec<Mistake> {
    let violations = outcome.violations.into_iter();
    violations.map(|one| (one.field, one.code)).collect()
}

async fn by_grpc(client: &mut VotesClient<Channel>, vote: &Vote) -> [Vec<Mistake>; 3] {
    let refused = client.cast(vote.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_details_bad_request().unwrap();
    let details = details.field_violations.into_iter();
    let one = details.map(|one| (one.field, one.reason)).collect();
    let batch = VoteBatch {
        campaign: vote.campaign.clone(),
        votes: vec![vote.clone()],
        ..VoteBatch::default()
    };
    let mut many = client.cast_batch(batch).await.unwrap().into_inner();
    let stream = client.cast_stream(tokio_stream::iter([vote.clone()])).await;
    let outcome = stream.unwrap().into_inner().next().await.unwrap().unwrap();
    [
        one,
        of_outcome(many.outcomes.remove(0)),
        of_outcome(outcome),
    ]
}

/// Mistakes of a vote in the election: changed answers, key, and the expected fields and codes.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a [(&'a str, &'a str)]);

#[tokio::test]
async fn a_mistake_has_the_same_answer_at_each_door() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut client = client(&app).await;
    let long = "x".repeat(201);
    let cases: [Case; 13] = [
        (&[("sede", "")], "", &[("sede", "required")]),
        (
            &[("sede", "0"), ("partido", "")],
            "",
            &[("sede", "not_in_range"), ("partido", "required")],
        ),
        (&[("sede", "one")], "", &[("sede", "not_in_range")]),
        (
            &[("departamento", "Guatemalaa")],
            "",
            &[("departamento", "unknown_place")],
        ),
        (
            &[("municipio", "Quetzaltenango")],
            "",
            &[("municipio", "unknown_place")],
        ),
        (
            &[("papeleta", "Negra")],
            "",
            &[("papeleta", "not_an_option")],
        ),
        (&[("papeleta", "\0")], "", &[("papeleta", "not_an_option")]),
        (
            &[("departamento", "\u{202e}Guatemala")],
            "",
            &[("departamento", "control_character")],
        ),
        (
            &[("departamento", &long)],
            "",
            &[("departamento", "too_long")],
        ),
        (&[("color", "rojo")], "", &[("color", "unknown_field")]),
        (&[("color\u{1}", "rojo")], "", &[("color", "unknown_field")]),
        (&[], "short", &[("idempotency_key", "bad_key")]),
        (&[], "with a space", &[("idempotency_key", "bad_key")]),
    ];
    for (changed, key, expected) in cases {
        let valid = [
            ("sede", "7"),
            ("departamento", "Guatemala"),
            ("municipio", "Mixco"),
            ("papeleta", "Blanca"),
            ("partido", "UNE"),
        ];
        let answers = valid.iter().chain(changed);
        let answers = answers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let vote = Vote {
            campaign: installation.election.clone(),
            idempotency_key: key.to_owned(),
            answers: answers.collect::<BTreeMap<_, _>>(),
        };
        let expected = expected.iter();
        let expected: Vec<_> = expected
            .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
            .collect();
        for (door, mistakes) in by_http(&app, &vote).await.into_iter().enumerate() {
            assert_eq!(mistakes, expected, "HTTP {door}: {vote:?}");
        }
        for (door, mistakes) in by_grpc(&mut client, &vote).await.into_iter().enumerate() {
            assert_eq!(mistakes, expected, "gRPC {door}: {vote:?}");
        }
    }
}

#[tokio::test]
async fn descriptions_are_in_the_language_of_the_client() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut client = client(&app).await;
    for (lang, message, description) in [
        ("en", "Some answers need mending", "Please fill it in"),
        ("es", "Hay respuestas por corregir", "Complétela"),
    ] {
        let mut request = Request::new(Vote {
            campaign: installation.election.clone(),
            ..Vote::default()
        });
        let metadata = request.metadata_mut();
        metadata.insert("accept-language", lang.parse().unwrap());
        let refused = client.cast(request).await.unwrap_err();
        let details = refused.get_details_bad_request().unwrap();
        assert_eq!(refused.message(), message);
        let first = &details.field_violations[0].description;
        assert!(first.contains(description), "{first}");
    }
}
