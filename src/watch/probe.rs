//! One look at one address: who answers, and how. Names are resolved anew each time.

use std::collections::BTreeSet;
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

use super::incident::Probed;
use super::setting::Watched;

/// Most bytes of an answer that are read.
const MOST_BYTES: usize = 16 << 10;
/// Lookups that may be under way: each holds a thread until the resolver gives up.
const LOOKUPS: usize = 16;
/// Most letters of the name that an instance gives itself.
const MOST_LETTERS: usize = 64;

/// What one probe met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Seen {
    /// It answered as it should.
    Well,
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The name leads to no address.
    NoName,
    /// The connection broke, or there is no way to the machine.
    Broken,
    /// Another status than it should have.
    Status {
        /// The status.
        status: u16,
        /// The instance is ending.
        draining: bool,
        /// What it needs and lacks: of `store`, `photos`, `cache`.
        without: Vec<String>,
    },
}

impl Seen {
    /// What it means for the alarm.
    #[must_use]
    pub fn probed(&self) -> Probed {
        match self {
            Self::Well => Probed::Up,
            Self::Refused | Self::TimedOut | Self::NoName | Self::Broken | Self::Status { .. } => {
                Probed::Down
            }
        }
    }
}

/// What one probe brought.
#[derive(Clone, Debug)]
pub struct Look {
    /// What was met.
    pub seen: Seen,
    /// What the instance calls itself, if it said so.
    pub instance: Option<String>,
}

/// Looks at targets.
#[derive(Clone, Debug)]
pub struct Prober {
    http: reqwest::Client,
    wait: Duration,
    lookups: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct Readiness {
    instance: Option<String>,
    #[serde(default)]
    draining: bool,
    store: Option<Check>,
    photos: Option<Check>,
    cache: Option<Check>,
}

#[derive(Deserialize)]
struct Check {
    up: bool,
}

impl Prober {
    /// Waits at most so long for each answer.
    ///
    /// # Errors
    /// When the system gives the client nothing to work with.
    pub fn new(wait: Duration) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            // A connection that is left open would say nothing of whether a new one is taken.
            .pool_max_idle_per_host(0)
            .timeout(wait)
            .build()?;
        let lookups = Arc::new(Semaphore::new(LOOKUPS));
        Ok(Self {
            http,
            wait,
            lookups,
        })
    }

    /// The addresses behind a URL; nothing when its name leads nowhere, or to nowhere in time.
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
        let found: BTreeSet<_> = timeout(self.wait, asked).await.ok()?.ok()?.ok()?.collect();
        let loopback = SocketAddr::from(([127, 0, 0, 1], port));
        // `localhost` is two addresses, of which a program listens on one.
        if found.contains(&loopback) {
            return Some(BTreeSet::from([loopback]));
        }
        (!found.is_empty()).then_some(found)
    }

    /// Asks one address.
    pub async fn look(&self, watched: &Watched, address: SocketAddr) -> Look {
        let asked = timeout(self.wait, self.ask(watched, address)).await;
        match asked.unwrap_or(Err(Seen::TimedOut)) {
            Ok(look) => look,
            Err(seen) => Look {
                seen,
                instance: None,
            },
        }
    }

    async fn ask(&self, watched: &Watched, address: SocketAddr) -> Result<Look, Seen> {
        let mut url = watched.url.clone();
        url.set_ip_host(address.ip()).map_err(|()| Seen::Broken)?;
        let request = self.http.get(url).header(header::HOST, &watched.name);
        let mut answer = request.send().await.map_err(|error| broken(&error))?;
        let status = answer.status();
        if !watched.is_instance {
            return Ok(Look {
                seen: judge(status.is_success() || status.is_redirection(), status, None),
                instance: None,
            });
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| broken(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                break;
            }
        }
        let told: Option<Readiness> = serde_json::from_slice(&body).ok();
        Ok(Look {
            seen: judge(status == StatusCode::OK, status, told.as_ref()),
            instance: told
                .and_then(|told| told.instance)
                .map(|name| modest(&name)),
        })
    }

    /// Whether somebody takes a connection there.
    pub async fn reaches(&self, host: &str, port: u16) -> bool {
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
        timeout(self.wait, asked).await.unwrap_or(false)
    }
}

fn judge(is_right: bool, status: StatusCode, told: Option<&Readiness>) -> Seen {
    if is_right {
        return Seen::Well;
    }
    let checks = told.map_or([None, None, None], |told| {
        [
            ("store", &told.store),
            ("photos", &told.photos),
            ("cache", &told.cache),
        ]
        .map(|(name, check)| check.as_ref().filter(|check| !check.up).map(|_| name))
    });
    Seen::Status {
        status: status.as_u16(),
        draining: told.is_some_and(|told| told.draining),
        without: checks.into_iter().flatten().map(str::to_owned).collect(),
    }
}

fn broken(error: &reqwest::Error) -> Seen {
    if error.is_timeout() {
        return Seen::TimedOut;
    }
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            match error.kind() {
                std::io::ErrorKind::ConnectionRefused => return Seen::Refused,
                std::io::ErrorKind::TimedOut => return Seen::TimedOut,
                _ => {}
            }
        }
        cause = error.source();
    }
    Seen::Broken
}

/// A name from outside, short and without control characters.
fn modest(name: &str) -> String {
    name.chars()
        .filter(|letter| !letter.is_control())
        .take(MOST_LETTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Seen {
        let status = StatusCode::from_u16(status).unwrap();
        let told: Option<Readiness> = serde_json::from_str(body).ok();
        judge(status == StatusCode::OK, status, told.as_ref())
    }

    #[test]
    fn an_instance_tells_what_it_lacks() {
        let body = r#"{"instance":"app1","ready":false,"draining":false,
            "store":{"up":false,"ms":1},"photos":{"up":true,"ms":1},"cache":{"up":false,"ms":1}}"#;
        let lacking = Seen::Status {
            status: 503,
            draining: false,
            without: vec!["store".into(), "cache".into()],
        };
        assert_eq!(judged(503, body), lacking);
        assert_eq!(judged(200, body), Seen::Well);
        let bare = Seen::Status {
            status: 502,
            draining: false,
            without: Vec::new(),
        };
        assert_eq!(judged(502, "<html>"), bare);
    }

    #[test]
    fn a_name_from_outside_is_modest() {
        assert_eq!(modest("app\u{1}1\n"), "app1");
        assert_eq!(modest(&"x".repeat(500)).len(), MOST_LETTERS);
    }

    #[tokio::test]
    async fn nobody_there_is_refused() {
        let prober = Prober::new(Duration::from_secs(1)).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let watched = Watched {
            url: Url::parse(&format!("http://localhost:{}/readyz", address.port())).unwrap(),
            name: "localhost".into(),
            is_instance: true,
        };
        let found = prober.resolve(&watched.url).await.unwrap();
        assert_eq!(found, BTreeSet::from([address]));
        assert_eq!(prober.look(&watched, address).await.seen, Seen::Refused);
        assert!(!prober.reaches("127.0.0.1", address.port()).await);
    }
}
