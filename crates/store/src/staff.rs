//! Staff accounts, their sessions, and API tokens.

mod accounts;
mod sessions;
mod tokens;
