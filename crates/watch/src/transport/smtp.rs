//! SMTP client: one transaction for each recipient, with the step at which it fails.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::{DeliveryError, SmtpStep};
use super::tls::ServerTls;
use crate::setting::MailConfig;

/// Timeouts for the connection and for a whole delivery.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for the good-bye.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// When a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    None,
    /// From the first byte on (`smtps://`).
    Implicit,
    StartTls {
        required: bool,
    },
}

/// SMTP server of the settings.
pub struct SmtpServer {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: Option<ServerTls>,
    credentials: Option<Credentials>,
    hello: ClientId,
    sender: Address,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl SmtpServer {
    /// Reads the URL of `JORNADA_SMTP`. Errors do not show it, because it may contain a password.
    pub fn new(url: &SecretString, config: &MailConfig) -> anyhow::Result<Self> {
        let url = Url::parse(url.expose_secret())
            .ok()
            .context("JORNADA_SMTP: is not a URL")?;
        let host = url.host_str().context("JORNADA_SMTP: has no host")?;
        // Brackets belong to the URL, not to the address.
        let host = host.trim_matches(['[', ']']).to_owned();
        let tls = url.query_pairs().find(|(key, _)| key == "tls");
        let encryption = match (url.scheme(), tls.as_ref().map(|(_, value)| &**value)) {
            ("smtps", _) => Encryption::Implicit,
            (_, None) => Encryption::None,
            (_, Some(value)) => Encryption::StartTls {
                required: value == "required",
            },
        };
        let default_port = match encryption {
            Encryption::None => SMTP_PORT,
            Encryption::Implicit => SUBMISSIONS_PORT,
            Encryption::StartTls { .. } => SUBMISSION_PORT,
        };
        let credentials = url.password().map(|password| {
            Credentials::new(decode_percent(url.username()), decode_percent(password))
        });
        Ok(Self {
            port: url.port().unwrap_or(default_port),
            tls: (encryption != Encryption::None)
                .then(|| ServerTls::new(&host, config.authority.as_deref()))
                .transpose()?,
            host,
            encryption,
            credentials,
            hello: ClientId::Domain(config.hello.clone()),
            sender: config.from.email.clone(),
        })
    }

    async fn connect(&self, step: &mut SmtpStep) -> Result<AsyncSmtpConnection, DeliveryError> {
        let Some(tls) = &self.tls else {
            let connection = self.connect_with(step, None).await?;
            return self.log_in(step, connection).await;
        };
        match self.connect_with(step, Some(&tls.verified)).await {
            // A certificate that signs itself may not be that of a server, unless it is the very one of the settings.
            Err(failed) if failed.is_self_signed() && !tls.own.is_empty() => {
                let mut connection = self.connect_with(step, Some(&tls.unverified)).await?;
                let shown = connection.peer_certificate();
                if shown.is_ok_and(|shown| tls.own.contains(&shown)) {
                    return self.log_in(step, connection).await;
                }
                connection.abort().await;
                Err(failed)
            }
            Err(failed) => Err(failed),
            Ok(connection) => self.log_in(step, connection).await,
        }
    }

    async fn connect_with(
        &self,
        step: &mut SmtpStep,
        tls: Option<&TlsParameters>,
    ) -> Result<AsyncSmtpConnection, DeliveryError> {
        *step = SmtpStep::Hello;
        let implicit = tls.filter(|_| self.encryption == Encryption::Implicit);
        let address = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            address,
            Some(CONNECT_TIMEOUT),
            &self.hello,
            implicit.cloned(),
            None,
        )
        .await
        .map_err(|error| DeliveryError::from_smtp(*step, &error))?;
        if let (Encryption::StartTls { required }, Some(tls)) = (self.encryption, tls)
            && (required || connection.can_starttls())
        {
            *step = SmtpStep::StartTls;
            connection
                .starttls(tls.clone(), &self.hello)
                .await
                .map_err(|error| DeliveryError::from_smtp(*step, &error))?;
        }
        Ok(connection)
    }

    async fn log_in(
        &self,
        step: &mut SmtpStep,
        mut connection: AsyncSmtpConnection,
    ) -> Result<AsyncSmtpConnection, DeliveryError> {
        if let Some(credentials) = &self.credentials {
            *step = SmtpStep::Login;
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
                .await
                .map_err(|error| DeliveryError::from_smtp(*step, &error))?;
        }
        Ok(connection)
    }
}

