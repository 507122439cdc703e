//! SMTP server (RFC 5321, as far as needed) that stores received mails and misbehaves on request.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Behaviour for the next mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// Answers 450 to the recipient.
    Later,
    /// Answers 550 to the recipient.
    Never,
    /// Accepts the mail and closes the connection without a reply.
    Silent,
    /// Accepts the mail and replies after three seconds.
    Slow,
}

/// A received mail.
#[derive(Clone, Debug)]
pub struct ReceivedMail {
    pub at: Instant,
    pub raw: String,
}

impl ReceivedMail {
    /// Returns a header, unfolded and decoded.
    pub fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap();
        let head = head.replace("\r\n ", " ");
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        decode_words(line.unwrap_or_default())
    }

    pub fn subject(&self) -> String {
        self.header("Subject")
    }

    pub fn id(&self) -> String {
        self.header("Message-ID")
    }

    /// Returns the whole mail without the soft line breaks of quoted-printable.
    pub fn text(&self) -> String {
        self.raw.replace("=\r\n", "")
    }
}

/// Decodes Base64 encoded words (RFC 2047), used for non-ASCII subjects.
fn decode_words(line: &str) -> String {
    let joined = line
        .replace("?= =?utf-8?b?", "\n")
        .replace("?= =?UTF-8?B?", "\n");
    let mut told = String::new();
    let mut rest = joined.as_str();
    while let Some(start) = rest.find("=?utf-8?b?") {
        told.push_str(&rest[..start]);
        let word = &rest[start + 10..];
        let end = word.find("?=").unwrap();
        for part in word[..end].split('\n') {
            let bytes = data_encoding::BASE64.decode(part.as_bytes()).unwrap();
            told.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        rest = &word[end + 2..];
    }
    told.push_str(rest);
    told
}

#[derive(Default)]
struct State {
    taken: Vec<ReceivedMail>,
    behaviors: VecDeque<Behavior>,
    /// Number of accepted connections.
    connections: usize,
}

/// A running server.
pub struct Smtp {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    listening: Option<JoinHandle<()>>,
}

impl Smtp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut smtp = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            listening: None,
        };
        smtp.listen(listener);
        smtp
    }

    fn listen(&mut self, listener: TcpListener) {
        let state = self.state.clone();
        self.listening = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                state.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, state.clone()));
            }
        }));
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Stops listening.
    pub async fn stop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            listening.await.ok();
        }
    }

    /// Listens again at the same address.
    pub async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.listen(listener);
    }

    /// Queues behaviours for the next mails.
    pub fn queue(&self, behaviors: &[Behavior]) {
        self.state.lock().unwrap().behaviors.extend(behaviors);
    }

    pub fn received(&self) -> Vec<ReceivedMail> {
        self.state.lock().unwrap().taken.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut behavior = None;
    writer.write_all(b"220 test ESMTP\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let word = line.split_whitespace().next().unwrap_or_default();
        let answer = match word.to_ascii_uppercase().as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME\r\n",
            "MAIL" => {
                behavior = state.lock().unwrap().behaviors.pop_front();
                "250 ok\r\n"
            }
            "RCPT" => match behavior {
                Some(Behavior::Later) => "450 4.2.1 later\r\n",
                Some(Behavior::Never) => "550 5.1.1 never\r\n",
                _ => "250 ok\r\n",
            },
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await.ok()?;
                let mut raw = String::new();
                while let Some(line) = lines.next_line().await.ok()? {
                    if line == "." {
                        break;
                    }
                    raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                    raw.push_str("\r\n");
                }
                let at = Instant::now();
                state.lock().unwrap().taken.push(ReceivedMail { at, raw });
                match behavior {
                    Some(Behavior::Silent) => return None,
                    Some(Behavior::Slow) => {
                        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
                    }
                    _ => {}
                }
                "250 2.0.0 taken as test-1\r\n"
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "250 ok\r\n",
        };
        writer.write_all(answer.as_bytes()).await.ok()?;
    }
    Some(())
}
