//! Votes over HTTP: each mistake has its answer, a key stores a vote once, and what was acknowledged is counted.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::on_both;
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

on_both!(
    a_key_stores_a_vote_once,
    a_batch_has_an_outcome_for_each_vote,
    killed_instances_lose_and_double_nothing,
    all_votes_are_exported_and_erased
);

/// An instance with the shipped campaigns of votes.
struct Polls {
    installation: Installation,
    app: RunningInstance,
}

impl Polls {
    async fn start(stores: Stores) -> Self {
        let mut installation = Installation::new(stores);
        installation.set("JORNADA_LIMIT_VOTES", "100000+100000");
        Self::on(installation).await
    }

    async fn on(installation: Installation) -> Self {
        let app = installation.start().await;
        Self { installation, app }
    }

    fn url(&self, campaign: &str, rest: &str) -> String {
        format!("{}/api/v1/campaigns/{campaign}/{rest}", self.app.base)
    }

    fn votes(&self) -> String {
        self.url(&self.installation.election, "votes")
    }

    fn post(&self, vote: &Value) -> RequestBuilder {
        self.app.http.post(self.votes()).json(vote)
    }

    async fn cast(&self, vote: &Value, key: &str) -> Response {
        let request = self.post(vote).header("Idempotency-Key", key);
        request.send().await.unwrap()
    }

    async fn tally(&self, campaign: &str, tally: &str) -> Value {
        let answer = self
            .app
            .http
            .get(self.url(campaign, &format!("tallies/{tally}")));
        answer.send().await.unwrap().json().await.unwrap()
    }

    async fn wait_for_total(&self, tally: &str, total: u64) {
        self.app
            .wait_until(&format!("{tally} counts {total}"), async |_| {
                self.tally(&self.installation.election, tally).await["total"] == total
            })
            .await;
    }
}

fn valid() -> Value {
    json!({
        "sede": 7, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE",
    })
}

/// Returns a valid vote with one member replaced, or removed by null.
fn with(name: &str, value: Value) -> Value {
    let mut vote = valid();
    if value.is_null() {
        vote.as_object_mut().unwrap().remove(name);
    } else {
        vote[name] = value;
    }
    vote
}

async fn body(answer: Response) -> Value {
    answer.json().await.unwrap()
}

/// Returns field and code of each error.
fn errors(body: &Value) -> Vec<(&str, &str)> {
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |error: &'_ Value, name: &str| error[name].as_str().unwrap().to_owned();
    let pairs = errors
        .iter()
        .map(|error| (text(error, "field"), text(error, "code")));
    pairs
        .map(|(field, code)| (&*field.leak(), &*code.leak()))
        .collect()
}

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

async fn a_key_stores_a_vote_once(stores: Stores) {
    let polls = Polls::start(stores).await;
    let first = polls.cast(&valid(), "key-of-a-vote").await;
    assert_eq!(first.status(), 201);
    let first = body(first).await;
    assert_eq!(first["status"], "stored");
    // The same vote in another spelling.
    let spelled = json!({
        "sede": "07", "departamento": "GUATEMALA", "municipio": "mixco", "papeleta": "blanca", "partido": " une ",
    });
    let again = polls.cast(&spelled, "key-of-a-vote").await;
    assert_eq!(again.status(), 200);
    assert_eq!(body(again).await, first);
    let other = polls.cast(&with("sede", json!(8)), "key-of-a-vote").await;
    assert_eq!(other.status(), 409);
    assert_eq!(
        body(other).await["type"],
        "urn:jornada:problem:vote-conflict"
    );
    // Without a key equal votes are different ones.
    for _ in 0..2 {
        let answer = polls.post(&valid()).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let told = body(answer).await;
        assert!(told["id"] != first["id"] && told["receipt"].is_null());
    }
    polls.wait_for_total("sedes", 3).await;
    let receipt = format!("/r/{}?lang=en", first["receipt"].as_str().unwrap());
    let page = polls.app.get(&receipt).await.text().await.unwrap();
    assert!(
        page.contains("Vote received") && page.contains("Guatemala"),
        "{page}"
    );
}

