//! The client's address, from a header that nginx sets for every POST, gRPC, the staff area, reports, receipts and events,
//! overwriting any value from the client, or from `X-Forwarded-For`. It is counted under a pseudonym and never logged.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

use super::AppState;
use crate::config::Proxies;

/// Header with the client address; set by nginx.
const CLIENT_ADDRESS: &str = "x-client-address";
/// Header to which each proxy appends the address of its peer.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client that sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        Ok(Self::from_head(
            &app.proxies,
            &parts.extensions,
            &parts.headers,
        ))
    }
}

impl ClientAddress {
    /// Returns the address of the client of an HTTP or gRPC request: the one that a proxy names, else the peer.
    pub fn from_head(proxies: &Proxies, extensions: &Extensions, headers: &HeaderMap) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.0.ip().to_canonical()
        });
        if !proxies.contains(peer) {
            return Self(peer);
        }
        let named = match proxies.forwarded_position {
            0 => headers.get(CLIENT_ADDRESS).and_then(|value| {
                let text = value.to_str().ok()?;
                parse_address(text)
            }),
            position => forwarded_address(headers, position),
        };
        // Clients on this machine have no limits: only a proxy on this machine can have them.
        let named = named.filter(|named| !named.is_loopback() || peer.is_loopback());
        Self(named.unwrap_or(peer))
    }
}

/// Returns the entry of `X-Forwarded-For` at a position from the right. Clients can forge those further left.
fn forwarded_address(headers: &HeaderMap, position: usize) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED_FOR).into_iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let entry = entries.skip(position - 1).map(<[u8]>::trim_ascii).next()?;
    parse_address(std::str::from_utf8(entry).ok()?)
}

/// Parses an address, also one in brackets or with a port.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    let address = address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    fn client(settings: &[(&str, &str)], peer: &str, headers: &[(&'static str, &str)]) -> String {
        let proxies = Proxies::from_env(&Env::from_pairs(settings)).unwrap();
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 9)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let ClientAddress(address) = ClientAddress::from_head(&proxies, &extensions, &map);
        address.to_string()
    }

    #[test]
    fn only_a_proxy_may_name_another_address() {
        for (settings, peer, named, expected) in [
            ("", "127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("", "172.18.0.2", "2001:db8::1", "2001:db8::1"),
            ("", "172.18.0.2", "::ffff:192.0.2.1", "192.0.2.1"),
            ("", "127.0.0.1", "nonsense", "127.0.0.1"),
            ("", "198.51.100.7", "192.0.2.1", "198.51.100.7"),
            ("", "127.0.0.1", "127.0.0.1", "127.0.0.1"),
            // A neighbour that claims to be this machine would have no limits.
            ("", "172.18.0.2", "127.0.0.1", "172.18.0.2"),
            ("", "172.18.0.2", "::1", "172.18.0.2"),
            ("172.18.0.9", "172.18.0.2", "192.0.2.1", "172.18.0.2"),
            ("172.18.0.9", "172.18.0.9", "192.0.2.1", "192.0.2.1"),
            ("none", "127.0.0.1", "192.0.2.1", "127.0.0.1"),
            ("0.0.0.0/0", "169.254.1.1", "192.0.2.1", "192.0.2.1"),
        ] {
            let settings = [("JORNADA_PROXY", settings)];
            let headers = [
                (CLIENT_ADDRESS, named),
                (FORWARDED_FOR, "203.0.113.50, 203.0.113.51"),
            ];
            assert_eq!(
                client(&settings, peer, &headers),
                expected,
                "{peer} {named}"
            );
        }
        assert_eq!(client(&[], "127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn proxies_append_to_the_right() {
        for (position, lines, expected) in [
            ("1", &["203.0.113.9, 192.0.2.1"][..], "192.0.2.1"),
            ("2", &["203.0.113.9, 192.0.2.1,10.0.0.7"], "192.0.2.1"),
            ("2", &["203.0.113.9", "192.0.2.1 , 10.0.0.7"], "192.0.2.1"),
            ("2", &["203.0.113.9,192.0.2.1", "10.0.0.7"], "192.0.2.1"),
            ("1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("1", &["192.0.2.1:5678"], "192.0.2.1"),
            ("1", &["127.0.0.1"], "10.0.0.2"),
            ("1", &["unknown"], "10.0.0.2"),
            ("1", &[""], "10.0.0.2"),
            ("3", &["192.0.2.1"], "10.0.0.2"),
            ("3", &[], "10.0.0.2"),
        ] {
            let headers: Vec<_> = lines.iter().map(|line| (FORWARDED_FOR, *line)).collect();
            let mut headers = headers;
            headers.push((CLIENT_ADDRESS, "203.0.113.50"));
            let settings = [("JORNADA_FORWARDED", position)];
            assert_eq!(
                client(&settings, "10.0.0.2", &headers),
                expected,
                "{lines:?}"
            );
        }
    }
}
