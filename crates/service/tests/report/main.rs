//! Reports as users and programs read them: real files, parsed by another library.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod csv;
mod job;
mod people;
mod xlsx;
