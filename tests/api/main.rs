//! The API of the real binary, on embedded stores and on MongoDB, S3 and Redis: what is accepted, what is rejected with
//! which error, and what survives a crash.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

#[path = "../support/mod.rs"]
mod support;

mod abuse;
mod amending;
mod cache;
mod chart;
mod death;
mod denials;
mod keeping;
mod limits;
mod load;
mod nginx;
mod nginx_bounds;
mod operations;
mod pending;
mod photos;
mod protocol;
mod registering;
mod reports;
mod seal;
mod sweeping;

/// Runs each test on both kinds of stores.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() { super::$name(crate::support::app::Stores::Embedded).await; })*
        }
        mod servers {
            $(#[tokio::test]
            async fn $name() { super::$name(crate::support::app::Stores::Servers).await; })*
        }
    };
}
pub(crate) use on_both;
