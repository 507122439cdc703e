//! A row of the staff area's table of routes: method, path, requirement and handler.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use super::guard;
use crate::web::AppState;

pub use super::guard::Requirement;

/// A route of the staff area.
#[derive(Clone, Debug)]
pub struct Route {
    /// GET or POST. Every POST from a browser must carry a CSRF token ([`guard`]).
    pub method: Method,
    /// Path in axum's syntax, with parameters in braces.
    pub path: &'static str,
    /// Requirement that a client must meet.
    pub requirement: Requirement,
    handler: MethodRouter<AppState>,
}

impl Route {
    /// Creates a route from a row of the table.
    pub(super) fn new<T: 'static>(
        method: Method,
        path: &'static str,
        requirement: Requirement,
        handler: impl Handler<T, AppState>,
    ) -> Self {
        let handler = if method == Method::GET {
            get(handler)
        } else {
            post(handler)
        };
        Self {
            method,
            path,
            requirement,
            handler,
        }
    }
}

/// Builds a router with the middleware in front of each route.
pub(super) fn router(app: &AppState, table: Vec<Route>) -> Router<AppState> {
    let mut router = Router::new();
    for route in table {
        let guard = (app.clone(), route.requirement);
        let guarded = route
            .handler
            .route_layer(from_fn_with_state(guard, guard::guard_route));
        router = router.route(route.path, guarded);
    }
    router
}
