//! Tests of the staff area with the real binary: permissions, logins, sessions, audit log, reports, corrections.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod account_forms;
mod area;
mod audit;
mod audit_log;
mod audited_actions;
mod correction;
mod dead_letters;
mod deletion;
mod early_closure;
mod files;
mod jobs;
mod links;
mod login;
mod many_registrations;
mod matrix;
mod person;
mod rate_limit;
mod report_client;
mod report_encryption;
mod reviews;
mod search;
mod secrets;
mod sessions;
mod tokens;
mod totp;
mod votes;
