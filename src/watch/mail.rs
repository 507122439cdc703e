//! A mail as it goes over the wire: both languages, plain text and HTML, under an id that depends on nothing but what it
//! tells, so that whoever sends it, and however often, it is one mail.

pub mod words;

use anyhow::Context;
use askama::Template;
use jiff::Timestamp;
use lettre::Message;
use lettre::message::MultiPart;
use sha2::{Digest, Sha256};

use super::board::Left;
use super::ledger::incidents::Incident;
use super::ledger::mail_kind::Kind;
use super::setting::{MailConfig, WatchLinks};
use crate::domain::Lang;

/// What a mail tells.
#[derive(Debug)]
pub struct Letter<'a> {
    /// Nothing in a mail that only tries the way.
    pub kind: Option<Kind>,
    /// Of whom it tells.
    pub incidents: &'a [Incident],
    /// How many instances answer.
    pub left: Left,
    /// Where it leads.
    pub links: &'a WatchLinks,
    /// Which watcher writes.
    pub watcher: &'a str,
    /// When it was written.
    pub now: Timestamp,
}

/// What it says in one language.
#[derive(Debug)]
struct Section {
    lang: &'static str,
    title: String,
    paragraphs: Vec<String>,
    items: Vec<Item>,
    links: Vec<(&'static str, String)>,
}

/// One incident in one language.
#[derive(Debug)]
struct Item {
    label: String,
    facts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "watch/mail.txt")]
struct Plain<'a> {
    sections: &'a [Section],
    watcher: &'a str,
}

#[derive(Template)]
#[template(path = "watch/mail.html")]
struct Html<'a> {
    subject: &'a str,
    sections: &'a [Section],
    watcher: &'a str,
}

impl Letter<'_> {
    /// Its id without angle brackets; `domain` is the sender's.
    #[must_use]
    pub fn id(&self, domain: &str) -> String {
        let mut ids: Vec<_> = self
            .incidents
            .iter()
            .map(|one| one.shared.as_str())
            .collect();
        ids.sort_unstable();
        let mut hash = Sha256::new();
        hash.update(self.kind.map_or("test", Kind::as_str));
        for id in ids {
            hash.update(b"\n");
            hash.update(id);
        }
        match self.kind {
            // Each reminder is another mail.
            Some(Kind::Reminder) => {
                let last = self.incidents.iter().filter_map(|one| one.told_at).max();
                hash.update(last.unwrap_or_default().as_millisecond().to_be_bytes());
            }
            None => hash.update(self.now.as_nanosecond().to_be_bytes()),
            Some(Kind::Raised | Kind::Resolved) => {}
        }
        let hash = data_encoding::HEXLOWER.encode(&hash.finalize()[..16]);
        format!("{hash}@{domain}")
    }

    /// Writes it; answers its id and its bytes.
    ///
    /// # Errors
    /// Only a mistake in a template, or an address that no header can hold.
    pub fn write(&self, config: &MailConfig) -> anyhow::Result<(String, Vec<u8>)> {
        let id = format!("<{}>", self.id(config.from.email.domain()));
        let subject = self.subject();
        let sections = [Lang::Es, Lang::En].map(|lang| self.section(lang));
        let watcher = self.watcher;
        let plain = Plain {
            sections: &sections,
            watcher,
        }
        .render()?;
        let html = Html {
            subject: &subject,
            sections: &sections,
            watcher,
        }
        .render()?;
        let message = config
            .to
            .iter()
            .fold(Message::builder(), |message, to| message.to(to.clone()));
        let message = message
            .from(config.from.clone())
            .subject(subject)
            .date(self.now.into())
            .message_id(Some(id.clone()))
            .multipart(MultiPart::alternative_plain_html(plain, html))
            .context("cannot write the mail")?;
        Ok((id, message.formatted()))
    }

    /// Whether no instance answers any more, and this mail is about that.
    fn is_all_down(&self) -> bool {
        let of_instances = self.incidents.iter().any(|one| one.is_instance);
        self.kind == Some(Kind::Raised) && of_instances && self.left.up == 0
    }

    /// Whether the watcher itself may be what is cut off.
    fn is_cut_off(&self) -> bool {
        self.kind == Some(Kind::Raised) && self.incidents.iter().any(|one| one.cut_off)
    }
}
