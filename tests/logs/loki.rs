//! A server with Loki's push API (protobuf in snappy's block format) that fails on demand.
//!
//! The messages follow `pkg/push/push.proto` of Loki, independently of the sender's.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use prost::Message;
use serde_json::Value;
use tokio::net::TcpListener;

use jornada_testkit::proxy::Proxy;

#[derive(Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

#[derive(Message)]
struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Entry>,
}

#[derive(Message)]
struct Entry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Timestamp>,
    #[prost(string, tag = "2")]
    line: String,
}

#[derive(Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// How the server answers a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers 204, as Loki does.
    Healthy,
    /// Cuts every connection.
    Down,
    /// Answers 204 after this time.
    Slow(Duration),
    /// Answers with this status and stores nothing.
    Rejecting(u16),
}

/// An accepted line.
#[derive(Clone, Debug)]
pub struct Line {
    /// As sent: `{service="…",…}`.
    pub labels: String,
    /// Unix time.
    pub seconds: i64,
    pub text: String,
}

impl Line {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

#[derive(Clone)]
struct ServerState {
    behaviour: Arc<Mutex<Behaviour>>,
    lines: Arc<Mutex<Vec<Line>>>,
}

/// One running server.
pub struct Loki {
    state: ServerState,
    proxy: Proxy,
}

impl Loki {
    /// Starts a healthy server.
    pub async fn start() -> Self {
        let state = ServerState {
            behaviour: Arc::new(Mutex::new(Behaviour::Healthy)),
            lines: Arc::default(),
        };
        let router = Router::new()
            .route("/loki/api/v1/push", post(push))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        let proxy = Proxy::start(address.to_string()).await;
        Self { state, proxy }
    }

    /// Returns the value for `JORNADA_LOKI`.
    pub fn url(&self) -> String {
        format!("http://{}", self.proxy.address)
    }

    pub fn set_behaviour(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock().unwrap() = behaviour;
        self.proxy.set_open(behaviour != Behaviour::Down);
    }

    /// Returns all accepted lines.
    pub fn lines(&self) -> Vec<Line> {
        self.state.lines.lock().unwrap().clone()
    }

    /// Returns the number of accepted lines.
    pub fn count(&self) -> usize {
        self.state.lines.lock().unwrap().len()
    }

    /// Returns whether a line with these words was accepted.
    pub fn has_line(&self, words: &str) -> bool {
        let lines = self.state.lines.lock().unwrap();
        lines.iter().any(|line| line.text.contains(words))
    }
}

async fn push(
    State(state): State<ServerState>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["content-encoding"], "snappy");
    let behaviour = *state.behaviour.lock().unwrap();
    match behaviour {
        Behaviour::Rejecting(status) => {
            return (StatusCode::from_u16(status).unwrap(), "not today");
        }
        Behaviour::Slow(time) => tokio::time::sleep(time).await,
        Behaviour::Healthy | Behaviour::Down => {}
    }
    let plain = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let request = PushRequest::decode(plain.as_slice()).unwrap();
    let mut lines = state.lines.lock().unwrap();
    for stream in request.streams {
        for entry in stream.entries {
            lines.push(Line {
                labels: stream.labels.clone(),
                seconds: entry.timestamp.unwrap().seconds,
                text: entry.line,
            });
        }
    }
    (StatusCode::NO_CONTENT, "")
}
