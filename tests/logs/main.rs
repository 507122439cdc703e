//! Log lines: what reaches standard output and Loki, what is never logged, and what a failing Loki costs.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod child;
mod clerk;
mod flood;
mod leak;
mod lines;
mod loki;
