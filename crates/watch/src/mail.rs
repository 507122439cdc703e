//! Content of a mail, in both languages, as plain text and HTML. The Message-ID depends only on the content, so the
//! same mail has the same id from any watcher and in every attempt.

pub mod texts;

use anyhow::Context;
use askama::Template;
use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{MessageBuilder, MultiPart};
use sha2::{Digest, Sha256};

use super::probe::ProbeResult;
use super::setting::{MailConfig, WatchLinks};
use super::snapshot::InstanceCount;
use super::store::incidents::Incident;
use super::store::mail_kind::MailKind;
use super::store::recipients::RefusedRecipient;
use jornada_domain::Lang;

/// Content of a mail.
#[derive(Debug)]
pub struct MailContent<'a> {
    /// Kind; `None` for a test mail.
    pub kind: Option<MailKind>,
    /// Incidents it reports.
    pub incidents: &'a [Incident],
    /// Refused recipients that it reports.
    pub refusals: &'a [RefusedRecipient],
    /// Number of instances that answer.
    pub instances: InstanceCount,
    /// Links and time zone.
    pub links: &'a WatchLinks,
    /// Name of the watcher that writes it.
    pub watcher: &'a str,
    /// Time of writing.
    pub now: Timestamp,
}

/// Content in one language.
#[derive(Debug)]
struct MailPart {
    lang: &'static str,
    title: String,
    paragraphs: Vec<String>,
    items: Vec<IncidentItem>,
    links: Vec<(&'static str, String)>,
}

/// One incident in one language.
#[derive(Debug)]
struct IncidentItem {
    label: String,
    facts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "watch/mail.txt")]
struct PlainTextMail<'a> {
    sections: &'a [MailPart],
    watcher: &'a str,
}

#[derive(Template)]
#[template(path = "watch/mail.html")]
struct HtmlMail<'a> {
    subject: &'a str,
    sections: &'a [MailPart],
    watcher: &'a str,
}

/// `Auto-Submitted: auto-generated` (RFC 3834, section 5).
#[derive(Clone, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl MailContent<'_> {
    /// Returns the Message-ID without angle brackets. `domain` is that of the sender.
    pub fn message_id(&self, domain: &str) -> String {
        let ids = self.incidents.iter().map(|one| one.shared_id.as_str());
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        let mut hash = Sha256::new();
        hash.update(self.kind.as_ref().map_or("test", MailKind::as_ref));
        for id in ids {
            hash.update(b"\n");
            hash.update(id);
        }
        match self.kind {
            // Each reminder needs its own id.
            Some(MailKind::Reminder) => {
                let times = self.incidents.iter().filter_map(|one| one.last_reported_at);
                let last = times.max().unwrap_or_default();
                hash.update(last.as_millisecond().to_be_bytes());
            }
            None => hash.update(self.now.as_nanosecond().to_be_bytes()),
            Some(MailKind::Raised | MailKind::Resolved) => {}
            Some(MailKind::Refused) => {
                for one in self.refusals {
                    hash.update(one.address.as_bytes());
                    hash.update(one.since.as_millisecond().to_be_bytes());
                }
            }
        }
        let hash = data_encoding::HEXLOWER.encode(&hash.finalize()[..16]);
        format!("{hash}@{domain}")
    }

    /// Writes the mail. Returns Message-ID and bytes.
    pub fn write(&self, config: &MailConfig) -> anyhow::Result<(String, Vec<u8>)> {
        let id = format!("<{}>", self.message_id(config.from.email.domain()));
        let subject = self.subject();
        let sections = [Lang::Es, Lang::En].map(|lang| self.part(lang));
        let watcher = self.watcher;
        let plain = PlainTextMail {
            sections: &sections,
            watcher,
        }
        .render()?;
        let html = HtmlMail {
            subject: &subject,
            sections: &sections,
            watcher,
        }
        .render()?;
        let recipients = config.to.iter().cloned();
        let message = recipients
            .fold(Message::builder(), MessageBuilder::to)
            .from(config.from.clone())
            .subject(subject)
            .date(self.now.into())
            .message_id(Some(id.clone()))
            // Keeps out-of-office programs from answering (RFC 3834).
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(plain, html))
            .context("cannot write the mail")?;
        Ok((id, message.formatted()))
    }

    /// Returns whether no instance answers and the mail is about that.
    fn is_all_down(&self) -> bool {
        let of_instances = self.incidents.iter().any(|one| one.is_instance);
        self.kind == Some(MailKind::Raised) && of_instances && self.instances.up == 0
    }

    /// Returns the dependencies that all these instances lack: one part is down, not they.
    fn common_cause(&self) -> Option<&[String]> {
        let mut lacked = self.incidents.iter().map(|one| match &one.probe_result {
            ProbeResult::Status { unavailable, .. } => unavailable.as_slice(),
            _ => &[],
        });
        let first = lacked.next().filter(|first| !first.is_empty())?;
        lacked.all(|one| one == first).then_some(first)
    }

    /// Returns whether the watcher itself may be cut off.
    fn is_cut_off(&self) -> bool {
        self.kind == Some(MailKind::Raised) && self.incidents.iter().any(|one| one.cut_off)
    }
}
