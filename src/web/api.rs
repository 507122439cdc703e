//! HTTP API for programs: version 1 of the contract, and its OpenAPI description.

pub mod challenge;
pub mod chart;
mod event_stream;
pub mod registrations;
pub mod reports;
pub mod tallies;
pub mod tally_body;
pub mod vote_export;
pub mod vote_list;
pub mod votes;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use std::sync::LazyLock;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Jornada",
        description = "Registrations and votes of one day: sent in, counted, listed. Every refusal is problem+json (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(super::error::problem::Problem, tally_body::TallyChangeBody))
)]
struct Description;

fn described() -> OpenApiRouter<AppState> {
    // nginx caches the compressed totals and does not compress them itself.
    let chart = OpenApiRouter::new()
        .routes(routes!(chart::chart))
        .layer(CompressionLayer::new());
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(registrations::register))
        .routes(routes!(challenge::challenge))
        .routes(routes!(votes::cast, vote_list::list))
        .routes(routes!(vote_list::show))
        .routes(routes!(vote_export::csv))
        .routes(routes!(vote_export::ndjson))
        .routes(routes!(votes::cast_batch))
        .routes(routes!(chart::events))
        .routes(routes!(tallies::tally))
        .routes(routes!(tallies::events))
        .routes(routes!(reports::report))
        .merge(chart)
}

static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| {
    let mut openapi = described().into_openapi();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    openapi
        .components
        .get_or_insert_default()
        .add_security_scheme("token", token);
    openapi
        .to_json()
        .expect("the description is always JSON")
        .into()
});

/// Routes of the API.
pub fn router() -> Router<AppState> {
    let (router, _) = described().split_for_parts();
    router.route("/api/v1/openapi.json", get(openapi))
}

async fn openapi() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, OPENAPI.clone()).into_response()
}
