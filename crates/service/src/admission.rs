//! Admission of submissions and receipt lookups, from the form and the API: rate limits per client, bot signals and
//! proof of work. Independent of HTTP: `web` maps [`Denied`] to a status.
//!
//! Counts are shared by all instances through Redis. Without Redis each instance counts alone; a request is never
//! denied because Redis is unavailable.

pub mod attempts;
mod counters;
mod evidence;
mod local;
pub mod metrics;
pub mod proof_of_work;
pub mod rate;
mod redis;
mod reservation;
mod timestamp;

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

pub use counters::AbuseCounters;
pub use evidence::{
    Evidence, HONEYPOT_FIELD, HiddenFields, TIMESTAMP_FIELD, fingerprint, take_part,
};
pub use rate::{RateLimits, rate_limit_key};
pub use reservation::Admitted;

use crate::key::{DerivedKey, InstallationSecret};
use jornada_domain::{Campaign, CampaignId};
use metrics::AbuseMetrics;
use proof_of_work::{Challenge, ProofOfWork};
use rate::{Rate, RateBucket};
use timestamp::{FormTimestamps, TimestampError};

/// Checks clients and submissions before they are processed.
#[derive(Debug)]
pub struct Admission {
    counters: AbuseCounters,
    key: DerivedKey,
    exempt: Vec<IpNet>,
    limits: RateLimits,
    timestamps: FormTimestamps,
    proof_of_work: ProofOfWork,
    metrics: AbuseMetrics,
}

/// A counted registration attempt with one reserved conflict. Dropping it refunds the conflict.
#[derive(Debug)]
#[must_use]
pub struct Reservation<'a> {
    admission: &'a Admission,
    client: IpAddr,
    token: Admitted,
}

/// Reason why a client or a submission is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The client exceeded a rate limit.
    #[error("rate limit exceeded, retry after {retry_after:#}")]
    RateLimited {
        /// Time until the next attempt may pass.
        retry_after: SignedDuration,
    },
    /// The form was sent sooner than a person can fill it in.
    #[error("form sent too fast, retry after {retry_after:#}")]
    TooFast {
        /// Time until the form may be sent.
        retry_after: SignedDuration,
    },
    /// The hidden field of the form was filled in.
    #[error("hidden field filled in")]
    HoneypotFilled,
    /// The form is too old, or its timestamp was not signed by this installation.
    #[error("form timestamp missing, invalid or expired")]
    FormExpired,
    /// The campaign requires a proof of work: it is missing, wrong, expired or already used.
    #[error("valid proof of work required")]
    ProofRequired,
}

impl Admission {
    /// Derives the keys from the secret of the installation. `exempt` clients are neither counted nor timed, and need
    /// no proof of work.
    pub fn new(
        secret: &InstallationSecret,
        counters: AbuseCounters,
        exempt: Vec<IpNet>,
        limits: RateLimits,
        metrics: AbuseMetrics,
    ) -> Self {
        Self {
            counters,
            key: DerivedKey::derive(secret, "limits: who sends and looks up"),
            exempt,
            limits,
            timestamps: FormTimestamps::new(secret),
            proof_of_work: ProofOfWork::new(secret),
            metrics,
        }
    }

