//! What is counted of the staff's logins: many that are refused or slowed are somebody who guesses.

use prometheus::{IntCounterVec, IntGauge, Registry};

use super::login::Login;
use crate::telemetry::metrics::{add, counters};

/// What is counted of logins.
#[derive(Clone, Debug)]
pub struct StaffMetrics {
    logins: IntCounterVec,
    /// Passwords that are computed or wait for it.
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
            "Attempts to log in by outcome: in, refused, slowed",
            &["outcome"],
        )?;
        let passwords = IntGauge::new(
            "jornada_staff_passwords_in_work",
            "Passwords that are computed or wait for it",
        )?;
        Ok(Self {
            logins: add(registry, logins)?,
            passwords: add(registry, passwords)?,
        })
    }

    /// Counts an attempt.
    pub fn tried(&self, login: &Login) {
        let outcome = match login {
            Login::In(..) => "in",
            Login::Refused(_) => "refused",
            Login::Slowed(_) => "slowed",
        };
        self.logins.with_label_values(&[outcome]).inc();
    }
}
