//! An upstream server that records each request and sends a fixed response, or closes the connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The heads of the requests that one upstream received, with header names in lower case.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Vec<String>>>>);

impl Recorder {
    /// Answers each request with these bytes. Without bytes, closes the connection after reading the request.
    pub async fn start(answer: &'static str) -> (SocketAddr, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, recorder) = (listener.local_addr().unwrap(), Self::default());
        let recording = recorder.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(recording.clone().serve(client, answer));
            }
        });
        (address, recorder)
    }

    async fn serve(self, client: TcpStream, answer: &'static str) -> std::io::Result<()> {
        let mut client = BufReader::new(client);
        let head = read_request(&mut client).await?;
        self.0.lock().unwrap().push(head);
        client.write_all(answer.as_bytes()).await
    }

    /// Returns the value of one header in each request; `None` where it was not sent.
    pub fn header(&self, name: &str) -> Vec<Option<String>> {
        let prefix = format!("{name}: ");
        let value = |head: &Vec<String>| {
            let line = head.iter().find_map(|line| line.strip_prefix(&prefix));
            line.map(str::to_owned)
        };
        self.0.lock().unwrap().iter().map(value).collect()
    }
}

/// Reads a request with its body. Returns the lines of its head, with header names in lower case.
pub(crate) async fn read_request(
    client: &mut (impl AsyncBufRead + Unpin),
) -> std::io::Result<Vec<String>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await?;
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.trim().split_once(": ").unwrap_or((line.trim(), ""));
        head.push(format!("{}: {value}", name.to_lowercase()));
    }
    let length = head
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    client.read_exact(&mut body).await?;
    Ok(head)
}
