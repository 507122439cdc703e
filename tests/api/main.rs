//! The API of the real binary, on embedded stores and on MongoDB, S3 and Redis: what is accepted, what is rejected with
//! which error, and what survives a crash.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod abuse;
mod app;
mod attempts;
mod backups;
mod buffering;
mod cache;
mod chart;
mod corrections;
mod crashes;
mod dead_letters;
mod denials;
mod doors;
mod encryption;
mod examples;
mod existing_programs;
mod grpc;
mod grpc_bounds;
mod grpc_mistakes;
mod grpc_stop;
mod hangups;
mod home;
mod limits;
mod load;
mod nginx;
mod nginx_chart;
mod nginx_grpc;
mod nginx_limits;
mod nginx_uncached;
mod numbers;
mod operations;
mod photos;
mod protocol;
mod read_only;
mod redis_calls;
mod registering;
mod reports;
mod results;
mod retention;
mod store_gate;
mod sweeping;
mod tallies;
mod unresolved;
mod vote_clients;
mod vote_exactness;
mod vote_import;
mod vote_list;
mod vote_mistakes;
mod votes;

/// Runs each test on both kinds of stores.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() { super::$name(jornada_testkit::instance::Stores::Embedded).await; })*
        }
        mod servers {
            $(#[tokio::test]
            async fn $name() { super::$name(jornada_testkit::instance::Stores::Servers).await; })*
        }
    };
}
pub(crate) use on_both;
