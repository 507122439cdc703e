//! Settings of the log: filter, format and targets.

use secrecy::SecretString;

/// Settings of the log.
#[derive(Clone, Debug)]
pub struct LogsConfig {
    /// `JORNADA_LOG`, in the syntax of `EnvFilter`. Lines of other crates below `WARN` are never logged.
    pub filter: String,
    /// `JORNADA_LOG_FORMAT`; without it, text on a terminal and JSON elsewhere.
    pub format: Option<LogFormat>,
    /// `JORNADA_LOKI`, with a trailing slash; may contain user and password.
    pub loki: Option<SecretString>,
    /// `JORNADA_INSTANCE`; label `instance` in Loki.
    pub instance: String,
}

/// `JORNADA_LOG_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}
