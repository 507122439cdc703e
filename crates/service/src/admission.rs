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
mod refusal;
mod reservation;
mod returned;
mod timestamp;

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

pub use counters::AbuseCounters;
pub use evidence::{
    Evidence, HONEYPOT_FIELD, HiddenFields, REVIEW_FIELD, TIMESTAMP_FIELD, fingerprint, take_part,
};
pub use rate::{RateLimits, rate_limit_key};
pub use reservation::Admitted;

use crate::key::{DerivedKey, InstallationSecret};
use jornada_domain::{Campaign, CampaignId};
use local::LocalCounters;
use metrics::AbuseMetrics;
use proof_of_work::{Challenge, ProofOfWork};
use rate::{Rate, RateBucket};
use refusal::{ProofUse, Refusal};
use timestamp::{FormTimestamps, TimestampError};

/// Corrections of numbers by one account or token.
const CORRECTIONS: Rate = Rate::new(600, 600);
/// Rate of corrections to a number that is taken, which reveal that it is registered.
const TAKEN: Rate = Rate::new(10, 1);

/// Checks clients and submissions before they are processed.
#[derive(Debug)]
pub struct Admission {
    counters: AbuseCounters,
    key: DerivedKey,
    exempt: Vec<IpNet>,
    limits: RateLimits,
    timestamps: FormTimestamps,
    proof_of_work: ProofOfWork,
    /// Votes are counted in this process alone: a call to Redis for each would cost more than the vote.
    votes: LocalCounters,
    metrics: AbuseMetrics,
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
            votes: LocalCounters::default(),
            metrics,
        }
    }

    /// Counts a registration attempt, reserves one conflict (an answer that reveals a known identity), checks bot signals
    /// and consumes the proof of work where the campaign requires one. A submission without `evidence` is incomplete and
    /// only counted.
    ///
    /// A client without conflicts left cannot register at all, because the denial itself would reveal the identity.
    ///
    /// # Errors
    /// The first of: rate limit, bot signals, proof of work. Only the first one leaves the attempt uncounted.
    pub async fn admit(
        &self,
        campaign: &Campaign,
        client: IpAddr,
        evidence: Option<&Evidence>,
        now: Timestamp,
    ) -> Result<Admitted, Denied> {
        // Checked first and reported last, so that tokens and proof take one call to Redis.
        let checked = evidence.map_or(Ok(None), |evidence| {
            self.check(client, campaign, evidence, now)
        });
        let attempts = if evidence.is_some_and(|evidence| evidence.wants_review) {
            ("reviews", self.limits.reviews)
        } else {
            ("registrations", self.limits.registrations)
        };
        let conflicts = ("conflicts", self.limits.conflicts);
        let proof = checked.as_ref().ok().and_then(Option::as_ref);
        let id = campaign.id.as_str();
        let admitted = self.acquire(client, id, [attempts, conflicts], proof, now);
        let admitted = admitted.await?;
        match checked {
            Ok(_) => Ok(admitted),
            Err(denied) => Err(self.count_bot_signal(denied)),
        }
    }

    /// Counts votes that a client sends without a token.
    pub fn admit_votes(
        &self,
        campaign: &CampaignId,
        client: IpAddr,
        votes: usize,
        now: Timestamp,
    ) -> Result<(), Denied> {
        if self.is_exempt(client) {
            return Ok(());
        }
        let who = format!("{campaign} {}", rate_limit_key(client));
        let bucket = RateBucket {
            name: self.key.pseudonym(&who),
            rate: self.limits.votes,
        };
        let tokens = u32::try_from(votes).unwrap_or(u32::MAX);
        let acquired = self.votes.acquire_many(&bucket, tokens, now);
        acquired.map_err(|retry_after| {
            self.metrics.limited.with_label_values(&["votes"]).inc();
            Denied::RateLimited { retry_after }
        })
    }

    /// Counts a receipt lookup and reserves one miss.
    pub async fn admit_lookup(&self, client: IpAddr) -> Result<Admitted, Denied> {
        let lookups = ("receipts", self.limits.receipts);
        let misses = ("misses", self.limits.misses);
        let now = Timestamp::now();
        self.acquire(client, "", [lookups, misses], None, now).await
    }

    /// Counts a correction of a number by this actor, and reserves one that is taken.
    pub async fn admit_correction(&self, actor: &str) -> Result<Admitted, Denied> {
        let (name, now) = (self.key.pseudonym(actor), Timestamp::now());
        let rates = [("corrections", CORRECTIONS), ("taken", TAKEN)];
        self.acquire_named(&name, rates, None, now).await
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

    /// Returns the counters, for the background task that returns unused tokens.
    pub fn counters(&self) -> &AbuseCounters {
        &self.counters
    }

    /// Takes one token from each of two buckets of the client, and consumes the proof. The second token can be refunded.
    async fn acquire(
        &self,
        client: IpAddr,
        campaign: &str,
        rates: [(&str, Rate); 2],
        proof: Option<&ProofUse>,
        now: Timestamp,
    ) -> Result<Admitted, Denied> {
        if self.is_exempt(client) {
            return Ok(Admitted::new(self.counters.clone(), None));
        }
        let who = format!("{campaign} {}", rate_limit_key(client));
        let name = self.key.pseudonym(&who);
        self.acquire_named(&name, rates, proof, now).await
    }

    async fn acquire_named(
        &self,
        name: &str,
        rates: [(&str, Rate); 2],
        proof: Option<&ProofUse>,
        now: Timestamp,
    ) -> Result<Admitted, Denied> {
        let counters = self.counters.clone();
        let buckets = rates.map(|(kind, rate)| RateBucket {
            name: format!("{kind}:{name}"),
            rate,
        });
        let (admitted, from) = counters.admit(&buckets, proof, now).await;
        if let Err(Refusal::Empty(retry_after)) = admitted {
            let [(what, _), _] = rates;
            self.metrics.limited.with_label_values(&[what]).inc();
            return Err(Denied::RateLimited { retry_after });
        }
        let [_, reserved] = buckets;
        let reserved = Admitted::new(counters, Some((reserved, from)));
        match admitted {
            Ok(()) => Ok(reserved),
            Err(_) => Err(self.count_bot_signal(Denied::ProofRequired)),
        }
    }

    /// Returns whether a client is exempt from limits.
    pub fn is_exempt(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.exempt.iter().any(|network| network.contains(&client))
    }

    /// Checks bot signals, and the proof of work where the campaign requires one. Returns the proof to be consumed.
    fn check(
        &self,
        client: IpAddr,
        campaign: &Campaign,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Result<Option<ProofUse>, Denied> {
        if evidence.honeypot_filled {
            return Err(Denied::HoneypotFilled);
        }
        if self.is_exempt(client) {
            return Ok(None);
        }
        if evidence.timestamp_required || evidence.form_timestamp.is_some() {
            let timestamp = evidence.form_timestamp.as_deref().unwrap_or_default();
            let verified = self.timestamps.verify(&campaign.id, timestamp, now);
            verified.map_err(|error| match error {
                TimestampError::TooFast(retry_after) => Denied::TooFast { retry_after },
                TimestampError::Invalid => Denied::FormExpired,
            })?;
        }
        if campaign.proof_of_work.is_none() {
            return Ok(None);
        }
        let proof = evidence.proof.as_deref();
        let solution = proof.and_then(|proof| self.proof_of_work.verify(&campaign.id, proof, now));
        let solution = solution.ok_or(Denied::ProofRequired)?;
        Ok(Some(ProofUse {
            name: solution.name,
            consumer: evidence.fingerprint.clone(),
            expires_at: solution.expires_at,
        }))
    }

    fn count_bot_signal(&self, denied: Denied) -> Denied {
        let signal = match denied {
            Denied::HoneypotFilled => "filled",
            Denied::TooFast { .. } => "early",
            Denied::FormExpired => "strange",
            Denied::ProofRequired => "work",
            Denied::RateLimited { .. } => return denied,
        };
        self.metrics.count_bot_signal(signal);
        denied
    }
}

#[cfg(test)]
mod tests;
