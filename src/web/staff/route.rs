//! One row of the staff area's table: method, address, who may, and what answers.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use super::guard::{self, Guard};
use crate::domain::staff::Permission;
use crate::web::AppState;

/// What somebody needs for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: for logging in.
    Nothing,
    /// An account of any role, logged in: for what is their own.
    Account,
    /// That permission, of an account or a token.
    Permission(Permission),
}

/// A page of the staff area.
#[derive(Clone, Debug)]
pub struct Route {
    /// GET or POST. Every POST must carry the key of its form ([`guard`]).
    pub method: Method,
    /// As axum writes it, with parameters in braces.
    pub path: &'static str,
    /// Who may.
    pub need: Need,
    handler: MethodRouter<AppState>,
}

impl Route {
    /// A page that is looked at.
    pub fn get<T: 'static>(
        path: &'static str,
        need: Need,
        handler: impl Handler<T, AppState>,
    ) -> Self {
        Self {
            method: Method::GET,
            path,
            need,
            handler: get(handler),
        }
    }

    /// A form that is sent.
    pub fn post<T: 'static>(
        path: &'static str,
        need: Need,
        handler: impl Handler<T, AppState>,
    ) -> Self {
        Self {
            method: Method::POST,
            path,
            need,
            handler: post(handler),
        }
    }
}

/// A router of these pages, each behind its guard.
pub(super) fn router(app: &AppState, table: Vec<Route>) -> Router<AppState> {
    let mut router = Router::new();
    for route in table {
        let guard = Guard {
            app: app.clone(),
            need: route.need,
        };
        let guarded = route
            .handler
            .route_layer(from_fn_with_state(guard, guard::guard));
        router = router.route(route.path, guarded);
    }
    router
}
