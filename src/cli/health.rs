//! `jornada health`: checks that the instance on this machine is alive, for container health checks without curl.
//! Queries the operations listener, so the result does not depend on nginx or any store.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::config::{Env, read_ops_listen};

/// Timeout of the whole check.
const TIMEOUT: Duration = Duration::from_secs(2);
const ALIVE_STATUS_LINE: &[u8] = b"HTTP/1.1 200 ";

/// Succeeds if `/healthz` answers 200 within [`TIMEOUT`].
pub(super) fn check(env: &Env) -> anyhow::Result<()> {
    let address = to_reachable(read_ops_listen(env)?);
    let status = request_status(address)
        .with_context(|| format!("no answer from http://{address}/healthz"))?;
    ensure!(
        status == ALIVE_STATUS_LINE,
        "http://{address}/healthz does not answer 200"
    );
    Ok(())
}

/// Replaces an unspecified address by the loopback address.
fn to_reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Returns the first bytes of the response, up to the status code.
fn request_status(address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let deadline = Instant::now() + TIMEOUT;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = vec![0; ALIVE_STATUS_LINE.len()];
    let mut filled = 0;
    while filled < answer.len() {
        // A timeout of zero would mean no timeout.
        let left = deadline.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut answer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_becomes_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:4100", "127.0.0.1:4100"),
            ("[::]:4100", "[::1]:4100"),
            ("10.0.0.7:4100", "10.0.0.7:4100"),
        ] {
            let address = to_reachable(listens.parse().unwrap());
            assert_eq!(address.to_string(), asked);
        }
    }
}
