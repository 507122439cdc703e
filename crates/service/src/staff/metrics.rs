//! Metrics of staff logins. Many failed or rate-limited ones mean that somebody guesses passwords.

use prometheus::{
    IntCounterVec, IntGauge, Registry, register_int_counter_vec_with_registry as counters,
    register_int_gauge_with_registry as gauge,
};

use super::login::LoginOutcome;

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
        Ok(Self {
            logins: counters!(
                "jornada_staff_logins_total",
                "Login attempts, by outcome: in, refused, slowed",
                &["outcome"],
                registry
            )?,
            queued_passwords: gauge!(
                "jornada_staff_passwords_in_work",
                "Password hashes being computed or queued",
                registry
            )?,
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
