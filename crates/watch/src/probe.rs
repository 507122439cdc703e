//! HTTP probe of one address. Names are resolved again in every round.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::{StatusCode, header, redirect};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::setting::WatchedUrl;

/// Maximum number of bytes read of an answer.
const MAX_RESPONSE_BYTES: usize = 16 << 10;
/// Maximum number of concurrent lookups: each occupies a thread until the resolver times out.
const MAX_LOOKUPS: usize = 16;
/// Maximum length of an instance name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Result of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProbeResult {
    #[serde(rename = "well")]
    Healthy,
    Refused,
    TimedOut,
    /// The name has no address.
    NoName,
    /// The connection failed, or there is no route.
    Broken,
    /// Unexpected HTTP status.
    Status {
        status: u16,
        /// The instance is shutting down.
        draining: bool,
        /// Unavailable dependencies: `store`, `photos`, `cache`.
        #[serde(rename = "without")]
        unavailable: Vec<String>,
    },
}

impl From<reqwest::Error> for ProbeResult {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        let mut causes = anyhow::Chain::new(&error);
        let known = causes.find_map(|cause| match cause.downcast_ref::<io::Error>()?.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            _ => None,
        });
        known.unwrap_or(Self::Broken)
    }
}

/// Result of a probe with the name of the instance.
#[derive(Clone, Debug)]
pub struct ProbeOutcome {
    pub result: ProbeResult,
    /// Name that the instance reported.
    pub instance: Option<String>,
}

impl From<ProbeResult> for ProbeOutcome {
    fn from(result: ProbeResult) -> Self {
        Self {
            result,
            instance: None,
        }
    }
}

/// HTTP client for probes.
#[derive(Clone, Debug)]
pub struct Prober {
    http: reqwest::Client,
    timeout: Duration,
    lookups: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct ReadinessReply {
    instance: Option<String>,
    #[serde(default)]
    draining: bool,
    store: Option<CheckReply>,
    photos: Option<CheckReply>,
    cache: Option<CheckReply>,
}

#[derive(Deserialize)]
struct CheckReply {
    up: bool,
}

impl Prober {
    /// Creates a prober; `timeout` is that of each probe.
    pub fn new(timeout: Duration) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            // A pooled connection would not show whether the target accepts new ones.
            .pool_max_idle_per_host(0)
            .timeout(timeout)
            .build()?;
        let lookups = Arc::new(Semaphore::new(MAX_LOOKUPS));
        Ok(Self {
            http,
            timeout,
            lookups,
        })
    }

    /// Resolves the host of a URL. Returns `None` on failure or timeout.
    pub async fn resolve(&self, url: &Url) -> Option<BTreeSet<SocketAddr>> {
        let port = url.port_or_known_default()?;
        match url.host()? {
            url::Host::Ipv4(ip) => Some(BTreeSet::from([(ip, port).into()])),
            url::Host::Ipv6(ip) => Some(BTreeSet::from([(ip, port).into()])),
            url::Host::Domain(name) => self.lookup(name, port).await,
        }
    }

