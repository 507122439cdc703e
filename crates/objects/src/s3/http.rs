//! HTTP client for single objects: HTTP/1.1, pooled connections, TLS with the root certificates of the system.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use hyper::Uri;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tower::Service;

/// Maximum duration of a connection attempt: name resolution, TCP and TLS.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_IDLE_CONNECTIONS: usize = 64;
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// HTTP client of all requests for single objects. Cheap to clone; all clones share their connections.
pub(super) type HttpClient = Client<TimedConnector, Full<Bytes>>;

/// Connects within [`CONNECT_TIMEOUT`].
#[derive(Clone, Debug)]
pub(super) struct TimedConnector(HttpsConnector<HttpConnector>);

impl Service<Uri> for TimedConnector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let connecting = self.0.call(server);
        Box::pin(async move { timeout(CONNECT_TIMEOUT, connecting).await? })
    }
}

/// Creates the client. Does not connect yet. Fails if it shall use TLS and the system has no root certificates.
pub(super) fn build_http_client(uses_tls: bool) -> io::Result<HttpClient> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls_config(uses_tls)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .build(TimedConnector(connector)))
}

fn tls_config(uses_tls: bool) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    // Loading the root certificates takes tens of milliseconds; skip it for plain HTTP.
    let builder = if uses_tls {
        builder.with_native_roots()?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}
