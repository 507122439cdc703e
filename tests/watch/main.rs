//! The watcher as a process, with targets that die and an SMTP server that misbehaves: which mails are sent.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod fixture;
mod mails;
mod post;
mod recipients;
mod rules;
mod several;
mod smtp;
mod targets;
