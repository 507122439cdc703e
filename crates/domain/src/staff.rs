//! Staff accounts, roles, sessions, tokens and the events of the audit log. Pure rules: every instance decides alike,
//! and the time is an argument.

pub mod account;
pub mod audit;
pub mod email_address;
pub mod place_scope;
pub mod role;
pub mod session;
pub mod token;

pub use account::{Account, PasswordLink, SecondFactor};
pub use email_address::EmailAddress;
pub use place_scope::PlaceScope;
pub use role::{Permission, Role};
pub use session::Session;
pub use token::{ApiToken, Scope, Scopes};