/// Decodes percent-encoding. Invalid UTF-8 is replaced.
fn decode_percent(text: &str) -> String {
    // In a form, "+" would be a space.
    let pair = format!("x={}", text.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Deliveries in a row over one connection.
pub struct SmtpSession {
    server: Arc<SmtpServer>,
    connection: Option<AsyncSmtpConnection>,
}

impl fmt::Debug for SmtpSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

impl SmtpSession {
    pub fn new(server: Arc<SmtpServer>) -> Self {
        Self {
            server,
            connection: None,
        }
    }

    /// Sends a mail to one recipient.
    pub async fn send(
        &mut self,
        recipient: &Address,
        message: &[u8],
    ) -> Result<String, DeliveryError> {
        // Taken out, so that a delivery that times out or fails leaves no broken connection.
        let connection = self.connection.take();
        let mut step = SmtpStep::Hello;
        let delivery = self.deliver(connection, &mut step, recipient, message);
        let delivered = tokio::time::timeout(SEND_TIMEOUT, delivery).await;
        let Ok((connection, outcome)) = delivered else {
            return Err(DeliveryError::timed_out(step, SEND_TIMEOUT.as_secs()));
        };
        self.connection = connection;
        outcome.map(|answer| {
            let words: Vec<_> = answer.message().collect();
            format!("{} {}", answer.code(), words.join(" "))
        })
    }

    /// Delivers one mail. Returns the connection as well if it can be used again.
    async fn deliver(
        &self,
        connection: Option<AsyncSmtpConnection>,
        step: &mut SmtpStep,
        recipient: &Address,
        message: &[u8],
    ) -> (Option<AsyncSmtpConnection>, Result<Response, DeliveryError>) {
        let mut used = None;
        if let Some(mut open) = connection
            && open.command(Rset).await.is_ok()
        {
            used = Some(open);
        }
        let mut connection = match used {
            Some(open) => open,
            None => match self.server.connect(step).await {
                Ok(fresh) => fresh,
                Err(failed) => return (None, Err(failed)),
            },
        };
        let sender = &self.server.sender;
        match transact(&mut connection, step, sender, recipient, message).await {
            Ok(answer) => (Some(connection), Ok(answer)),
            Err(failed) => {
                let is_open = failed.code.is_some();
                (is_open.then_some(connection), Err(failed))
            }
        }
    }

    /// Says good-bye.
    pub async fn end(self) {
        if let Some(mut connection) = self.connection {
            let quit = connection.quit();
            tokio::time::timeout(QUIT_TIMEOUT, quit).await.ok();
        }
    }
}

/// Runs one transaction on an open connection.
async fn transact(
    connection: &mut AsyncSmtpConnection,
    step: &mut SmtpStep,
    sender: &Address,
    recipient: &Address,
    message: &[u8],
) -> Result<Response, DeliveryError> {
    *step = SmtpStep::Sender;
    let answer = connection
        .command(Mail::new(Some(sender.clone()), vec![]))
        .await;
    answer.map_err(|error| DeliveryError::from_smtp(*step, &error))?;
    *step = SmtpStep::Recipient;
    let answer = connection
        .command(Rcpt::new(recipient.clone(), vec![]))
        .await;
    answer.map_err(|error| DeliveryError::from_smtp(*step, &error))?;
    *step = SmtpStep::Data;
    let answer = connection.command(Data).await;
    answer.map_err(|error| DeliveryError::from_smtp(*step, &error))?;
    *step = SmtpStep::Content;
    let answer = connection.message(message).await;
    answer.map_err(|error| DeliveryError::from_smtp(*step, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_decides_on_port_and_encryption() {
        let starttls = |required| Encryption::StartTls { required };
        for (url, port, encryption) in [
            ("smtp://mail.example.org", 25, Encryption::None),
            ("smtp://mail.example.org:1025", 1025, Encryption::None),
            ("smtp://mail.example.org?tls=required", 587, starttls(true)),
            (
                "smtp://mail.example.org:25?tls=opportunistic",
                25,
                starttls(false),
            ),
            (
                "smtps://a:b%2Bc@mail.example.org",
                465,
                Encryption::Implicit,
            ),
            ("smtps://mail.example.org:8465", 8465, Encryption::Implicit),
        ] {
            let config = MailConfig::to_folder("mail".into());
            let server = SmtpServer::new(&SecretString::from(url), &config).unwrap();
            assert_eq!(
                (server.port, server.encryption),
                (port, encryption),
                "{url}"
            );
        }
        assert_eq!(decode_percent("b%2Bc+d%C3%A9"), "b+c+dé");
    }
}
