//! Settings of the watcher: targets, alert rules, mail.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use secrecy::SecretString;
use url::Url;

use jornada_runtime::cache::CacheSetting;

/// All settings of the role `watch`.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// `JORNADA_WATCH` and `JORNADA_WATCH_ALSO`.
    pub watched: Vec<WatchedUrl>,
    /// `JORNADA_WATCH_LISTEN`; never proxied to the public.
    pub listen: SocketAddr,
    /// `JORNADA_WATCH_DATA`; one folder per watcher.
    pub data_folder: PathBuf,
    /// `JORNADA_WATCH_EVERY`.
    pub probe_interval: Duration,
    /// `JORNADA_WATCH_TIMEOUT`; not longer than `probe_interval`.
    pub timeout: Duration,
    /// Alert rules.
    pub rules: WatchRules,
    /// `JORNADA_WATCH_GROUP`: incidents within this time are reported in one mail.
    pub group_period: SignedDuration,
    /// `JORNADA_WATCH_REMIND`.
    pub reminder_interval: SignedDuration,
    /// `JORNADA_WATCH_NEUTRAL`: host and port that answer independently of the system.
    pub neutral: Option<(String, u16)>,
    /// Mail settings.
    pub mail: MailConfig,
    /// Links and time zone of mails.
    pub links: WatchLinks,
    /// `JORNADA_CACHE`: shared state of several watchers.
    pub cache: CacheSetting,
    /// `JORNADA_INSTANCE`: name of this watcher.
    pub instance: String,
}

/// Watched URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedUrl {
    /// URL to probe, with its path.
    pub url: Url,
    /// Host and port, for people.
    pub name: String,
    /// Whether it is an instance, which answers `/readyz`, or another HTTP server.
    pub is_instance: bool,
}

/// Rules that raise and resolve an incident, and that end the watch of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchRules {
    /// `JORNADA_WATCH_FAILURES`: failures in a row that raise an incident.
    pub failures: u32,
    /// `JORNADA_WATCH_SUCCESSES`: successes in a row that resolve an incident.
    pub successes: u32,
    /// `JORNADA_WATCH_QUIET`: minimum duration of these successes.
    pub recovery_period: SignedDuration,
    /// `JORNADA_WATCH_LOST`: time for which an address stays watched after its name lost it, if the name has others.
    pub lost_period: SignedDuration,
}

/// Links and time zone of mails.
#[derive(Clone, Debug)]
pub struct WatchLinks {
    /// `JORNADA_WATCH_URL`: status page.
    pub page: Option<Url>,
    /// `JORNADA_WATCH_DASHBOARD`.
    pub dashboard: Option<Url>,
    /// `JORNADA_WATCH_LOGS`.
    pub logs: Option<Url>,
    /// `JORNADA_WATCH_ZONE`.
    pub zone: TimeZone,
}

/// Settings of mail.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// `JORNADA_SMTP`.
    pub transport: MailTransportSetting,
    /// `JORNADA_MAIL_FROM`.
    pub from: Mailbox,
    /// `JORNADA_MAIL_TO`; at least one.
    pub to: Vec<Mailbox>,
    /// `JORNADA_MAIL_HELLO`: name in EHLO.
    pub hello: String,
    /// `JORNADA_SMTP_CA`: PEM file of further certificate authorities.
    pub authority: Option<PathBuf>,
}

impl MailConfig {
    /// Returns the addresses of the recipients.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.to.iter().map(|one| one.email.to_string()).collect()
    }
}

/// `JORNADA_SMTP`.
#[derive(Clone, Debug)]
pub enum MailTransportSetting {
    /// `file:FOLDER`; one `.eml` file per mail.
    Folder(PathBuf),
    /// `smtp://…` or `smtps://…`, the full URL for the mail client.
    Smtp(SecretString),
}

#[cfg(test)]
impl MailConfig {
    /// Creates settings that write mails to a folder.
    pub(crate) fn to_folder(folder: PathBuf) -> Self {
        let mailbox = |name: &str| Mailbox::new(None, format!("{name}@localhost").parse().unwrap());
        Self {
            transport: MailTransportSetting::Folder(folder),
            from: mailbox("jornada"),
            to: vec![mailbox("administrador")],
            hello: "localhost".into(),
            authority: None,
        }
    }
}