    /// Counts a registration attempt and reserves one conflict: an answer that reveals a known identity. A client
    /// without conflicts left cannot register at all, because the denial itself would reveal the identity.
    pub async fn reserve(
        &self,
        campaign: &CampaignId,
        client: IpAddr,
    ) -> Result<Reservation<'_>, Denied> {
        let attempts = ("registrations", self.limits.registrations);
        let conflicts = ("conflicts", self.limits.conflicts);
        let token = self.acquire(client, campaign.as_str(), attempts, conflicts);
        Ok(Reservation {
            admission: self,
            client,
            token: token.await?,
        })
    }

    /// Counts a receipt lookup and reserves one miss.
    pub async fn admit_lookup(&self, client: IpAddr) -> Result<Admitted, Denied> {
        let lookups = ("receipts", self.limits.receipts);
        let misses = ("misses", self.limits.misses);
        self.acquire(client, "", lookups, misses).await
    }

    /// Returns the signed timestamp for a form of this campaign.
    pub fn form_timestamp(&self, campaign: &CampaignId, now: Timestamp) -> String {
        self.timestamps.sign(campaign, now)
    }

    /// Issues a challenge if the campaign requires a proof of work.
    pub fn challenge(
        &self,
        campaign: &Campaign,
        now: Timestamp,
    ) -> Result<Option<Challenge>, getrandom::Error> {
        let issue = |max_number| self.proof_of_work.challenge(&campaign.id, max_number, now);
        campaign.proof_of_work.map(issue).transpose()
    }

    /// Takes one token from each of two buckets of the client; the second one can be refunded.
    async fn acquire(
        &self,
        client: IpAddr,
        campaign: &str,
        attempts: (&str, Rate),
        reserved: (&str, Rate),
    ) -> Result<Admitted, Denied> {
        let mut admitted = Admitted {
            counters: self.counters.clone(),
            bucket: None,
        };
        if self.is_exempt(client) {
            return Ok(admitted);
        }
        let name = self
            .key
            .pseudonym(&format!("{campaign} {}", rate_limit_key(client)));
        let buckets = [attempts, reserved].map(|(kind, rate)| RateBucket {
            name: format!("{kind}:{name}"),
            rate,
        });
        let acquired = self.counters.acquire(&buckets, Timestamp::now()).await;
        acquired.map_err(|retry_after| {
            self.metrics.limited.with_label_values(&[attempts.0]).inc();
            Denied::RateLimited { retry_after }
        })?;
        let [_, reserved] = buckets;
        admitted.bucket = Some(reserved);
        Ok(admitted)
    }

    /// Returns whether a client is exempt from limits.
    pub fn is_exempt(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.exempt.iter().any(|network| network.contains(&client))
    }

    fn check_bot_signals(
        &self,
        client: IpAddr,
        campaign: &Campaign,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Result<(), Denied> {
        if evidence.honeypot_filled {
            self.metrics.count_bot_signal("filled");
            return Err(Denied::HoneypotFilled);
        }
        let is_timed = evidence.timestamp_required || evidence.form_timestamp.is_some();
        if !is_timed || self.is_exempt(client) {
            return Ok(());
        }
        let timestamp = evidence.form_timestamp.as_deref().unwrap_or_default();
        let verified = self.timestamps.verify(&campaign.id, timestamp, now);
        verified.map_err(|error| {
            let (signal, denied) = match error {
                TimestampError::TooFast(retry_after) => ("early", Denied::TooFast { retry_after }),
                TimestampError::Invalid => ("strange", Denied::FormExpired),
            };
            self.metrics.count_bot_signal(signal);
            denied
        })
    }

    /// Consumes the proof of work where the campaign requires one. A retry, with the same fingerprint, may reuse it.
    async fn consume_proof(
        &self,
        client: IpAddr,
        campaign: &Campaign,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Result<(), Denied> {
        if campaign.proof_of_work.is_none() || self.is_exempt(client) {
            return Ok(());
        }
        let proof = evidence.proof.as_deref();
        let solution = proof.and_then(|proof| self.proof_of_work.verify(&campaign.id, proof, now));
        if let Some(solution) = solution {
            let consumed = self.counters.consume_once(
                &solution.name,
                &evidence.fingerprint,
                solution.expires_at,
                now,
            );
            if consumed.await {
                return Ok(());
            }
        }
        self.metrics.count_bot_signal("work");
        Err(Denied::ProofRequired)
    }
}

impl Reservation<'_> {
    /// Checks bot signals, then consumes the proof of work where the campaign requires one. After a failure the
    /// conflict is refunded.
    pub async fn check(
        self,
        campaign: &Campaign,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Result<Admitted, Denied> {
        let Self {
            admission,
            client,
            token,
        } = self;
        let mut checked = admission.check_bot_signals(client, campaign, evidence, now);
        if checked.is_ok() {
            checked = admission
                .consume_proof(client, campaign, evidence, now)
                .await;
        }
        match checked {
            Ok(()) => Ok(token),
            Err(denied) => {
                token.settle(false).await;
                Err(denied)
            }
        }
    }
}

#[cfg(test)]
mod tests;
