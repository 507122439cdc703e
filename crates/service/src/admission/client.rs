//! Rate-limit keys of clients.

use std::net::IpAddr;

/// Returns the rate-limit key: an IPv4 address or the /64 of an IPv6 address.
#[must_use]
pub fn rate_limit_key(client: IpAddr) -> String {
    // One client may use 2^64 IPv6 addresses.
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:?}", &address.segments()[..4]),
    }
}
