//! Votes over HTTP: a key stores a vote once, and each vote of a batch has its outcome.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::on_both;
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

on_both!(
    a_key_stores_a_vote_once,
    a_batch_has_an_outcome_for_each_vote
);

/// An instance with the shipped campaigns of votes.
pub struct Polls {
    pub installation: Installation,
    pub app: RunningInstance,
}

impl Polls {
    pub async fn start(stores: Stores) -> Self {
        let mut installation = Installation::new(stores);
        installation.set("JORNADA_LIMIT_VOTES", "100000+100000");
        Self::on(installation).await
    }

    pub async fn on(installation: Installation) -> Self {
        let app = installation.start().await;
        Self { installation, app }
    }

    pub fn url(&self, campaign: &str, rest: &str) -> String {
        format!("{}/api/v1/campaigns/{campaign}/{rest}", self.app.base)
    }

    pub fn votes(&self) -> String {
        self.url(&self.installation.election, "votes")
    }

    pub fn post(&self, vote: &Value) -> RequestBuilder {
        self.app.http.post(self.votes()).json(vote)
    }

    pub async fn cast(&self, vote: &Value, key: &str) -> Response {
        let request = self.post(vote).header("Idempotency-Key", key);
        request.send().await.unwrap()
    }

    pub async fn tally(&self, campaign: &str, tally: &str) -> Value {
        let answer = self
            .app
            .http
            .get(self.url(campaign, &format!("tallies/{tally}")));
        answer.send().await.unwrap().json().await.unwrap()
    }

    pub async fn wait_for_total(&self, tally: &str, total: u64) {
        self.app
            .wait_until(&format!("{tally} counts {total}"), async |_| {
                self.tally(&self.installation.election, tally).await["total"] == total
            })
            .await;
    }
}

pub fn valid() -> Value {
    json!({
        "sede": 7, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE",
    })
}

/// Returns a valid vote with one member replaced, or removed by null.
pub fn with(name: &str, value: Value) -> Value {
    let mut vote = valid();
    if value.is_null() {
        vote.as_object_mut().unwrap().remove(name);
    } else {
        vote[name] = value;
    }
    vote
}

pub async fn body(answer: Response) -> Value {
    answer.json().await.unwrap()
}

/// Returns field and code of each error.
pub fn errors(body: &Value) -> Vec<(&str, &str)> {
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |error: &'_ Value, name: &str| error[name].as_str().unwrap().to_owned();
    let pairs = errors
        .iter()
        .map(|error| (text(error, "field"), text(error, "code")));
    pairs
        .map(|(field, code)| (&*field.leak(), &*code.leak()))
        .collect()
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
    let metrics = polls.app.http.get(format!("{}/metrics", polls.app.ops));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    for (value, count) in [("Guatemala · UNE", 3), ("San Marcos · VAMOS", 2)] {
        let tally = "presidente-por-departamento";
        let labels = format!("campaign=\"{election}\",tally=\"{tally}\",value=\"{value}\"");
        let line = format!("jornada_tally_votes{{{labels}}} {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
}
