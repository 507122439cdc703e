//! Page with the interactive API documentation.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::AppState;
use jornada_http::page::{PageContext, render};

/// Route of the page.
pub fn router() -> Router<AppState> {
    Router::new().route("/api/docs", get(docs))
}

async fn docs(visit: PageContext) -> Response {
    render(StatusCode::OK, &DocsPage { visit: &visit })
}

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage<'a> {
    visit: &'a PageContext,
}
