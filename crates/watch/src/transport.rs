//! Mail transport: an SMTP server, or files in a folder.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use lettre::address::Envelope;
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;

use super::setting::{MailConfig, MailTransportSetting};

/// Timeouts for one reply of the server and for a whole mail.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Mail transport.
#[derive(Clone, Debug)]
pub struct MailTransport {
    envelope: Envelope,
    kind: TransportKind,
}

#[derive(Clone, Debug)]
enum TransportKind {
    Folder(PathBuf),
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

/// A mail that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reply}")]
pub struct DeliveryError {
    /// The server rejects this mail permanently (5xx); it may accept others.
    pub permanent: bool,
    /// Cause without any address, for logs.
    pub cause: String,
    /// Reply of the server, for the operator only.
    pub reply: String,
}

impl MailTransport {
    /// Creates the configured transport. Does not connect yet.
    pub fn new(config: &MailConfig) -> anyhow::Result<Self> {
        let to = config.to.iter().map(|one| one.email.clone()).collect();
        let envelope = Envelope::new(Some(config.from.email.clone()), to)
            .context("JORNADA_MAIL_TO: cannot build the envelope")?;
        let kind = match &config.transport {
            MailTransportSetting::Folder(path) => TransportKind::Folder(path.clone()),
            MailTransportSetting::Smtp(url) => {
                // The error of the client may contain the URL with the password.
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
                    .map_err(|_| anyhow::anyhow!("JORNADA_SMTP: the mail client rejects this URL"))?
                    .timeout(Some(REPLY_TIMEOUT))
                    .build();
                TransportKind::Smtp(Box::new(transport))
            }
        };
        Ok(Self { envelope, kind })
    }

    /// Sends a mail. Returns the reply of the server. After an error the mail may still have been accepted.
    pub async fn send(&self, message_id: &str, message: &[u8]) -> Result<String, DeliveryError> {
        match &self.kind {
            TransportKind::Folder(folder) => {
                let path = folder.join(format!("{}.eml", file_name(message_id)));
                write_file(folder, &path, message)
                    .map(|()| format!("stored as {}", path.display()))
                    .map_err(|error| DeliveryError::from_io(&error))
            }
            TransportKind::Smtp(smtp) => {
                let sent = smtp.send_raw(&self.envelope, message);
                let answer = tokio::time::timeout(SEND_TIMEOUT, sent)
                    .await
                    .map_err(|_| DeliveryError::timed_out())?
                    .map_err(|error| DeliveryError::from_smtp(&error))?;
                let words: Vec<_> = answer.message().collect();
                Ok(format!("{} {}", answer.code(), words.join(" ")))
            }
        }
    }
}

impl DeliveryError {
    fn timed_out() -> Self {
        let cause = format!("not accepted within {} s", SEND_TIMEOUT.as_secs());
        Self {
            permanent: false,
            reply: cause.clone(),
            cause,
        }
    }

    fn from_io(error: &std::io::Error) -> Self {
        Self {
            permanent: false,
            cause: format!("cannot write the file: {}", error.kind()),
            reply: format!("cannot write the file: {error}"),
        }
    }

    fn from_smtp(error: &SmtpError) -> Self {
        let cause = match error.status() {
            Some(code) => format!("the server answered {code}"),
            None if error.is_timeout() => "the server did not answer in time".to_owned(),
            None if error.is_tls() => "TLS handshake failed".to_owned(),
            None => io_kind(error).map_or_else(
                || "the server closed the connection".to_owned(),
                |kind| format!("the connection failed: {kind}"),
            ),
        };
        let said: Vec<_> = anyhow::Chain::new(error).map(ToString::to_string).collect();
        Self {
            permanent: error.is_permanent(),
            cause,
            reply: said.join(": "),
        }
    }
}

fn io_kind(error: &SmtpError) -> Option<std::io::ErrorKind> {
    let mut causes = anyhow::Chain::new(error);
    let io_error = causes.find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    Some(io_error.kind())
}

/// Returns a file name for a Message-ID. The same mail always has the same file name.
fn file_name(message_id: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '@' | '.' | '-');
    message_id.chars().filter(plain).take(120).collect()
}

/// Writes a file atomically and durably.
fn write_file(folder: &Path, path: &Path, message: &[u8]) -> std::io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let aside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(message)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_mail_is_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = MailConfig::to_folder(folder.path().join("mail"));
        let transport = MailTransport::new(&config).unwrap();
        for _ in 0..2 {
            transport
                .send("<../1@localhost>", b"Subject: x\r\n\r\n")
                .await
                .unwrap();
        }
        let kept = std::fs::read(folder.path().join("mail/..1@localhost.eml")).unwrap();
        assert!(kept.starts_with(b"Subject"));
        assert_eq!(
            std::fs::read_dir(folder.path().join("mail"))
                .unwrap()
                .count(),
            1
        );
    }
}
