//! Failed deliveries: at which step, and whether a retry may succeed.

use lettre::transport::smtp::Error as SmtpError;
use strum::{AsRefStr, EnumString};

/// Step of a delivery (RFC 5321, section 3). Its name is stored, logged and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsRefStr, EnumString)]
pub enum SmtpStep {
    /// Connecting, the greeting and EHLO.
    #[strum(serialize = "EHLO")]
    Hello,
    /// The TLS handshake on an open connection.
    #[strum(serialize = "STARTTLS")]
    StartTls,
    /// The login.
    #[strum(serialize = "AUTH")]
    Login,
    /// The sender.
    #[strum(serialize = "MAIL FROM")]
    Sender,
    /// The recipient.
    #[strum(serialize = "RCPT TO")]
    Recipient,
    /// The request to send the content.
    #[strum(serialize = "DATA")]
    Data,
    /// The content.
    #[strum(serialize = "content")]
    Content,
}

/// A mail that was not accepted for a recipient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reply}")]
pub struct DeliveryError {
    /// Step at which it failed; `None` for files.
    pub step: Option<SmtpStep>,
    /// Reply code of the server, such as 550.
    pub code: Option<u16>,
    /// Cause without any address, for logs.
    pub cause: String,
    /// Reply of the server, for the operator only.
    pub reply: String,
}

impl DeliveryError {
    /// Returns whether the server rejects this mail for this recipient permanently (5xx).
    pub fn is_permanent(&self) -> bool {
        self.is_about_recipient() && self.code.is_some_and(|code| code >= 500)
    }

    /// Returns whether the server was ready for mails, so that it may accept others.
    pub fn is_about_recipient(&self) -> bool {
        self.step.is_some_and(|step| step >= SmtpStep::Sender)
    }

    /// Returns whether the server shows a certificate that may only sign others.
    pub(super) fn is_self_signed(&self) -> bool {
        self.reply.contains("CaUsedAsEndEntity")
    }

    pub(super) fn timed_out(step: SmtpStep, seconds: u64) -> Self {
        let cause = format!("no answer to {} within {seconds} s", step.as_ref());
        Self {
            step: Some(step),
            code: None,
            reply: cause.clone(),
            cause,
        }
    }

    pub(super) fn from_io(error: &std::io::Error) -> Self {
        Self {
            step: None,
            code: None,
            cause: format!("cannot write the file: {}", error.kind()),
            reply: format!("cannot write the file: {error}"),
        }
    }

    pub(super) fn from_smtp(step: SmtpStep, error: &SmtpError) -> Self {
        let at = step.as_ref();
        let said: Vec<_> = anyhow::Chain::new(error).map(ToString::to_string).collect();
        let said = said.join(": ");
        let code = error.status().map(u16::from);
        let is_tls = error.is_tls() || said.contains("certificate");
        let cause = match code {
            Some(code) => format!("the server answered {code} to {at}"),
            None if error.is_timeout() => "the server did not answer in time".to_owned(),
            None if said.contains("UnknownIssuer") || said.contains("CaUsedAsEndEntity") => {
                "the certificate of the server is of an unknown authority: set JORNADA_SMTP_CA"
                    .to_owned()
            }
            None if is_tls => "the TLS handshake failed".to_owned(),
            None if error.is_client() => format!("the server does not offer what {at} needs"),
            None => io_kind(error).map_or_else(
                || format!("the server closed the connection at {at}"),
                |kind| format!("the connection failed at {at}: {kind}"),
            ),
        };
        Self {
            step: Some(step),
            code,
            reply: format!("{cause} ({said})"),
            cause,
        }
    }
}

fn io_kind(error: &SmtpError) -> Option<std::io::ErrorKind> {
    let mut causes = anyhow::Chain::new(error);
    let io_error = causes.find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    Some(io_error.kind())
}
