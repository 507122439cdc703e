//! Metrics of staff logins. Many failed or rate-limited ones mean that somebody guesses passwords.

use prometheus::{IntCounterVec, IntGauge, Registry};

use super::login::Login;
use crate::telemetry::metrics::{add, counters};

/// Metrics of logins.
#[derive(Clone, Debug)]
pub struct StaffMetrics {
    logins: IntCounterVec,
    /// Password hashes being computed or queued.
    pub passwords: IntGauge,
}

impl StaffMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name that is taken.
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
            passwords: add(registry, passwords)?,
        })
    }

    /// Counts a login attempt.
    pub fn tried(&self, login: &Login) {
        let outcome = match login {
            Login::In(..) => "in",
            Login::Refused(_) => "refused",
            Login::Slowed(_) => "slowed",
        };
        self.logins.with_label_values(&[outcome]).inc();
    }
}