    async fn lookup(&self, name: &str, port: u16) -> Option<BTreeSet<SocketAddr>> {
        let permit = self.lookups.clone().try_acquire_owned().ok()?;
        let name = name.to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            let found = (name.as_str(), port).to_socket_addrs();
            drop(permit);
            found
        });
        let found: BTreeSet<_> = timeout(self.timeout, asked)
            .await
            .ok()?
            .ok()?
            .ok()?
            .collect();
        let loopback = SocketAddr::from(([127, 0, 0, 1], port));
        // `localhost` has two addresses, of which a program usually listens on one.
        if found.contains(&loopback) {
            return Some(BTreeSet::from([loopback]));
        }
        (!found.is_empty()).then_some(found)
    }

    /// Probes one address.
    pub async fn probe(&self, watched: &WatchedUrl, address: SocketAddr) -> ProbeOutcome {
        let asked = timeout(self.timeout, self.request(watched, address)).await;
        asked
            .unwrap_or(Err(ProbeResult::TimedOut))
            .unwrap_or_else(ProbeOutcome::from)
    }

    async fn request(
        &self,
        watched: &WatchedUrl,
        address: SocketAddr,
    ) -> Result<ProbeOutcome, ProbeResult> {
        let mut url = watched.url.clone();
        url.set_ip_host(address.ip())
            .map_err(|()| ProbeResult::Broken)?;
        let request = self.http.get(url).header(header::HOST, &watched.name);
        let mut answer = request.send().await?;
        let status = answer.status();
        if !watched.is_instance {
            let is_healthy = status.is_success() || status.is_redirection();
            return Ok(classify_status(is_healthy, status, None).into());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_RESPONSE_BYTES {
                break;
            }
        }
        let reply: Option<ReadinessReply> = serde_json::from_slice(&body).ok();
        Ok(ProbeOutcome {
            result: classify_status(status == StatusCode::OK, status, reply.as_ref()),
            instance: reply
                .and_then(|reply| reply.instance)
                .map(|name| sanitise_name(&name)),
        })
    }

    /// Returns whether a host accepts a TCP connection.
    pub async fn is_reachable(&self, host: &str, port: u16) -> bool {
        let asked = async {
            let addresses = match host.parse() {
                Ok(ip) => BTreeSet::from([SocketAddr::new(ip, port)]),
                Err(_) => self.lookup(host, port).await.unwrap_or_default(),
            };
            for address in addresses {
                if TcpStream::connect(address).await.is_ok() {
                    return true;
                }
            }
            false
        };
        timeout(self.timeout, asked).await.unwrap_or(false)
    }
}

fn classify_status(
    is_healthy: bool,
    status: StatusCode,
    reply: Option<&ReadinessReply>,
) -> ProbeResult {
    if is_healthy {
        return ProbeResult::Healthy;
    }
    let checks = reply.into_iter().flat_map(|reply| {
        [
            ("store", &reply.store),
            ("photos", &reply.photos),
            ("cache", &reply.cache),
        ]
    });
    let unavailable = checks.filter(|(_, check)| check.as_ref().is_some_and(|check| !check.up));
    ProbeResult::Status {
        status: status.as_u16(),
        draining: reply.is_some_and(|reply| reply.draining),
        unavailable: unavailable.map(|(name, _)| name.to_owned()).collect(),
    }
}

/// Limits the length of a name from outside and removes control characters.
fn sanitise_name(name: &str) -> String {
    name.chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_NAME_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> ProbeResult {
        let status = StatusCode::from_u16(status).unwrap();
        let told: Option<ReadinessReply> = serde_json::from_str(body).ok();
        classify_status(status == StatusCode::OK, status, told.as_ref())
    }

    #[test]
    fn unavailable_dependencies_are_listed() {
        let body = r#"{"instance":"app1","ready":false,"draining":false,
            "store":{"up":false,"ms":1},"photos":{"up":true,"ms":1},"cache":{"up":false,"ms":1}}"#;
        let lacking = ProbeResult::Status {
            status: 503,
            draining: false,
            unavailable: vec!["store".into(), "cache".into()],
        };
        assert_eq!(judged(503, body), lacking);
        assert_eq!(judged(200, body), ProbeResult::Healthy);
        let bare = ProbeResult::Status {
            status: 502,
            draining: false,
            unavailable: Vec::new(),
        };
        assert_eq!(judged(502, "<html>"), bare);
    }

    #[test]
    fn reported_names_are_sanitised() {
        assert_eq!(sanitise_name("app\u{1}1\n"), "app1");
        assert_eq!(sanitise_name(&"x".repeat(500)).len(), MAX_NAME_CHARS);
    }

    #[tokio::test]
    async fn a_closed_port_is_refused() {
        let prober = Prober::new(Duration::from_secs(1)).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let watched = WatchedUrl {
            url: Url::parse(&format!("http://localhost:{}/readyz", address.port())).unwrap(),
            name: "localhost".into(),
            is_instance: true,
        };
        let found = prober.resolve(&watched.url).await.unwrap();
        assert_eq!(found, BTreeSet::from([address]));
        assert_eq!(
            prober.probe(&watched, address).await.result,
            ProbeResult::Refused
        );
        assert!(!prober.is_reachable("127.0.0.1", address.port()).await);
    }
}
