//! Who may see the lists: accounts with passwords and second factors, sessions, tokens for programs; and the record of
//! who looked at what.
//!
//! # Why sessions of our own
//!
//! tower-sessions (and axum-login on top of it) keeps a session as one opaque record that is read, changed and written
//! back whole: a request in flight that writes late brings a session back that was revoked meanwhile, and there is no
//! list of an account's sessions nor a way to end them all. Here each change is one step of the store on one session,
//! the account's epoch ends all of them at once on every instance, and it goes on without Redis. Passwords are left to
//! the argon2 crate, codes to totp-rs, encryption to chacha20poly1305, MACs to hmac.

pub mod accounts;
pub mod audit;
pub mod form_key;
pub mod keys;
pub mod login;
pub mod metrics;
pub mod overview;
pub mod password;
pub mod person;
pub mod places;
pub mod query;
mod sealed;
pub mod second;
pub mod sessions;
pub mod token;

pub use accounts::AccountsError;
pub use audit::Audit;
pub use login::Gate;
