//! What is logged, in which format and where to.

use secrecy::SecretString;

/// How log lines are written, and whether Loki gets them too.
#[derive(Clone, Debug)]
pub struct LogsConfig {
    /// `JORNADA_LOG`, which `EnvFilter` reads. It rules the lines of this crate; of others only warnings are ever told.
    pub filter: String,
    /// `JORNADA_LOG_FORMAT`; without it, text on a terminal and JSON elsewhere.
    pub format: Option<LogFormat>,
    /// `JORNADA_LOKI`, with a slash at its end; may hold a user and a password.
    pub loki: Option<SecretString>,
    /// `JORNADA_INSTANCE`: the label `instance` in Loki.
    pub instance: String,
}

/// `JORNADA_LOG_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}
