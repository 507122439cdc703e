//! The staff area. The table of routes is also the router, so every page declares who may open it, and the role tests
//! cover every page.

pub mod account;
pub mod accounts;
mod audit;
mod browser;
mod case;
mod closing;
mod correction;
mod deletion;
pub mod guard;
mod job;
pub mod login;
pub mod need;
mod one_account;
mod overview;
pub mod password;
pub mod photo;
mod registration;
mod reports;
pub mod route;
pub mod scribe;
mod search;
pub mod second;
pub mod tokens;
pub mod who;

use axum::Router;

use super::AppState;
pub use super::address;
pub use guard::Desk;
pub use route::{Need, Route};
pub use scribe::{Deed, Scribe};
pub use who::Staff;

/// Returns every route of the staff area with its requirement.
#[must_use]
pub fn table() -> Vec<Route> {
    [
        login::routes(),
        password::routes(),
        account::routes(),
        second::routes(),
        accounts::routes(),
        one_account::routes(),
        tokens::routes(),
        overview::routes(),
        search::routes(),
        registration::routes(),
        correction::routes(),
        deletion::routes(),
        closing::routes(),
        photo::routes(),
        reports::routes(),
        job::routes(),
        audit::routes(),
    ]
    .concat()
}

/// Builds the router of the staff area.
pub fn router(app: &AppState) -> Router<AppState> {
    route::router(app, table())
}
