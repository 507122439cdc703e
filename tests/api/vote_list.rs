//! Single votes over the API: newest first, by every filter, page by page, and what a wrong request is told.

use std::collections::BTreeSet;

use reqwest::Response;
use serde_json::{Value, json};

use crate::on_both;
use crate::votes::{Polls, with};
use jornada_testkit::instance::{Stores, expect_problem};

on_both!(single_votes_are_listed_and_shown);

/// Creates a token with these options.
fn create_token(polls: &Polls, options: &[&str]) -> String {
    let arguments = [&["token", "new", "lector"], options].concat();
    let made = polls.installation.command(&arguments).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

async fn get(polls: &Polls, token: &str, rest: &str) -> Response {
    let url = polls.url(&polls.installation.election, rest);
    let request = polls.app.http.get(url).bearer_auth(token);
    request.send().await.unwrap()
}

async fn list(polls: &Polls, token: &str, query: &str) -> Value {
    let answer = get(polls, token, &format!("votes?{query}")).await;
    assert_eq!(
        answer.status(),
        200,
        "{query}: {}",
        answer.text().await.unwrap()
    );
    answer.json().await.unwrap()
}

fn places(page: &Value) -> Vec<&str> {
    let votes = page["votes"].as_array().unwrap().iter();
    votes
        .map(|vote| vote["answers"]["sede"].as_str().unwrap())
        .collect()
}

async fn single_votes_are_listed_and_shown(stores: Stores) {
    let polls = Polls::start(stores).await;
    for number in 1..=25 {
        let party = ["UNE", "CABAL"][usize::from(number % 5 == 0)];
        let vote = with("sede", json!(number));
        let mut vote = vote.clone();
        vote["partido"] = json!(party);
        assert_eq!(
            polls
                .cast(&vote, &format!("voto-numero-{number}"))
                .await
                .status(),
            201
        );
    }
    let token = create_token(&polls, &["--scope", "votes:read"]);
    pages_are_read(&polls, &token).await;
    filters_find_votes(&polls, &token).await;
    wrong_requests_are_explained(&polls, &token).await;
    exports_hold_what_the_list_finds(&polls, &token).await;
    readers_are_limited(&polls).await;
}

async fn pages_are_read(polls: &Polls, token: &str) {
    let first = list(polls, token, "").await;
    assert_eq!(first["votes"].as_array().unwrap().len(), 20);
    assert_eq!(
        (places(&first)[0], &first["complete"]),
        ("25", &json!(true))
    );
    let next = first["next"].as_str().unwrap();
    assert_eq!(
        polls
            .cast(&with("sede", json!(26)), "voto-numero-26")
            .await
            .status(),
        201
    );
    let second = list(polls, token, &format!("before={next}&limit=4")).await;
    assert_eq!(places(&second), ["5", "4", "3", "2"]);
    assert!(second.get("tail").is_none());
    let tail = first["tail"].as_str().unwrap();
    let followed = list(polls, token, &format!("after={tail}&limit=100")).await;
    assert_eq!(places(&followed)[..2], ["26", "25"]);
    assert_eq!(
        (&followed["next"], &followed["complete"]),
        (&json!(null), &json!(true))
    );

    let vote = &first["votes"][0];
    let id = vote["id"].as_str().unwrap();
    let shown: Value = get(polls, token, &format!("votes/{id}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(&shown, vote);
    let names: BTreeSet<_> = shown
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "answers",
            "door",
            "id",
            "instance",
            "received_at",
            "stored_at"
        ]
        .into()
    );
    for id in ["00112233445566778899aabbccddeeff", "x"] {
        expect_problem(get(polls, token, &format!("votes/{id}")).await, 404).await;
    }
}

async fn filters_find_votes(polls: &Polls, token: &str) {
    let cabal = list(
        polls,
        token,
        "partido=cabal&departamento=GUATEMALA&municipio=",
    )
    .await;
    assert_eq!(places(&cabal), ["25", "20", "15", "10", "5"]);
    let one = list(polls, token, "sede=007&_door=http&lang=en").await;
    assert_eq!(places(&one), ["7"]);
    assert_eq!(places(&list(polls, token, "_door=grpc").await), [""; 0]);
    assert_eq!(
        places(&list(polls, token, "from=2020-01-01&until=2020-12-31T23:59").await),
        [""; 0]
    );
    let instance = one["votes"][0]["instance"].as_str().unwrap();
    let of_instance = |name: &str| format!("_instance={name}&sede=7");
    let (same, other) = (of_instance(instance), of_instance("app99"));
    assert_eq!(places(&list(polls, token, &same).await), ["7"]);
    assert_eq!(places(&list(polls, token, &other).await), [""; 0]);
    let received = one["votes"][0]["received_at"].as_str().unwrap();
    let since = list(polls, token, &format!("from={received}&limit=100")).await;
    assert_eq!(places(&since).len(), 20);
    assert_eq!(places(&since).last(), Some(&"7"));
}

async fn wrong_requests_are_explained(polls: &Polls, token: &str) {
    for (query, field, code, hint) in [
        ("partdo=UNE", "partdo", "unknown_parameter", "partido"),
        ("zzz=1", "zzz", "unknown_parameter", "sede, departamento"),
        ("partido=UNA", "partido", "not_an_option", "UNE"),
        (
            "departamento=Guatemla",
            "departamento",
            "unknown_place",
            "Guatemala",
        ),
        ("sede=0", "sede", "not_in_range", "20000"),
        ("sede=1&sede=2", "sede", "repeated", ""),
        ("_door=htp", "_door", "not_an_option", "http"),
        ("limit=101", "limit", "not_in_range", "100"),
        ("limit=x", "limit", "not_in_range", "100"),
        ("before=zz", "before", "not_a_position", ""),
        ("after=1-2", "after", "not_a_position", ""),
        ("from=ayer", "from", "not_a_time", "2026-11-21"),
        ("from=2026-11-22&until=2026-11-21", "until", "reversed", ""),
    ] {
        let answer = get(polls, token, &format!("votes?{query}")).await;
        let problem = expect_problem(answer, 400).await;
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!(field), &json!(code)),
            "{query}"
        );
        assert!(
            error["message"].as_str().unwrap().contains(hint),
            "{query}: {error}"
        );
    }
}

