//! SMTP server (RFC 5321, as far as needed) that stores received mails and misbehaves on request.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Step of a transaction at which the server misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Mail,
    Rcpt,
    Data,
    Content,
}

/// Misbehaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 450.
    Later,
    /// 550.
    Never,
    /// Closes the connection without a reply.
    Cut,
}

/// Behaviour for the next transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// Accepts the mail.
    Fine,
    /// Misbehaves at a step.
    Fault(Step, Answer),
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
    /// Recipients of the transaction.
    pub to: Vec<String>,
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
    /// Names of the clients.
    greetings: Vec<String>,
}

const GREETING: &[u8] = b"220 test ESMTP\r\n";

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Certificate, and whether connections are encrypted from the first byte on.
type Tls = (TlsAcceptor, bool);

/// A running server.
pub struct Smtp {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    listening: Option<JoinHandle<()>>,
    tls: Option<Tls>,
}

impl Smtp {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    pub async fn start_with(tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut smtp = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            listening: None,
            tls,
        };
        smtp.listen(listener);
        smtp
    }

    fn listen(&mut self, listener: TcpListener) {
        let (state, tls) = (self.state.clone(), self.tls.clone());
        self.listening = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                state.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, state.clone(), tls.clone()));
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

    pub fn greetings(&self) -> Vec<String> {
        self.state.lock().unwrap().greetings.clone()
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

/// Serves a connection, which may be encrypted. Refuses clients without a full name, as strict servers do.
async fn serve(stream: TcpStream, state: Arc<Mutex<State>>, tls: Option<Tls>) -> Option<()> {
    let mut stream: Box<dyn Stream> = Box::new(stream);
    match &tls {
        Some((acceptor, true)) => {
            let mut encrypted = Box::new(acceptor.accept(stream).await.ok()?);
            encrypted.write_all(GREETING).await.ok()?;
            converse(encrypted, state, false).await.map(drop)
        }
        Some((acceptor, false)) => {
            stream.write_all(GREETING).await.ok()?;
            let stream = converse(stream, state.clone(), true).await?;
            let encrypted = Box::new(acceptor.accept(stream).await.ok()?);
            converse(encrypted, state, false).await.map(drop)
        }
        None => {
            stream.write_all(GREETING).await.ok()?;
            converse(stream, state, false).await.map(drop)
        }
    }
}

/// Answers commands until the client ends the connection. Returns the stream for STARTTLS.
async fn converse(
    stream: Box<dyn Stream>,
    state: Arc<Mutex<State>>,
    offers_tls: bool,
) -> Option<Box<dyn Stream>> {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    let mut behavior = Behavior::Fine;
    let mut to = Vec::new();
    while let Some(line) = lines.next_line().await.ok()? {
        let word = line.split_whitespace().next().unwrap_or_default();
        let command = word.to_ascii_uppercase();
        let answer = match command.as_str() {
            "EHLO" => {
                let name = line.get(5..).unwrap_or_default().to_owned();
                let is_full = name.contains('.') && !name.contains('[');
                state.lock().unwrap().greetings.push(name);
                match (is_full, offers_tls) {
                    (true, true) => "250-test\r\n250 STARTTLS\r\n",
                    (true, false) => "250-test\r\n250 8BITMIME\r\n",
                    (false, _) => "504 5.5.2 need a full host name\r\n",
                }
            }
            "STARTTLS" if offers_tls => {
                writer.write_all(b"220 go on\r\n").await.ok()?;
                return Some(lines.into_inner().into_inner().unsplit(writer));
            }
            "MAIL" => {
                to.clear();
                let next = state.lock().unwrap().behaviors.pop_front();
                behavior = next.unwrap_or(Behavior::Fine);
                misbehave(behavior, Step::Mail)?.unwrap_or("250 ok\r\n")
            }
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                to.push(address.to_owned());
                match behavior {
                    Behavior::Later => "450 4.2.1 later\r\n",
                    Behavior::Never => "550 5.1.1 never\r\n",
                    _ => misbehave(behavior, Step::Rcpt)?.unwrap_or("250 ok\r\n"),
                }
            }
            "DATA" => {
                if let Some(refusal) = misbehave(behavior, Step::Data)? {
                    refusal
                } else {
                    writer.write_all(b"354 go on\r\n").await.ok()?;
                    let mut raw = String::new();
                    while let Some(line) = lines.next_line().await.ok()? {
                        if line == "." {
                            break;
                        }
                        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                        raw.push_str("\r\n");
                    }
                    take(raw, &to, behavior, &state).await?
                }
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "250 ok\r\n",
        };
        writer.write_all(answer.as_bytes()).await.ok()?;
    }
    None
}

/// Returns what the server answers instead of accepting; `None` to close the connection.
#[expect(clippy::option_option, reason = "closing is not an answer")]
fn misbehave(behavior: Behavior, step: Step) -> Option<Option<&'static str>> {
    match behavior {
        Behavior::Fault(at, answer) if at == step => match answer {
            Answer::Later => Some(Some("450 4.2.1 later\r\n")),
            Answer::Never => Some(Some("550 5.1.1 never\r\n")),
            Answer::Cut => None,
        },
        _ => Some(None),
    }
}

/// Stores a mail unless it is refused. Returns the answer.
async fn take(
    raw: String,
    to: &[String],
    behavior: Behavior,
    state: &Mutex<State>,
) -> Option<&'static str> {
    if let Some(refusal) = misbehave(behavior, Step::Content)? {
        return Some(refusal);
    }
    let (at, to) = (Instant::now(), to.to_vec());
    state
        .lock()
        .unwrap()
        .taken
        .push(ReceivedMail { at, to, raw });
    match behavior {
        Behavior::Silent => return None,
        Behavior::Slow => tokio::time::sleep(std::time::Duration::from_secs(3)).await,
        _ => {}
    }
    Some("250 2.0.0 taken as test-1\r\n")
}
