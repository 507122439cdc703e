//! Shared by the tests: the real binary on real servers, with names that no other test uses.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up shall fail"
)]

pub mod instance;
pub mod nginx;
pub mod photos;
pub mod proxy;
pub mod raw;
pub mod recorder;
pub mod servers;
