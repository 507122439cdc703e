//! Who works on a campaign, what they may see and do, and what they did: accounts, sessions, tokens, as pure rules.
//! Whatever is decided here is decided the same on every instance; the clock comes in as an argument.

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
