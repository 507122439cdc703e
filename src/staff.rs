//! Staff access control: accounts with passwords and TOTP, sessions, API tokens, and the audit log.
//!
//! # Why sessions are implemented here
//!
//! tower-sessions (and axum-login, which uses it) stores a session as one opaque record that is read, changed and
//! written back as a whole. A request in flight that writes late restores a session that was revoked in the meantime,
//! and there is no way to list or end all sessions of an account. Here each change is one atomic store operation on one
//! session. Incrementing the account's epoch ends all its sessions on every instance. Redis is not needed.
//!
//! Cryptography comes from crates: argon2 (passwords), totp-rs (codes), chacha20poly1305 (encryption), hmac (MACs).

pub mod accounts;
pub mod audit;
pub mod csrf;
pub mod encrypted_query;
pub mod keys;
pub mod login;
pub mod metrics;
pub mod overview;
pub mod password;
pub mod personal_data_export;
pub mod place_scope;
pub mod sessions;
pub mod token;
pub mod totp;

pub use accounts::AccountsError;
pub use audit::AuditLog;
pub use login::Authenticator;
