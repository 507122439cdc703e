//! Staff accounts, their sessions, and API tokens.

mod accounts;
pub(crate) mod mongo;
mod sessions;
pub(crate) mod sqlite;
mod tokens;
