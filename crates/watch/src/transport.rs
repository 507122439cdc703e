//! Mail transport: an SMTP server, or files in a folder. Each recipient gets the mail in a transaction of its own, so
//! that one dead mailbox does not keep it from the others.

mod error;
mod smtp;
mod tls;

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lettre::Address;

use super::setting::{MailConfig, MailTransportSetting};
pub use error::{DeliveryError, SmtpStep};
use smtp::{SmtpServer, SmtpSession};

/// Mail transport.
#[derive(Clone, Debug)]
pub struct MailTransport(TransportKind);

#[derive(Clone, Debug)]
enum TransportKind {
    Folder(PathBuf),
    Smtp(Arc<SmtpServer>),
}

/// Deliveries in a row, over one connection while the server keeps it open.
#[derive(Debug)]
pub enum MailSession {
    /// A folder of files.
    Folder(PathBuf),
    /// An SMTP server.
    Smtp(Box<SmtpSession>),
}

impl MailTransport {
    /// Creates the configured transport. Does not connect yet.
    pub fn new(config: &MailConfig) -> anyhow::Result<Self> {
        let kind = match &config.transport {
            MailTransportSetting::Folder(path) => TransportKind::Folder(path.clone()),
            MailTransportSetting::Smtp(url) => {
                TransportKind::Smtp(Arc::new(SmtpServer::new(url, config)?))
            }
        };
        Ok(Self(kind))
    }

    /// Starts a session. Connects at the first delivery.
    pub fn session(&self) -> MailSession {
        match &self.0 {
            TransportKind::Folder(folder) => MailSession::Folder(folder.clone()),
            TransportKind::Smtp(server) => {
                let session = SmtpSession::new(server.clone());
                MailSession::Smtp(Box::new(session))
            }
        }
    }
}

impl MailSession {
    /// Sends a mail to one recipient. Returns the reply of the server. After an error the mail may still have been
    /// accepted.
    pub async fn send(
        &mut self,
        recipient: &Address,
        message_id: &str,
        message: &[u8],
    ) -> Result<String, DeliveryError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(format!("{}.eml", file_name(message_id)));
                write_file(folder, &path, message)
                    .map(|()| format!("stored as {}", path.display()))
                    .map_err(|error| DeliveryError::from_io(&error))
            }
            Self::Smtp(session) => session.send(recipient, message).await,
        }
    }

    /// Ends the session.
    pub async fn end(self) {
        if let Self::Smtp(session) = self {
            session.end().await;
        }
    }
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
        let mut session = MailTransport::new(&config).unwrap().session();
        for _ in 0..2 {
            session
                .send(
                    &config.to[0].email,
                    "<../1@localhost>",
                    b"Subject: x\r\n\r\n",
                )
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