async fn a_batch_has_an_outcome_for_each_vote(stores: Stores) {
    let polls = Polls::start(stores).await;
    let lines: Vec<_> = (0..2_500)
        .map(|number| match number {
            7 => "{\"sede\":".to_owned(),
            8 => with("sede", json!(number))
                .to_string()
                .replace('}', ", \"_key\": \"a key of its own\"}"),
            9 => with("sede", json!(8))
                .to_string()
                .replace('}', ", \"_key\": \"a key of its own\"}"),
            _ => with("sede", json!(number % 5 + 1)).to_string(),
        })
        .collect();
    let send = async |lines: &[String]| {
        let request = polls.app.http.post(polls.votes() + "/batch");
        let request = request.header("Content-Type", "application/x-ndjson");
        let request = request.header("Idempotency-Key", "a batch");
        request.body(lines.join("\n")).send().await.unwrap()
    };
    assert_eq!(send(&lines).await.status(), 422, "a key with a space");
    let send = async |lines: &[String]| {
        let request = polls.app.http.post(polls.votes() + "/batch");
        let request = request.header("Content-Type", "application/x-ndjson");
        let request = request.header("Idempotency-Key", "batch-0001");
        let answer = request.body(lines.join("\n").replace("a key of its own", "own-key-1"));
        body(answer.send().await.unwrap()).await
    };
    let first = send(&lines).await;
    let status = |told: &Value, index: usize| {
        told["results"][index]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(first["accepted"], 2_499);
    let statuses: Vec<_> = (6..11).map(|index| status(&first, index)).collect();
    assert_eq!(
        statuses,
        ["stored", "invalid", "stored", "already-stored", "stored"]
    );
    polls.wait_for_total("sedes", 2_498).await;
    // Repeated, with one vote changed.
    let mut changed = lines.clone();
    changed[0] = with("sede", json!(9)).to_string();
    let second = send(&changed).await;
    assert_eq!(
        (status(&second, 0), status(&second, 1)),
        ("conflict".into(), "already-stored".into())
    );
    assert_eq!(second["results"][1]["id"], first["results"][1]["id"]);
    assert_eq!(second["accepted"], 2_498);
    assert_eq!(
        polls.tally(&polls.installation.election, "sedes").await["total"],
        2_498
    );
}

#[tokio::test]
async fn places_of_one_name_and_filtered_tallies_are_counted_apart() {
    let polls = Polls::start(Stores::Embedded).await;
    for (department, paper, party, times) in [
        ("Guatemala", "Blanca", "UNE", 3),
        ("San Marcos", "BLANCA", "vamos", 2),
        ("San Marcos", "Verde", "UNE", 1),
    ] {
        for _ in 0..times {
            let vote = json!({
                "sede": "5", "departamento": department, "municipio": "san pedro sacatepequez",
                "papeleta": paper, "partido": party,
            });
            assert_eq!(polls.post(&vote).send().await.unwrap().status(), 201);
        }
    }
    polls.wait_for_total("sedes", 6).await;
    polls.wait_for_total("partidos-por-municipio", 6).await;
    let election = &polls.installation.election;
    let places = polls.tally(election, "partidos-por-municipio").await;
    let groups: Vec<_> = places["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            (
                group["key"].as_str().unwrap(),
                group["total"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        groups,
        [
            ("San Pedro Sacatepéquez (Guatemala)", 3),
            ("San Pedro Sacatepéquez (San Marcos)", 3)
        ]
    );
    let president = polls.tally(election, "presidente-por-departamento").await;
    assert_eq!(president["total"], 5);
    let expected = json!([{ "key": ["Guatemala", "UNE"], "count": 3 }, { "key": ["San Marcos", "VAMOS"], "count": 2 }]);
    assert_eq!(president["values"], expected);
}

/// Programs that exist already send their votes as their authors wrote them.
#[tokio::test]
async fn existing_programs_vote_at_their_own_paths() {
    let polls = Polls::start(Stores::Embedded).await;
    let app = &polls.app;
    let vote = json!({"name": "Los Ejemplos", "album": "Uno", "year": "1924", "rank": "100"});
    for path in ["/grpc/insert", "/insert", "/rust", "/rust/insert", "/wasm"] {
        let url = format!("{}{path}", app.base);
        let answer = app.http.post(&url).json(&vote).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(body(answer).await, json!({"message": "Voto ingresado"}));
        // Without a media type, as some clients send it.
        let answer = app
            .http
            .post(&url)
            .body(vote.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let wrong = json!({"name": "Los Ejemplos", "album": "Uno", "year": "1800", "rank": "1"});
        let answer = app.http.post(&url).json(&wrong).send().await.unwrap();
        assert_eq!(answer.status(), 422);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(errors(&body(answer).await), [("anio", "not_an_option")]);
        assert_eq!(app.get(path).await.status(), 405);
    }
    let paper = json!({"sede": 1, "municipio": "Cobán", "departamento": "Alta Verapaz", "papeleta": "blanca", "partido": "UNE"});
    let answer = app.http.post(format!("{}/Mysql", app.base)).json(&paper);
    assert_eq!(answer.send().await.unwrap().status(), 200);
    assert_eq!(
        app.http
            .post(format!("{}/mysql", app.base))
            .json(&paper)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    polls.wait_for_total("sedes", 1).await;
    let contest = &polls.installation.contest;
    app.wait_until("the contest is counted", async |_| {
        polls.tally(contest, "artistas").await["values"]
            == json!([{ "key": ["Los Ejemplos"], "count": 10 }])
    })
    .await;
}

#[tokio::test]
async fn a_campaign_may_require_a_token() {
    let installation = Installation::new(Stores::Embedded);
    installation.edit_campaign("elecciones.toml", |file| {
        file.replace("# requires_token", "requires_token")
    });
    let polls = Polls::on(installation).await;
    let token = |scope: &str| {
        let arguments = ["token", "new", "test", "--scope", scope];
        let made = polls.installation.command(&arguments).output().unwrap();
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    };
    let status = async |token: Option<&str>| {
        let mut requests = [
            polls.post(&valid()),
            polls
                .app
                .http
                .post(polls.votes() + "/batch")
                .json(&[valid()]),
        ];
        if let Some(token) = token {
            requests = requests.map(|request| request.bearer_auth(token));
        }
        let mut statuses = Vec::new();
        for request in requests {
            statuses.push(request.send().await.unwrap().status().as_u16());
        }
        statuses
    };
    assert_eq!(status(None).await, [401, 401]);
    assert_eq!(status(Some("jornada_unknown")).await, [401, 401]);
    assert_eq!(status(Some(&token("chart"))).await, [403, 403]);
    assert_eq!(status(Some(&token("votes"))).await, [201, 200]);
    // The form is for nobody, and its page shows the totals.
    let path = format!("/c/{}", polls.installation.election);
    let form = reqwest::multipart::Form::new().text("sede", "1");
    let sent = polls
        .app
        .http
        .post(format!("{}{path}", polls.app.base))
        .multipart(form);
    assert_eq!(sent.send().await.unwrap().status(), 401);
    let page = polls.app.get(&path).await;
    assert!(page.url().path().ends_with("/chart"), "{}", page.url());
    polls.wait_for_total("sedes", 2).await;
}

#[tokio::test]
async fn one_client_cannot_flood_an_open_campaign() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_EXEMPT", "none");
    installation.set("JORNADA_LIMIT_VOTES", "5+1");
    let polls = Polls::on(installation).await;
    let send = async |from: &str, count: usize| {
        let batch = polls
            .app
            .http
            .post(polls.votes() + "/batch")
            .json(&vec![valid(); count]);
        batch.header("X-Client-Address", from).send().await.unwrap()
    };
    assert_eq!(send("192.0.2.1", 3).await.status(), 200);
    let refused = send("192.0.2.1", 3).await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((55..=60).contains(&wait), "{wait}");
    assert_eq!(send("192.0.2.1", 2).await.status(), 200);
    // More than a burst passes once, and is owed.
    assert_eq!(send("192.0.2.2", 50).await.status(), 200);
    assert_eq!(send("192.0.2.2", 1).await.status(), 429);
    polls.wait_for_total("sedes", 55).await;
}

#[tokio::test]
async fn a_form_votes_without_a_script_and_staff_see_no_single_vote() {
    let polls = Polls::start(Stores::Embedded).await;
    let path = format!("{}/c/{}", polls.app.base, polls.installation.contest);
    let page = polls
        .app
        .http
        .get(&path)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("/votes\"") && page.contains("Enviando su voto"),
        "{page}"
    );
    let hidden = |name: &str| {
        let rest = page
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap()
            .1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let form = || {
        let form = reqwest::multipart::Form::new()
            .text("_key", hidden("_key"))
            .text("_at", hidden("_at"));
        form.text("album", "Uno")
            .text("artista", "Los Ejemplos")
            .text("puesto", "1")
    };
    for _ in 0..2 {
        let answer = polls
            .app
            .http
            .post(&path)
            .multipart(form())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.url().path().starts_with("/r/"), "{}", answer.url());
        assert!(answer.text().await.unwrap().contains("Voto recibido"));
    }
    let contest = &polls.installation.contest;
    polls
        .app
        .wait_until("it is counted once", async |_| {
            polls.tally(contest, "artistas").await["total"] == 1
        })
        .await;
    let token = polls.installation.create_token();
    let report = polls
        .app
        .http
        .get(polls.url(contest, "reports/_all.csv"))
        .bearer_auth(token);
    let answer = report.send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(body(answer).await["type"], "urn:jornada:problem:other-kind");
}

async fn killed_instances_lose_and_double_nothing(stores: Stores) {
    let polls = Polls::start(stores).await;
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..60 {
        let batch: Vec<_> = (0..100)
            .map(|item| with("sede", json!(number * 100 + item + 1)))
            .collect();
        let request = polls.app.http.post(polls.votes() + "/batch").json(&batch);
        let request = request.header("Idempotency-Key", format!("batch-{number:04}"));
        sending.spawn(async move {
            let sent = request.send().await;
            sent.is_ok_and(|answer| answer.status() == 200)
                .then_some(number)
        });
    }
    let mut acknowledged = Vec::new();
    while let Some(done) = sending.join_next().await {
        acknowledged.extend(done.unwrap());
        if acknowledged.len() == 3 {
            polls.app.signal("-KILL");
        }
    }
    assert!(acknowledged.len() < 60, "it was killed in the middle");
    let polls = Polls::on(polls.installation).await;
    for number in 0..60 {
        let batch: Vec<_> = (0..100)
            .map(|item| with("sede", json!(number * 100 + item + 1)))
            .collect();
        let request = polls.app.http.post(polls.votes() + "/batch").json(&batch);
        let answer = request
            .header("Idempotency-Key", format!("batch-{number:04}"))
            .send()
            .await
            .unwrap();
        let told = body(answer).await;
        assert_eq!(told["accepted"], 100, "{told}");
        if acknowledged.contains(&number) {
            let results = told["results"].as_array().unwrap();
            assert!(
                results.iter().all(|one| one["status"] == "already-stored"),
                "{number} was lost"
            );
        }
    }
    polls.wait_for_total("sedes", 6_000).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    polls.wait_for_total("sedes", 6_000).await;
}

async fn all_votes_are_exported_and_erased(stores: Stores) {
    let polls = Polls::start(stores).await;
    let batch: Vec<_> = (0..1_500)
        .map(|number| with("sede", json!(number + 1)))
        .collect();
    let request = polls.app.http.post(polls.votes() + "/batch").json(&batch);
    assert_eq!(request.send().await.unwrap().status(), 200);
    polls.wait_for_total("sedes", 1_500).await;
    let run = |arguments: &[&str]| {
        let all: Vec<_> = ["votes"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let done = polls.installation.command(&all).output().unwrap();
        let errors = String::from_utf8(done.stderr).unwrap();
        (
            done.status.success(),
            String::from_utf8(done.stdout).unwrap(),
            errors,
        )
    };
    let election = polls.installation.election.as_str();
    let (success, lines, _) = run(&["export", election]);
    assert!(success);
    let sedes: std::collections::BTreeSet<_> = lines
        .lines()
        .map(|line| {
            let vote: Value = serde_json::from_str(line).unwrap();
            assert_eq!(vote["door"], "http");
            vote["answers"]["sede"]
                .as_str()
                .unwrap()
                .parse::<u32>()
                .unwrap()
        })
        .collect();
    assert!(sedes.into_iter().eq(1..=1_500));
    let (success, csv, _) = run(&["export", election, "--format", "csv"]);
    let heading = "id,received_at,door,sede,departamento,municipio,papeleta,partido\r\n";
    assert!(success && csv.starts_with(heading) && csv.lines().count() == 1_501);
    for (arguments, words) in [
        (&["erase", election][..], "--yes"),
        (&["erase", "--yes", "narnia"], "has the id 'narnia'"),
        (
            &["export", &polls.installation.campaign],
            "takes in registrations",
        ),
    ] {
        let (success, _, told) = run(arguments);
        assert!(!success && told.contains(words), "{told}");
    }
    let (success, told, errors) = run(&["erase", "--yes", election]);
    assert!(success && told == "1500 erased\n", "{told} {errors}");
    polls.wait_for_total("sedes", 0).await;
    assert_eq!(run(&["export", election]).1, "");
}
