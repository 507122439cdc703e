//! Reports as a clerk and a program find them: real files, opened again by another library.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod csv;
mod job;
mod people;
mod xlsx;
