//! Staff accounts, roles, sessions, tokens and the events of the audit log. Pure rules: every instance decides alike,
//! and the time is an argument.

pub mod account;
pub mod audit;
pub mod mail;
pub mod reach;
pub mod role;
pub mod session;
pub mod token;

pub use account::{Account, Link, SecondFactor};
pub use mail::Mail;
pub use reach::Reach;
pub use role::{Permission, Role};
pub use session::Session;
pub use token::{ApiToken, Scope, Scopes};