async fn exports_hold_what_the_list_finds(polls: &Polls, token: &str) {
    let answer = get(polls, token, "votes.csv?partido=CABAL").await;
    let kind = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(kind.ends_with("-votes.csv\""), "{kind}");
    let spanish = answer.text().await.unwrap();
    let csv = get(polls, token, "votes.csv?partido=CABAL&separator=comma");
    let csv = csv.await.text().await.unwrap();
    assert_eq!(spanish.replace(';', ","), csv);
    let lines: Vec<_> = csv.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "id,received_at,door,sede,departamento,municipio,papeleta,partido"
    );
    assert!(
        lines[1].ends_with(",http,25,Guatemala,Mixco,Blanca,CABAL"),
        "{}",
        lines[1]
    );
    assert_eq!((lines.len(), lines[6]), (7, ""));
    let ndjson = get(polls, token, "votes.ndjson")
        .await
        .text()
        .await
        .unwrap();
    let votes = ndjson
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let votes: Vec<_> = votes.collect();
    assert_eq!(votes.len(), 26);
    assert_eq!(votes[0]["answers"]["sede"], "26");
    let problem = expect_problem(get(polls, token, "votes.csv?limit=5").await, 400).await;
    assert_eq!(problem["errors"][0]["field"], "limit");
    for query in ["votes.csv?separator=x", "votes.ndjson?separator=tab"] {
        let problem = expect_problem(get(polls, token, query).await, 400).await;
        assert_eq!(problem["errors"][0]["field"], "separator");
    }
}

async fn readers_are_limited(polls: &Polls) {
    let other = create_token(polls, &["--scope", "votes"]);
    expect_problem(get(polls, &other, "votes").await, 403).await;
    expect_problem(get(polls, "unknown", "votes").await, 401).await;
    let reader = create_token(polls, &["--scope", "votes:read", "--place", "Petén"]);
    assert_eq!(places(&list(polls, &reader, "").await), [""; 0]);
    expect_problem(
        get(polls, &reader, "votes?departamento=Guatemala").await,
        404,
    )
    .await;
    let here = create_token(polls, &["--scope", "votes:read", "--place", "Guatemala"]);
    let seen = list(polls, &here, "limit=1").await;
    let id = seen["votes"][0]["id"].as_str().unwrap();
    assert_eq!(
        get(polls, &here, &format!("votes/{id}")).await.status(),
        200
    );
    expect_problem(get(polls, &reader, &format!("votes/{id}")).await, 404).await;
    // The contest asks for no place.
    let contest = polls.url(&polls.installation.contest, "votes");
    let answer = polls.app.http.get(contest).bearer_auth(&here).send().await;
    expect_problem(answer.unwrap(), 403).await;
    let registrations = polls.url(&polls.app.campaign, "votes");
    let answer = polls
        .app
        .http
        .get(registrations)
        .bearer_auth(&here)
        .send()
        .await;
    expect_problem(answer.unwrap(), 404).await;
}
