//! Tests of the staff area with the real binary: permissions, logins, sessions, audit log, reports, corrections.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod area;
mod audit;
mod closing;
mod correcting;
mod crowd;
mod deeds;
mod deleting;
mod files;
mod finding;
mod forms;
mod jobs;
mod links;
mod login;
mod matrix;
mod person;
mod program;
mod record;
mod sealed;
mod second;
mod secrets;
mod sessions;
mod throttle;
mod tokens;
