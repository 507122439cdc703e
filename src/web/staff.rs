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
mod dead_letters;
mod deletion;
pub mod guard;
mod job;
mod lift;
mod login;
mod overview;
mod password;
mod photo;
pub mod principal;
mod registration;
mod registration_access;
mod reports;
pub mod request_audit;
mod review;
mod review_access;
mod reviews;
pub mod route;
mod search;
mod tokens;
mod totp;
mod vote_figures;
mod votes;

use axum::Router;
use axum::http::Method;

use super::AppState;
pub use super::address;
pub use context::StaffContext;
use jornada_domain::staff::Permission;
pub use jornada_domain::staff::audit::AuditEvent;
pub use principal::{Principal, bearer_token};
pub use request_audit::RequestAudit;
pub use route::{Requirement, Route};

/// Builds the table of routes from rows of method, requirement, path and handler.
macro_rules! routes {
    ($($method:ident $need:expr, $path:literal => $handler:path;)*) => {
        vec![$(Route::new(Method::$method, $path, $need, $handler)),*]
    };
}

/// Returns every route of the staff area with its requirement.
pub fn table() -> Vec<Route> {
    use Permission::{
        Accounts, Audit, Close, Correct, DeadLetters, Delete, Photo, ReadVotes, Report, Search,
        See, Totals,
    };
    use Requirement::{Account, Nothing, Permission as May};

    routes! {
        GET  Nothing, "/staff/login" => login::show_form;
        POST Nothing, "/staff/login" => login::log_in;
        POST Account, "/staff/logout" => login::log_out;
        GET  Nothing, "/staff/password/{link}" => password::show_form;
        POST Nothing, "/staff/password/{link}" => password::set_password;

        GET  Account, "/staff/account" => account::show_account;
        POST Account, "/staff/account/password" => account::change_password;
        POST Account, "/staff/account/sessions/end" => account::end_session;
        POST Account, "/staff/account/sessions/end-all" => account::end_all_sessions;
        GET  Account, "/staff/account/second" => totp::show_setup;
        POST Account, "/staff/account/second" => totp::switch_on;
        POST Account, "/staff/account/second/off" => totp::switch_off;

        GET  May(Accounts), "/staff/accounts" => accounts::list_accounts;
        POST May(Accounts), "/staff/accounts" => accounts::create_account;
        GET  May(Accounts), "/staff/accounts/{id}" => account_detail::show_account;
        POST May(Accounts), "/staff/accounts/{id}" => account_detail::change_role;
        POST May(Accounts), "/staff/accounts/{id}/link" => account_detail::create_link;
        POST May(Accounts), "/staff/accounts/{id}/sessions/end" => account_detail::end_all_sessions;
        POST May(Accounts), "/staff/accounts/{id}/close" => account_detail::submit_close;
        GET  May(Accounts), "/staff/tokens" => tokens::list_tokens;
        POST May(Accounts), "/staff/tokens" => tokens::create_token;
        POST May(Accounts), "/staff/tokens/revoke" => tokens::revoke_token;

        GET  May(DeadLetters), "/staff/dead-letters" => dead_letters::list_letters;
        GET  May(DeadLetters), "/staff/dead-letters/{id}" => dead_letters::show_letter;
        POST May(DeadLetters), "/staff/dead-letters/{id}/replay" => dead_letters::replay_letter;
        POST May(DeadLetters), "/staff/dead-letters/{id}/drop" => dead_letters::drop_letter;

        GET  May(Totals), "/staff" => overview::show_overview;
        GET  May(Search), "/staff/c/{campaign}/registrations" => search::show_results;
        POST May(Search), "/staff/c/{campaign}/registrations" => search::submit_search;
        GET  May(See), "/staff/c/{campaign}/registrations/{id}" => registration::show_registration;
        GET  May(See), "/staff/c/{campaign}/registrations/{id}/print" => registration::show_print;
        GET  May(Correct), "/staff/c/{campaign}/registrations/{id}/correct" => correction::show_form;
        POST May(Correct), "/staff/c/{campaign}/registrations/{id}/correct" => correction::submit_form;
        GET  May(Delete), "/staff/c/{campaign}/registrations/{id}/delete" => deletion::show_form;
        POST May(Delete), "/staff/c/{campaign}/registrations/{id}/delete" => deletion::submit_form;
        POST May(Delete), "/staff/c/{campaign}/registrations/{id}/lift" => lift::submit_form;
        GET  May(Photo), "/staff/c/{campaign}/registrations/{id}/photo" => photo::show_photo;
        GET  May(See), "/staff/c/{campaign}/reviews" => reviews::show_queue;
        GET  May(See), "/staff/c/{campaign}/reviews/{id}" => review::show_review;
        POST May(Correct), "/staff/c/{campaign}/reviews/{id}" => review::decide;
        GET  May(Photo), "/staff/c/{campaign}/reviews/{id}/photo/{which}" => review::show_photo;
        GET  May(Close), "/staff/c/{campaign}/close" => closure::show_closure;
        POST May(Close), "/staff/c/{campaign}/close" => closure::close_campaign;
        POST May(Close), "/staff/c/{campaign}/reopen" => closure::reopen_campaign;

        GET  May(ReadVotes), "/staff/c/{campaign}/votes" => votes::show_votes;
        GET  May(ReadVotes), "/staff/c/{campaign}/votes/{id}" => votes::show_vote;

        GET  May(Report), "/staff/c/{campaign}/reports" => reports::show_form;
        POST May(Report), "/staff/c/{campaign}/reports" => reports::submit_form;
        GET  May(Report), "/staff/c/{campaign}/reports/{id}" => job::show_job;
        GET  May(Report), "/staff/c/{campaign}/reports/{id}/progress" => job::show_progress;
        POST May(Report), "/staff/c/{campaign}/reports/{id}/cancel" => job::cancel_job;
        GET  May(Report), "/staff/c/{campaign}/reports/{id}/file" => job::download_file;

        GET  May(Audit), "/staff/audit" => audit::show_entries;
        GET  May(Audit), "/staff/audit/export.csv" => audit::export_csv;
    }
}

/// Builds the router of the staff area.
pub fn router(app: &AppState) -> Router<AppState> {
    route::router(app, table())
}
