//! The staff area of the real binary: who may what, how somebody logs in, and what ends it, on every instance.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

#[expect(dead_code, reason = "other tests use the rest of it")]
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
