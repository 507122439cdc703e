//! Fixtures of the tests: invented campaigns and photos, the real binary on real servers, simulated network faults.
//! Only a dev-dependency. Names of databases, buckets and campaigns are random, so that tests can share servers.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up shall fail"
)]
#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "fixtures of tests, with self-explanatory names"
)]

pub mod campaign;
pub mod faults;
mod installation;
pub mod instance;
pub mod nginx;
pub mod page;
pub mod photos;
mod process;
pub mod proxy;
pub mod queue;
pub mod raw;
pub mod recorder;
pub mod servers;
