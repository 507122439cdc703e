//! What holds off a flood and whoever guesses: attempts, requests and proofs of work counted over all instances in
//! Redis, by each instance while Redis is away. Nothing is ever refused because Redis is down.

pub mod attempts;
mod counts;
mod limits;
mod memory;
pub mod metrics;
pub mod rate;
mod redis;
pub mod stamp;
pub mod work;

use std::net::IpAddr;

pub use counts::Counts;
pub use limits::LimitsSetting;

/// What counts as one client.
#[must_use]
pub fn network(from: IpAddr) -> String {
    // One client has 2^64 addresses of IPv6.
    match from.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:?}", &address.segments()[..4]),
    }
}
