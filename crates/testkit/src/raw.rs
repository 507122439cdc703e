//! Requests of arbitrary bytes, as no HTTP library would send them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::instance::DEFAULT_TIMEOUT;

/// The responses, and whether the other side closed the connection.
pub struct RawResponse {
    pub text: String,
    pub closed: bool,
}

impl RawResponse {
    /// Sends bytes to `http://host:port` and reads like [`Self::read`].
    pub fn send(base: &str, bytes: &[u8], quiet: Duration) -> Self {
        let mut stream = connect(base);
        // A server that rejects the head may close before it has read the rest.
        stream.write_all(bytes).ok();
        Self::read(&mut stream, quiet)
    }

    /// Reads until the connection is closed or, after the first bytes, idle for `quiet`. Allows the first bytes more
    /// time, because the machine may stall.
    pub fn read(stream: &mut TcpStream, quiet: Duration) -> Self {
        stream
            .set_read_timeout(Some(quiet.max(DEFAULT_TIMEOUT)))
            .unwrap();
        let (mut bytes, mut block) = (Vec::new(), [0; 16 * 1024]);
        let closed = loop {
            match stream.read(&mut block) {
                Ok(0) => break true,
                Ok(count) => {
                    bytes.extend_from_slice(&block[..count]);
                    stream.set_read_timeout(Some(quiet)).unwrap();
                }
                // A read with a timeout is interrupted when the process is stopped and continued (signal(7)).
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == ErrorKind::ConnectionReset,
            }
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { text, closed }
    }

    /// Returns the status of each response.
    pub fn statuses(&self) -> Vec<u16> {
        let after = self.text.split("HTTP/1.1 ").skip(1);
        after.map(|text| text[..3].parse().unwrap()).collect()
    }
}

pub fn connect(base: &str) -> TcpStream {
    TcpStream::connect(base.trim_start_matches("http://")).unwrap()
}
