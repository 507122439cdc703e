//! The staff area of the real binary: who may what, how somebody logs in, and what ends it, on every instance.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod area;
mod forms;
mod links;
mod login;
mod matrix;
mod person;
mod second;
mod secrets;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod throttle;
mod tokens;
