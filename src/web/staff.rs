//! The staff area. The table of routes is also the router, so every page declares who may open it, and the role tests
//! cover every page.

pub mod account;
mod account_detail;
pub mod accounts;
mod audit;
mod closure;
mod cookies;
mod correction;
mod deletion;
pub mod guard;
mod job;
pub mod login;
pub mod need;
mod overview;
pub mod password;
pub mod photo;
pub mod principal;
mod registration;
mod registration_access;
mod reports;
pub mod request_audit;
pub mod route;
mod search;
pub mod tokens;
pub mod totp;

use axum::Router;

use super::AppState;
pub use super::address;
pub use guard::StaffContext;
pub use jornada_domain::staff::audit::AuditEvent;
pub use principal::Principal;
pub use request_audit::RequestAudit;
pub use route::{Requirement, Route};

/// Returns every route of the staff area with its requirement.
#[must_use]
pub fn table() -> Vec<Route> {
    [
        login::routes(),
        password::routes(),
        account::routes(),
        totp::routes(),
        accounts::routes(),
        account_detail::routes(),
        tokens::routes(),
        overview::routes(),
        search::routes(),
        registration::routes(),
        correction::routes(),
        deletion::routes(),
        closure::routes(),
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
