//! Mail transport: an SMTP server, or files in a folder.

use std::fmt;
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

use super::setting::{MailConfig, PostSetting};

/// Timeouts for one reply of the server and for a whole mail.
const WAIT: Duration = Duration::from_secs(10);
const WAIT_FOR_ALL: Duration = Duration::from_secs(30);

/// Mail transport.
#[derive(Clone, Debug)]
pub struct Post {
    envelope: Envelope,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Folder(PathBuf),
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

/// A mail that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// The server rejects this mail permanently (5xx); it may accept others.
    pub for_good: bool,
    /// Cause without any address, for logs.
    pub why: String,
    /// Reply of the server, for the operator only.
    pub said: String,
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl std::error::Error for NotTaken {}

impl Post {
    /// Creates the configured transport. Does not connect yet.
    pub fn open(config: &MailConfig) -> anyhow::Result<Self> {
        let to = config.to.iter().map(|one| one.email.clone()).collect();
        let envelope = Envelope::new(Some(config.from.email.clone()), to)
            .context("JORNADA_MAIL_TO: cannot build the envelope")?;
        let way = match &config.post {
            PostSetting::Folder(path) => Way::Folder(path.clone()),
            PostSetting::Smtp(url) => {
                // The error of the client may contain the URL with the password.
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
                    .map_err(|_| anyhow::anyhow!("JORNADA_SMTP: the mail client refuses this URL"))?
                    .timeout(Some(WAIT))
                    .build();
                Way::Smtp(Box::new(transport))
            }
        };
        Ok(Self { envelope, way })
    }

    /// Sends a mail. Returns the reply of the server.
    ///
    /// # Errors
    /// The mail was not accepted, or it is unknown whether it was.
    pub async fn send(&self, message_id: &str, message: &[u8]) -> Result<String, NotTaken> {
        match &self.way {
            Way::Folder(folder) => {
                let path = folder.join(format!("{}.eml", file_name(message_id)));
                keep(folder, &path, message)
                    .map(|()| format!("stored as {}", path.display()))
                    .map_err(|error| NotTaken::kept_not(&error))
            }
            Way::Smtp(smtp) => {
                let sent = smtp.send_raw(&self.envelope, message);
                let answer = tokio::time::timeout(WAIT_FOR_ALL, sent)
                    .await
                    .map_err(|_| NotTaken::late())?
                    .map_err(|error| NotTaken::by(&error))?;
                let words: Vec<_> = answer.message().collect();
                Ok(format!("{} {}", answer.code(), words.join(" ")))
            }
        }
    }
}

impl NotTaken {
    fn late() -> Self {
        let why = format!("not accepted within {} s", WAIT_FOR_ALL.as_secs());
        Self {
            for_good: false,
            said: why.clone(),
            why,
        }
    }

    fn kept_not(error: &std::io::Error) -> Self {
        Self {
            for_good: false,
            why: format!("cannot write the file: {}", error.kind()),
            said: format!("cannot write the file: {error}"),
        }
    }

    fn by(error: &SmtpError) -> Self {
        let why = match error.status() {
            Some(code) => format!("the server answered {code}"),
            None if error.is_timeout() => "the server did not answer in time".to_owned(),
            None if error.is_tls() => "TLS handshake failed".to_owned(),
            None => io_kind(error).map_or_else(
                || "the server closed the connection".to_owned(),
                |kind| format!("the connection failed: {kind}"),
            ),
        };
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |it| it.source());
        let said: Vec<_> = causes.map(ToString::to_string).collect();
        Self {
            for_good: error.is_permanent(),
            why,
            said: said.join(": "),
        }
    }
}

fn io_kind(error: &SmtpError) -> Option<std::io::ErrorKind> {
    std::iter::successors(Some(error as &dyn std::error::Error), |it| it.source())
        .find_map(|it| it.downcast_ref::<std::io::Error>())
        .map(std::io::Error::kind)
}

/// Returns a file name for a Message-ID. The same mail gives the same file.
fn file_name(message_id: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '@' | '.' | '-');
    message_id.chars().filter(plain).take(120).collect()
}

/// Writes a file atomically and durably.
fn keep(folder: &Path, path: &Path, message: &[u8]) -> std::io::Result<()> {
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
        let post = Post::open(&config).unwrap();
        for _ in 0..2 {
            post.send("<../1@localhost>", b"Subject: x\r\n\r\n")
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
