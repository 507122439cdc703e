//! Metrics of staff logins. Many failed or rate-limited ones mean that somebody guesses passwords.

use prometheus::{IntCounterVec, IntGauge, Registry};

use super::login::LoginOutcome;
use jornada_runtime::metrics::{add, counters};

/// Metrics of logins.
#[derive(Clone, Debug)]
pub struct StaffMetrics {
    logins: IntCounterVec,
    /// Password hashes being computed or queued.
    pub queued_passwords: IntGauge,
}

impl StaffMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let logins = counters(
            "jornada_staff_logins_total",
            "Login attempts, by outcome: in, refused, slowed",
            &["outcome"],
        )?;
        let passwords = IntGauge::new(
            "jornada_staff_passwords_in_work",
            "Password hashes being computed or queued",
        )?;
        Ok(Self {
            logins: add(registry, logins)?,
            queued_passwords: add(registry, passwords)?,
        })
    }

    /// Counts a login attempt.
    pub fn count_login(&self, login: &LoginOutcome) {
        let outcome = match login {
            LoginOutcome::Authenticated(..) => "in",
            LoginOutcome::Refused(_) => "refused",
            LoginOutcome::RateLimited(_) => "slowed",
        };
        self.logins.with_label_values(&[outcome]).inc();
    }
}
