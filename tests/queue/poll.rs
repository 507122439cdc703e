//! An election with a queue.

use std::time::Duration;

use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::queue::{QueueKind, RunningConsumer};
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// Longest wait until votes are counted: a member of a group that died is missed after 10 s in Kafka, 60 s in Redis.
pub const PATIENCE_SECONDS: u64 = 100;

pub struct Poll {
    pub installation: Installation,
    pub app: RunningInstance,
}

impl Poll {
    pub async fn start(kind: QueueKind) -> Self {
        Self::with_queue(&kind.new_url()).await
    }

    pub async fn with_queue(url: &str) -> Self {
        let mut installation = Installation::new(Stores::Servers);
        installation.create_queue(url);
        Self::on(installation).await
    }

    pub async fn on(installation: Installation) -> Self {
        let app = installation.start().await;
        Self { installation, app }
    }

    pub async fn consumer(&self) -> RunningConsumer {
        self.installation.start_consumer().await
    }

    pub fn url(&self, rest: &str) -> String {
        let campaign = &self.installation.election;
        format!("{}/api/v1/campaigns/{campaign}/{rest}", self.app.base)
    }

    pub async fn cast(&self, vote: &Value, key: &str) -> Response {
        let request = self.app.http.post(self.url("votes")).json(vote);
        let request = request.header("Idempotency-Key", key);
        request.send().await.unwrap()
    }

    /// Sends a batch, and returns its outcomes.
    pub async fn cast_batch(&self, votes: &[Value], key: &str) -> Value {
        let request = self.app.http.post(self.url("votes/batch")).json(votes);
        let request = request.header("Idempotency-Key", key);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// Returns the number of counted votes.
    pub async fn counted(&self) -> u64 {
        let answer = self.app.http.get(self.url("tallies/sedes")).send().await;
        let tally: Value = answer.unwrap().json().await.unwrap();
        tally["total"].as_u64().unwrap()
    }

    /// Waits until so many votes are counted, and verifies that the store has as many and that no more come.
    pub async fn require_exactly(&self, votes: u64) {
        let claim = format!("{votes} votes are counted");
        self.app
            .wait_until_within(&claim, PATIENCE_SECONDS, async |_| {
                self.counted().await >= votes
            })
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let exported = self
            .installation
            .run(&["votes", "export", &self.installation.election]);
        assert_eq!(exported.lines().count() as u64, votes);
        assert_eq!(self.counted().await, votes);
    }
}

/// Returns valid vote number `number`.
pub fn vote(number: usize) -> Value {
    json!({
        "sede": number % 100 + 1, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE",
    })
}

pub async fn body(answer: Response) -> Value {
    answer.json().await.unwrap()
}

/// Returns the value of a metric without labels, or with exactly these, such as `{reason="no_id"}`. `None` if it is missing.
pub async fn metric(ops: &str, name: &str) -> Option<f64> {
    let answer = Client::new().get(format!("{ops}/metrics")).send().await;
    let text = answer.unwrap().text().await.unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

pub async fn ready(ops: &str) -> bool {
    let answer = Client::new().get(format!("{ops}/readyz")).send().await;
    answer.unwrap().status() == 200
}
