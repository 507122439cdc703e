//! Programs that exist already vote at their own paths, through nginx and with the shipped campaigns, as their authors wrote them.

use std::time::Duration;

use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::votes::{Polls, body, errors};
use jornada_testkit::instance::Stores;
use jornada_testkit::nginx::Nginx;
use jornada_testkit::raw::RawResponse;

/// Requests as they leave existing clients: path, lines of the head, body.
const CONTEST_CLIENTS: [(&str, &str, &str); 7] = [
    (
        "/grpc/insert", // Locust: `self.client.post(path, json=vote)`
        "User-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\
         Content-Type: application/json",
        r#"{"name": "Los Ejemplos", "album": "Uno", "year": "1924", "rank": "100"}"#,
    ),
    (
        "/insert", // Go: `http.Post(url, "application/json", bytes.NewBuffer(body))`
        "User-Agent: Go-http-client/1.1\r\nContent-Type: application/json\r\nAccept-Encoding: gzip",
        r#"{"name":"Los Ejemplos","album":"Uno","year":"1999","rank":"100"}"#,
    ),
    (
        "/rust", // Rust: `reqwest::Client::post(url).json(&vote)`
        "content-type: application/json\r\naccept: */*",
        r#"{"album":"Uno","name":"LOS EJEMPLOS","rank":"1","year":"2024"}"#,
    ),
    (
        "/rust/insert", // JavaScript: `fetch(url, {method: "POST", body: JSON.stringify(vote)})`
        "accept: */*\r\nuser-agent: node\r\nsec-fetch-mode: cors\r\ncontent-type: text/plain;charset=UTF-8",
        r#"{"name":"Los Ejemplos","album":"Uno","year":"1980","rank":"9"}"#,
    ),
    (
        "/wasm", // without a type and a length
        "Accept: */*\r\nTransfer-Encoding: chunked",
        "3e\r\n{\"name\":\"Los Ejemplos\",\"album\":\"Uno\",\"year\":\"1980\",\"rank\":\"9\"}\r\n0\r\n\r\n",
    ),
    (
        "/insert", // `curl -d`, which names the type of a form
        "User-Agent: curl/7.88.1\r\nAccept: */*\r\nContent-Type: application/x-www-form-urlencoded",
        r#"{"name":"Los Ejemplos","album":"Uno","year":"1980","rank":"9"}"#,
    ),
    (
        "/grpc/insert", // Python: `requests.post(url, data=vote)`
        "User-Agent: python-requests/2.31.0\r\nContent-Type: application/x-www-form-urlencoded",
        "name=Los+Ejemplos&album=Uno&year=1980&rank=10",
    ),
];

/// An election vote with the number of the polling place as a number or as a text, and its paper in any case.
fn paper(sede: &Value, papeleta: &str) -> Value {
    json!({"sede": sede, "municipio": "Mixco", "departamento": "Guatemala", "papeleta": papeleta, "partido": "UNE"})
}

/// Sends a request byte by byte as given, and asserts the answer that the program expects.
fn assert_accepted(base: &str, (path, head, sent): (&str, &str, &str)) {
    let host = base.trim_start_matches("http://");
    let length = if head.contains("chunked") {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", sent.len())
    };
    let request = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{length}{head}\r\n\r\n{sent}");
    let answer = RawResponse::send(base, request.as_bytes(), Duration::from_millis(50)).text;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n"),
        "{request}\n{answer}"
    );
    let answer = answer.to_lowercase();
    assert!(
        answer.contains("\r\ncontent-type: application/json\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with("\r\n\r\n{\"message\":\"voto ingresado\"}"),
        "{answer}"
    );
}

#[tokio::test]
async fn existing_programs_vote_at_their_own_paths() {
    let polls = Polls::start(Stores::Embedded).await;
    let instance = polls
        .app
        .base
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let nginx = Nginx::start(&[instance]).await;
    for client in CONTEST_CLIENTS {
        assert_accepted(&nginx.base, client);
    }
    let places = [
        (json!(1), "Blanca"),
        (json!("1"), "BLANCA"),
        (json!("001"), "blanca"),
    ];
    for (sede, papeleta) in &places {
        let vote = paper(sede, papeleta).to_string();
        let head = "Content-Type: application/json";
        assert_accepted(&nginx.base, ("/Mysql", head, &vote));
    }
    let (contest, election) = (&polls.installation.contest, &polls.installation.election);
    let counted = [
        (
            contest,
            "disco",
            json!([{ "key": ["Los Ejemplos", "Uno"], "count": 7 }]),
        ),
        (
            election,
            "presidente-por-departamento",
            json!([{ "key": ["Guatemala", "UNE"], "count": 3 }]),
        ),
        (election, "sedes", json!([{ "key": ["1"], "count": 3 }])),
    ];
    for (campaign, tally, values) in counted {
        polls
            .app
            .wait_until(tally, async |_| {
                polls.tally(campaign, tally).await["values"] == values
            })
            .await;
    }
}

/// The errors name the fields as the program does.
#[tokio::test]
async fn mistakes_have_the_names_that_the_program_sent() {
    let polls = Polls::start(Stores::Embedded).await;
    let vote = json!({"name": "Los Ejemplos", "album": "Uno", "year": "1980", "rank": "9"});
    let with = |name: &str, value: Value| {
        let mut vote = vote.clone();
        vote[name] = value;
        vote
    };
    let cases = [
        (
            "/rust",
            with("year", json!("1800")),
            vec![("year", "not_an_option")],
        ),
        ("/rust", with("name", json!("")), vec![("name", "required")]),
        (
            "/rust",
            with("rank", json!(101)),
            vec![("rank", "not_an_option")],
        ),
        (
            "/rust",
            with("rank", json!([1])),
            vec![("rank", "not_a_text")],
        ),
        (
            "/rust",
            with("anio", json!("1980")),
            vec![("year", "repeated")],
        ),
        (
            "/rust",
            with("genre", json!("rock")),
            vec![("genre", "unknown_field")],
        ),
        (
            "/rust",
            json!({}),
            vec![
                ("album", "required"),
                ("name", "required"),
                ("rank", "required"),
            ],
        ),
        (
            "/Mysql",
            paper(&json!("siete"), "Morada"),
            vec![("sede", "not_in_range"), ("papeleta", "not_an_option")],
        ),
    ];
    let url = |path: &str| format!("{}{path}", polls.app.base);
    for (path, vote, expected) in cases {
        let answer = polls
            .app
            .http
            .post(url(path))
            .json(&vote)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 422, "{vote}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(errors(&body(answer).await), expected, "{vote}");
    }
    let form = polls
        .app
        .http
        .post(url("/wasm"))
        .body("name=Los+Ejemplos&album=Uno&rank=0");
    let form = form.header("Content-Type", "application/x-www-form-urlencoded");
    let answer = form.send().await.unwrap();
    assert_eq!(answer.status(), 422);
    assert_eq!(errors(&body(answer).await), [("rank", "not_an_option")]);
    for sent in ["{", "[]", "name=x"] {
        let answer = polls
            .app
            .http
            .post(url("/insert"))
            .body(sent)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{sent}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let refused = polls.app.get("/insert").await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["allow"]),
        (405, &HeaderValue::from_static("POST"))
    );
    let answer = polls.app.http.post(url("/mysql")).json(&vote);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 404, "paths are exact");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}
