//! Accepts registrations: validates answers, stores photo and registration, returns the receipt. Form and API both
//! call this module. An acknowledged registration survives the loss of this process.

pub mod amend;
mod attempt;
pub mod closure_cache;
mod conflict;
pub mod key_ring;
pub mod metrics;
pub mod number;
pub mod photo_deleter;
mod photo_puts;
pub mod photo_repository;
pub mod photo_uploader;
pub mod rejections;
pub mod review;
mod submission;

use std::sync::Arc;

use jiff::Timestamp;

use crate::admission::Admitted;
use crate::batcher::Batcher;
use crate::key::InstallationSecret;
use closure_cache::ClosureCache;
use jornada_domain::{Campaign, RejectionReason};
use jornada_store::{NewRegistration, Store};
use metrics::RegistrationMetrics;
use photo_repository::PhotoRepository;
use rejections::RejectionCounts;

pub use submission::{Submission, SubmitError, SubmitOutcome};

/// Label of a submission that was invalid.
const REFUSED: &str = "refused";
/// Label of a submission that this installation could not take.
const FAILED: &str = "failed";

/// The use case "register": one per process, shared by all transports.
#[derive(Clone, Debug)]
pub struct Registrations {
    /// Reads registrations.
    pub store: Store,
    /// Inserts registrations.
    pub batcher: Batcher<NewRegistration>,
    /// Stores photos.
    pub photos: PhotoRepository,
    /// Campaigns that staff closed early.
    pub closures: ClosureCache,
    /// Key from which ids are derived.
    pub secret: InstallationSecret,
    /// Counters by outcome and reason.
    pub metrics: RegistrationMetrics,
    /// Rejection counts by day, for the staff's overview.
    pub rejections: RejectionCounts,
}

impl Registrations {
    /// Validates and stores an admitted submission. Idempotent: the same key and content return the same receipt.
    pub async fn submit(
        &self,
        _: &Admitted,
        campaign: &Arc<Campaign>,
        submission: Submission,
        now: Timestamp,
    ) -> Result<SubmitOutcome, SubmitError> {
        let taken = self.validate_and_insert(campaign, submission, now).await;
        let reasons = taken.as_ref().err().map(rejection_reasons);
        self.count_outcome(
            campaign,
            outcome_label(&taken),
            &reasons.unwrap_or_default(),
            now,
        );
        taken
    }

    /// Counts a submission that could not be read, for these reasons; none if this installation is at fault.
    pub fn count_unread(&self, campaign: &Campaign, reasons: &[RejectionReason], now: Timestamp) {
        let label = if reasons.is_empty() { FAILED } else { REFUSED };
        self.count_outcome(campaign, label, reasons, now);
    }

    fn count_outcome(
        &self,
        campaign: &Campaign,
        label: &str,
        reasons: &[RejectionReason],
        now: Timestamp,
    ) {
        let id = campaign.id.as_str();
        let attempts = &self.metrics.registrations;
        attempts.with_label_values(&[id, label]).inc();
        for reason in reasons {
            let reason = reason.into();
            self.metrics.refusals.with_label_values(&[id, reason]).inc();
            self.rejections.count(campaign, reason, now);
        }
    }
}

/// Returns why a submission was rejected; nothing if this installation is at fault.
fn rejection_reasons(error: &SubmitError) -> Vec<RejectionReason> {
    match error {
        SubmitError::Invalid(fields) => fields.iter().map(|field| field.error.reason()).collect(),
        SubmitError::InvalidBoth(fields, _) => {
            let fields = fields.iter().map(|field| field.error.reason());
            fields.chain([RejectionReason::Photo]).collect()
        }
        // The sender gets the exact reason; one label is enough for statistics.
        SubmitError::InvalidPhoto(_) => vec![RejectionReason::Photo],
        SubmitError::NotOpen { .. } => vec![RejectionReason::NotOpen],
        SubmitError::AlreadyRegistered {
            is_deleted: true, ..
        } => vec![RejectionReason::Deleted],
        SubmitError::AlreadyRegistered { .. } | SubmitError::ReviewsFull => {
            vec![RejectionReason::AlreadyRegistered]
        }
        SubmitError::Busy | SubmitError::Store(_) | SubmitError::Photos(_) => Vec::new(),
    }
}

fn outcome_label(taken: &Result<SubmitOutcome, SubmitError>) -> &'static str {
    match taken {
        Ok(SubmitOutcome::Registered(_)) => "accepted",
        Ok(SubmitOutcome::SameAgain(_)) => "retried",
        Ok(SubmitOutcome::InReview(_)) => "disputed",
        Err(SubmitError::AlreadyRegistered {
            is_deleted: true, ..
        }) => "deleted",
        Err(SubmitError::AlreadyRegistered { .. } | SubmitError::ReviewsFull) => "taken",
        Err(
            SubmitError::Invalid(_) | SubmitError::InvalidPhoto(_) | SubmitError::InvalidBoth(..),
        ) => REFUSED,
        Err(SubmitError::NotOpen { .. }) => "closed",
        Err(SubmitError::Busy | SubmitError::Store(_) | SubmitError::Photos(_)) => FAILED,
    }
}
