//! What a watcher is told at its start: whom it watches, what makes an incident, how mails leave.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use secrecy::SecretString;
use url::Url;

use crate::cache::CacheSetting;

/// All settings of the role `watch`.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// `JORNADA_WATCH` and `JORNADA_WATCH_ALSO`.
    pub watched: Vec<WatchedUrl>,
    /// `JORNADA_WATCH_LISTEN`; never proxied to the public.
    pub listen: SocketAddr,
    /// `JORNADA_WATCH_DATA`; one folder for each watcher.
    pub data_folder: PathBuf,
    /// `JORNADA_WATCH_EVERY`.
    pub probe_interval: Duration,
    /// `JORNADA_WATCH_TIMEOUT`; not longer than `every`.
    pub timeout: Duration,
    /// What makes an incident.
    pub rules: WatchRules,
    /// `JORNADA_WATCH_GROUP`: incidents that begin within this time share a mail.
    pub group_period: SignedDuration,
    /// `JORNADA_WATCH_REMIND`.
    pub reminder_interval: SignedDuration,
    /// `JORNADA_WATCH_NEUTRAL`: host and port that answer whatever happens to the system.
    pub neutral: Option<(String, u16)>,
    /// How mails leave.
    pub mail: MailConfig,
    /// What mails say besides.
    pub links: WatchLinks,
    /// `JORNADA_CACHE`: where several watchers agree.
    pub cache: CacheSetting,
    /// `JORNADA_INSTANCE`: the name of this watcher.
    pub instance: String,
}

/// One URL that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedUrl {
    /// What is asked, with its path.
    pub url: Url,
    /// Host and port, as people know it.
    pub name: String,
    /// An instance, which answers `/readyz`, or something else that speaks HTTP.
    pub is_instance: bool,
}

/// What makes an incident, and what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchRules {
    /// `JORNADA_WATCH_FAILURES`: failures in a row that raise it.
    pub failures: u32,
    /// `JORNADA_WATCH_SUCCESSES`: successes in a row that resolve it.
    pub successes: u32,
    /// `JORNADA_WATCH_QUIET`: for how long they must have gone on.
    pub recovery_period: SignedDuration,
}

/// Where mails lead, and the clock that they show.
#[derive(Clone, Debug)]
pub struct WatchLinks {
    /// `JORNADA_WATCH_URL`: the status page.
    pub page: Option<Url>,
    /// `JORNADA_WATCH_DASHBOARD`.
    pub dashboard: Option<Url>,
    /// `JORNADA_WATCH_LOGS`.
    pub logs: Option<Url>,
    /// `JORNADA_WATCH_ZONE`.
    pub zone: TimeZone,
}

/// Everything about mail that is set.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// `JORNADA_SMTP`.
    pub transport: MailTransportSetting,
    /// `JORNADA_MAIL_FROM`.
    pub from: Mailbox,
    /// `JORNADA_MAIL_TO`; at least one.
    pub to: Vec<Mailbox>,
}

/// `JORNADA_SMTP`.
#[derive(Clone, Debug)]
pub enum MailTransportSetting {
    /// `file:FOLDER`; each mail becomes a file `.eml`.
    Folder(PathBuf),
    /// `smtp://…` or `smtps://…`, whole, as the mail client reads it.
    Smtp(SecretString),
}

#[cfg(test)]
impl MailConfig {
    /// Mails go into a folder.
    pub(crate) fn to_folder(folder: PathBuf) -> Self {
        let mailbox = |name: &str| Mailbox::new(None, format!("{name}@localhost").parse().unwrap());
        Self {
            transport: MailTransportSetting::Folder(folder),
            from: mailbox("jornada"),
            to: vec![mailbox("administrador")],
        }
    }
}
