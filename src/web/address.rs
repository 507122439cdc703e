//! The client's address, from a header that nginx sets for every POST, gRPC, the staff area, reports, receipts and events,
//! overwriting any value from the client. It is counted under a pseudonym and never logged.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

/// Header with the client address; set by nginx.
const HEADER: &str = "x-client-address";

/// The address of the client that sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_head(&parts.extensions, &parts.headers))
    }
}

impl ClientAddress {
    /// Returns the address of the client of an HTTP or gRPC request.
    pub fn from_head(extensions: &Extensions, headers: &HeaderMap) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.0.ip().to_canonical()
        });
        let sent = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let sent = sent.and_then(|text| text.parse().ok());
        Self(sent.filter(|_| may_be_proxy(peer)).unwrap_or(peer))
    }
}

/// Whether a peer may be nginx: on this machine or in a private network. From other peers the header is ignored.
fn may_be_proxy(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn from(peer: &str, sent: Option<&str>) -> String {
        let mut request = Request::new(());
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(sent) = sent {
            request.headers_mut().insert(HEADER, sent.parse().unwrap());
        }
        let (mut parts, ()) = request.into_parts();
        let Ok(address) = ClientAddress::from_request_parts(&mut parts, &()).await;
        address.0.to_string()
    }

    #[tokio::test]
    async fn only_a_near_peer_may_name_another_address() {
        assert_eq!(from("127.0.0.1:9", Some("192.0.2.1")).await, "192.0.2.1");
        assert_eq!(
            from("172.18.0.2:9", Some("2001:db8::1")).await,
            "2001:db8::1"
        );
        assert_eq!(from("127.0.0.1:9", None).await, "127.0.0.1");
        assert_eq!(from("127.0.0.1:9", Some("nonsense")).await, "127.0.0.1");
        assert_eq!(
            from("198.51.100.7:9", Some("192.0.2.1")).await,
            "198.51.100.7"
        );
    }
}
