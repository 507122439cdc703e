//! An SMTP server (RFC 5321, as much as a client needs) that keeps what it took and misbehaves when told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is done to the next mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// 450 to the recipient.
    Later,
    /// 550 to the recipient.
    Never,
    /// Takes the mail and ends the connection before saying so.
    Silent,
    /// Takes the mail, and says so only after a long while.
    Slow,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub at: Instant,
    pub raw: String,
}

impl Taken {
    /// A header, unfolded; encoded words are decoded.
    pub fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap();
        let head = head.replace("\r\n ", " ");
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        decoded(line.unwrap_or_default())
    }

    pub fn subject(&self) -> String {
        self.header("Subject")
    }

    pub fn id(&self) -> String {
        self.header("Message-ID")
    }

    /// The whole mail without the soft line breaks of quoted-printable.
    pub fn text(&self) -> String {
        self.raw.replace("=\r\n", "")
    }
}

/// Base64 words of RFC 2047, which is how non-ASCII subjects travel.
fn decoded(line: &str) -> String {
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
struct Memory {
    taken: Vec<Taken>,
    moods: VecDeque<Mood>,
    /// Connections that were made.
    calls: usize,
}

/// A running server.
pub struct Smtp {
    pub address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
    listening: Option<JoinHandle<()>>,
}

impl Smtp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut smtp = Self {
            address: listener.local_addr().unwrap(),
            memory: Arc::default(),
            listening: None,
        };
        smtp.listen(listener);
        smtp
    }

    fn listen(&mut self, listener: TcpListener) {
        let memory = self.memory.clone();
        self.listening = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                memory.lock().unwrap().calls += 1;
                tokio::spawn(talk(stream, memory.clone()));
            }
        }));
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Listens no more.
    pub async fn go(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            listening.await.ok();
        }
    }

    /// Listens again, at the same address.
    pub async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.listen(listener);
    }

    /// What is done to the next mails, one after the other.
    pub fn next(&self, moods: &[Mood]) {
        self.memory.lock().unwrap().moods.extend(moods);
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.memory.lock().unwrap().taken.clone()
    }

    pub fn calls(&self) -> usize {
        self.memory.lock().unwrap().calls
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
    }
}

async fn talk(stream: TcpStream, memory: Arc<Mutex<Memory>>) -> Option<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut mood = None;
    writer.write_all(b"220 test ESMTP\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let word = line.split_whitespace().next().unwrap_or_default();
        let answer = match word.to_ascii_uppercase().as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME\r\n",
            "MAIL" => {
                mood = memory.lock().unwrap().moods.pop_front();
                "250 ok\r\n"
            }
            "RCPT" => match mood {
                Some(Mood::Later) => "450 4.2.1 later\r\n",
                Some(Mood::Never) => "550 5.1.1 never\r\n",
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
                memory.lock().unwrap().taken.push(Taken { at, raw });
                match mood {
                    Some(Mood::Silent) => return None,
                    Some(Mood::Slow) => {
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
