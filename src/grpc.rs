//! The gRPC door: votes, health and reflection, as in `proto/jornada/v1/votes.proto`. It admits and judges votes as the
//! HTTP API does, by the same functions.

mod body;
mod call;
mod caller;
mod health;
mod message;
mod method;
mod outcome;
mod refusal;
mod stream;
mod votes;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::middleware::from_fn_with_state;
use jornada_proto::v1::votes_server::VotesServer;
use tonic::Status;
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::server::Builder as Reflection;
use tower_http::catch_panic::CatchPanicLayer;

use crate::web::AppState;
use crate::web::connection::Http2Limits;
use health::HealthCheck;
use jornada_service::votes::{MAX_VOTES, MAX_VOTES_BYTES};
use method::{CAST, CAST_BATCH, CAST_STREAM, CHECK, REFLECTION, WATCH};
use votes::VotesService;

/// Maximum size of a single vote in bytes.
const MAX_VOTE_BYTES: usize = 64 * 1024;

/// Limits of a connection. The bytes that wait in both directions bound the memory of slow clients.
pub const LIMITS: Http2Limits = Http2Limits {
    streams: 256,
    window: 64 * 1024,
    send_buffer: 64 * 1024,
    headers: 16 * 1024,
    keep_alive: Duration::from_secs(20),
    age: stream::MAX_AGE,
    grace: Duration::from_secs(stream::MAX_AGE.as_secs() + 60),
};

const _: () = assert!(MAX_VOTES == jornada_proto::codec::MAX_VOTES);

/// Answers a call of a method that does not exist, without a log line.
pub async fn refuse_unknown_method() -> Response<Body> {
    Status::unimplemented("no such method").into_http()
}

/// Routes of the gRPC API.
pub fn router(app: &AppState) -> anyhow::Result<Router> {
    let votes = VotesServer::new(VotesService(app.clone()));
    let single = votes.clone().max_decoding_message_size(MAX_VOTE_BYTES);
    let batch = votes.max_decoding_message_size(MAX_VOTES_BYTES);
    let health = HealthServer::new(HealthCheck(app.clone()));
    let reflection = Reflection::configure()
        .register_encoded_file_descriptor_set(jornada_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    Ok(Router::new()
        .route_service(CAST, single.clone())
        .route_service(CAST_STREAM, single)
        .route_service(CAST_BATCH, batch)
        .route_service(CHECK, health.clone())
        .route_service(WATCH, health)
        .route_service(REFLECTION, reflection)
        .layer(CatchPanicLayer::custom(refusal::panicked))
        .layer(from_fn_with_state(app.clone(), call::accept)))
}
