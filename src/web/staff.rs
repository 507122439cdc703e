//! The staff area. The table of routes is also the router, so every page declares who may open it, and the role tests
//! cover every page.

mod account;
mod account_detail;
pub mod accounts;
mod audit;
mod closure;
pub mod context;
mod cookies;
mod correction;
mod deletion;
pub mod guard;
mod job;
mod login;
mod overview;
mod password;
mod photo;
pub mod principal;
mod registration;
mod registration_access;
mod reports;
pub mod request_audit;
pub mod route;
mod search;
mod tokens;
mod totp;

use axum::Router;

use super::AppState;
pub use super::address;
pub use context::StaffContext;
use jornada_domain::staff::Permission;
pub use jornada_domain::staff::audit::AuditEvent;
pub use principal::Principal;
pub use request_audit::RequestAudit;
pub use route::{Requirement, Route};

/// Builds the table of routes from rows of method, requirement, path and handler.
macro_rules! routes {
    ($($method:ident $need:expr, $path:literal => $handler:path;)*) => {
        vec![$(Route::$method($path, $need, $handler)),*]
    };
}

/// Returns every route of the staff area with its requirement.
#[must_use]
pub fn table() -> Vec<Route> {
    use Permission::{Accounts, Audit, Close, Correct, Delete, Photo, Report, Search, See, Totals};
    use Requirement::{Account, Nothing, Permission as May};

    routes! {
        get  Nothing, "/staff/login" => login::show_form;
        post Nothing, "/staff/login" => login::log_in;
        post Account, "/staff/logout" => login::log_out;
        get  Nothing, "/staff/password/{link}" => password::show_form;
        post Nothing, "/staff/password/{link}" => password::set_password;

        get  Account, "/staff/account" => account::show_account;
        post Account, "/staff/account/password" => account::change_password;
        post Account, "/staff/account/sessions/end" => account::end_session;
        post Account, "/staff/account/sessions/end-all" => account::end_all_sessions;
        get  Account, "/staff/account/second" => totp::show_setup;
        post Account, "/staff/account/second" => totp::switch_on;
        post Account, "/staff/account/second/off" => totp::switch_off;

        get  May(Accounts), "/staff/accounts" => accounts::list_accounts;
        post May(Accounts), "/staff/accounts" => accounts::create_account;
        get  May(Accounts), "/staff/accounts/{id}" => account_detail::show_account;
        post May(Accounts), "/staff/accounts/{id}" => account_detail::change_role;
        post May(Accounts), "/staff/accounts/{id}/link" => account_detail::create_link;
        post May(Accounts), "/staff/accounts/{id}/sessions/end" => account_detail::end_all_sessions;
        post May(Accounts), "/staff/accounts/{id}/close" => account_detail::submit_close;
        get  May(Accounts), "/staff/tokens" => tokens::list_tokens;
        post May(Accounts), "/staff/tokens" => tokens::create_token;
        post May(Accounts), "/staff/tokens/revoke" => tokens::revoke_token;

        get  May(Totals), "/staff" => overview::show_overview;
        get  May(Search), "/staff/c/{campaign}/registrations" => search::show_results;
        post May(Search), "/staff/c/{campaign}/registrations" => search::submit_search;
        get  May(See), "/staff/c/{campaign}/registrations/{id}" => registration::show_registration;
        get  May(See), "/staff/c/{campaign}/registrations/{id}/print" => registration::show_print;
        get  May(Correct), "/staff/c/{campaign}/registrations/{id}/correct" => correction::show_form;
        post May(Correct), "/staff/c/{campaign}/registrations/{id}/correct" => correction::submit_form;
        get  May(Delete), "/staff/c/{campaign}/registrations/{id}/delete" => deletion::show_form;
        post May(Delete), "/staff/c/{campaign}/registrations/{id}/delete" => deletion::submit_form;
        get  May(Photo), "/staff/c/{campaign}/registrations/{id}/photo" => photo::show_photo;
        get  May(Close), "/staff/c/{campaign}/close" => closure::show_closure;
        post May(Close), "/staff/c/{campaign}/close" => closure::close_campaign;
        post May(Close), "/staff/c/{campaign}/reopen" => closure::reopen_campaign;

        get  May(Report), "/staff/c/{campaign}/reports" => reports::show_form;
        post May(Report), "/staff/c/{campaign}/reports" => reports::submit_form;
        get  May(Report), "/staff/c/{campaign}/reports/{id}" => job::show_job;
        get  May(Report), "/staff/c/{campaign}/reports/{id}/progress" => job::show_progress;
        post May(Report), "/staff/c/{campaign}/reports/{id}/cancel" => job::cancel_job;
        get  May(Report), "/staff/c/{campaign}/reports/{id}/file" => job::download_file;

        get  May(Audit), "/staff/audit" => audit::show_entries;
        get  May(Audit), "/staff/audit/export.csv" => audit::export_csv;
    }
}

/// Builds the router of the staff area.
pub fn router(app: &AppState) -> Router<AppState> {
    route::router(app, table())
}
