//! The watcher as a process, before targets that die and an SMTP server that misbehaves: who is told what, and how often.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

#[path = "../support/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../support/servers.rs"]
mod servers;

mod bed;
mod mails;
mod post;
mod rules;
mod several;
mod smtp;
mod targets;
