//! Accepts registrations: validates answers, stores photo and registration, returns the receipt. Form and API both
//! call this module. An acknowledged registration survives the loss of this process.

pub mod amend;
pub mod closure_cache;
pub mod key_ring;
pub mod metrics;
pub mod photo_deleter;
mod photo_puts;
pub mod photo_repository;
pub mod photo_uploader;
pub mod rejections;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::admission::Admitted;
use crate::batcher::{BatchError, Batcher};
use crate::key::InstallationSecret;
use closure_cache::ClosureCache;
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::registration::{PhotoRef, UniqueKey};
use jornada_domain::{
    Answers, Campaign, FieldError, FormData, IdempotencyKey, Registration, RegistrationId,
    RejectionReason, ValidationError,
};
use jornada_photo::inspect::{CleanPhoto, InspectionError, inspect};
use jornada_store::{InsertOutcome, NewRegistration, Receipt, Store, StoreError};
use metrics::RegistrationMetrics;
use photo_puts::PhotoPut;
use photo_repository::{PhotoError, PhotoRepository};
use rejections::RejectionCounts;

/// Label of a submission that was invalid.
const REFUSED: &str = "refused";
/// Label of a submission that this installation could not take.
const FAILED: &str = "failed";

/// A request to register, over any transport.
#[derive(Debug)]
pub struct Submission {
    /// The field values.
    pub form: FormData,
    /// The photo as sent.
    pub photo: Option<Bytes>,
    /// Identifies the request: every retry carries the same key.
    pub key: IdempotencyKey,
}

/// The result of a successful submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// Registered now.
    Registered(Receipt),
    /// Registered by an earlier attempt with the same content; carries the first receipt.
    SameAgain(Receipt),
}

/// A submission that was not registered.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The campaign does not accept registrations now.
    #[error("the campaign is not open")]
    NotOpen {
        /// When it closes or closed.
        closes_at: Timestamp,
    },
    /// Invalid answers.
    #[error("invalid answers: {}", .0.len())]
    Invalid(Vec<FieldError>),
    /// An invalid photo.
    #[error("invalid photo")]
    InvalidPhoto(InspectionError),
    /// Invalid answers and an invalid photo.
    #[error("invalid answers and photo: {}", .0.len())]
    InvalidBoth(Vec<FieldError>, InspectionError),
    /// The identity belongs, or belonged, to a registration with different content.
    #[error("already registered with different content")]
    AlreadyRegistered {
        /// True if the identity is the request's key, false if it is the answer to the unique field.
        by_key: bool,
        /// Whether that registration was deleted. For statistics alone: the client must not learn it.
        is_deleted: bool,
    },
    /// Too many registrations wait for the store.
    #[error("too many registrations wait for the store")]
    Busy,
    /// The store failed.
    #[error("cannot store the registration")]
    Store(#[from] StoreError),
    /// The photo could be neither stored nor buffered.
    #[error("cannot store the photo")]
    Photos(#[from] PhotoError),
}

impl SubmitError {
    /// Whether the answer reveals that an identity is registered, or was.
    pub fn reveals_identity(&self) -> bool {
        matches!(self, Self::AlreadyRegistered { .. })
    }
}

impl From<BatchError> for SubmitError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Busy => Self::Busy,
            BatchError::Store(error) => Self::Store(error),
        }
    }
}

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

    async fn validate_and_insert(
        &self,
        campaign: &Arc<Campaign>,
        submission: Submission,
        now: Timestamp,
    ) -> Result<SubmitOutcome, SubmitError> {
        let Submission { form, photo, key } = submission;
        let answers = match self.validate(campaign, &form, now) {
            Err(SubmitError::Invalid(errors)) => {
                return Err(judge_photo_too(campaign, errors, photo).await);
            }
            judged => judged?,
        };
        let in_progress = self.batcher.announce();
        let photo = inspect_photo(campaign, photo).await?;
        let unique = campaign.unique_key(&answers, key);
        let id = RegistrationId::derive(self.secret.expose(), &campaign.id, &unique);
        let registration = build_registration(campaign, id, answers, photo.as_ref(), now);
        let put = self.store_photo(&registration, photo).await?;
        let receipt = |received_at| build_receipt(&registration, received_at);
        let record = NewRegistration {
            campaign: Arc::clone(campaign),
            registration: registration.clone(),
        };
        drop(in_progress);
        let inserted = self.batcher.insert(record).await;
        if matches!(inserted, Err(BatchError::Busy)) {
            // It was never queued: no registration can refer to the photo.
            self.remove_photo(&registration, put).await;
            return Err(SubmitError::Busy);
        }
        match inserted? {
            InsertOutcome::Inserted => {
                resolve_stored(put);
                Ok(SubmitOutcome::Registered(receipt(registration.received_at)))
            }
            InsertOutcome::SameAgain(first) => {
                if first == registration.received_at {
                    resolve_stored(put);
                } else {
                    // The registration refers to the photo of its first attempt.
                    self.remove_photo(&registration, put).await;
                }
                Ok(SubmitOutcome::SameAgain(receipt(first)))
            }
            conflict @ (InsertOutcome::Conflict
            | InsertOutcome::AliasTaken
            | InsertOutcome::Deleted) => {
                self.remove_unreferenced_photo(campaign, &registration, put, &conflict)
                    .await;
                Err(SubmitError::AlreadyRegistered {
                    by_key: matches!(unique, UniqueKey::Request(_)),
                    is_deleted: conflict == InsertOutcome::Deleted,
                })
            }
        }
    }

    fn validate(
        &self,
        campaign: &Campaign,
        form: &FormData,
        now: Timestamp,
    ) -> Result<Answers, SubmitError> {
        if self.closures.status(campaign, now) != CampaignStatus::Open {
            let closes_at = self.closures.closes_at(campaign);
            return Err(SubmitError::NotOpen { closes_at });
        }
        campaign.validate(form).map_err(SubmitError::Invalid)
    }

    async fn store_photo(
        &self,
        registration: &Registration,
        photo: Option<CleanPhoto>,
    ) -> Result<Option<PhotoPut>, SubmitError> {
        let Some((photo, known)) = photo.zip(registration.photo.as_ref()) else {
            return Ok(None);
        };
        let bytes = u32::try_from(photo.bytes.len()).unwrap_or(u32::MAX);
        self.metrics.photo_bytes.observe(f64::from(bytes));
        let put = self.photos.put(registration, known, photo.bytes).await?;
        Ok(Some(put))
    }

    /// Removes the photo of a rejected attempt, unless the registration came with the same photo in the same millisecond.
    /// Reads the registration whatever the conflict, so that the time tells nothing.
    async fn remove_unreferenced_photo(
        &self,
        campaign: &Arc<Campaign>,
        attempt: &Registration,
        put: Option<PhotoPut>,
        conflict: &InsertOutcome,
    ) {
        let Some(put) = put else { return };
        match self.store.registration(campaign, attempt.id).await {
            Ok(Some(stored))
                if stored.photo == attempt.photo && stored.received_at == attempt.received_at =>
            {
                put.resolve_stored();
            }
            Ok(Some(_)) => self.remove_photo(attempt, Some(put)).await,
            // No registration exists under this id, nor can one be inserted later.
            Ok(None) if *conflict != InsertOutcome::Conflict => {
                self.remove_photo(attempt, Some(put)).await;
            }
            // Unknown: the put stays unresolved.
            Ok(None) | Err(_) => {}
        }
    }

    async fn remove_photo(&self, attempt: &Registration, put: Option<PhotoPut>) {
        let Some((photo, put)) = attempt.photo.as_ref().zip(put) else {
            return;
        };
        if let Err(error) = self.photos.remove_attempt(attempt, photo, put).await {
            warn!("cannot remove an orphaned photo, leaving it to the sweep: {error}");
        }
    }
}

fn resolve_stored(put: Option<PhotoPut>) {
    put.into_iter().for_each(PhotoPut::resolve_stored);
}

/// Inspects the photo of a submission with invalid answers, so that the person learns of every mistake at once.
async fn judge_photo_too(
    campaign: &Campaign,
    errors: Vec<FieldError>,
    photo: Option<Bytes>,
) -> SubmitError {
    match inspect_photo(campaign, photo).await {
        Err(SubmitError::InvalidPhoto(photo)) => SubmitError::InvalidBoth(errors, photo),
        _ => SubmitError::Invalid(errors),
    }
}

async fn inspect_photo(
    campaign: &Campaign,
    photo: Option<Bytes>,
) -> Result<Option<CleanPhoto>, SubmitError> {
    let Some(bytes) = photo else { return Ok(None) };
    if campaign.photo_field().is_none() {
        let error = FieldError::new("photo", ValidationError::UnknownField);
        return Err(SubmitError::Invalid(vec![error]));
    }
    let inspected = spawn_blocking(move || inspect(bytes)).await;
    let photo = inspected.unwrap_or(Err(InspectionError::Damaged));
    photo.map(Some).map_err(SubmitError::InvalidPhoto)
}

fn build_registration(
    campaign: &Campaign,
    id: RegistrationId,
    answers: Answers,
    photo: Option<&CleanPhoto>,
    now: Timestamp,
) -> Registration {
    let photo = photo.map(|photo| PhotoRef {
        sha256: photo.sha256,
        format: photo.format,
        bytes: photo.bytes.len() as u64,
    });
    Registration {
        id,
        campaign: campaign.id.clone(),
        tally_value: campaign.tally_value(&answers),
        digest: answers.digest(campaign, photo.as_ref().map(|photo| &photo.sha256)),
        answers,
        photo,
        received_at: truncate_to_ms(now),
    }
}

fn build_receipt(registration: &Registration, received_at: Timestamp) -> Receipt {
    Receipt {
        id: registration.id,
        campaign: registration.campaign.clone(),
        tally_value: registration.tally_value.clone(),
        received_at,
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
        SubmitError::AlreadyRegistered { .. } => vec![RejectionReason::AlreadyRegistered],
        SubmitError::Busy | SubmitError::Store(_) | SubmitError::Photos(_) => Vec::new(),
    }
}

fn outcome_label(taken: &Result<SubmitOutcome, SubmitError>) -> &'static str {
    match taken {
        Ok(SubmitOutcome::Registered(_)) => "accepted",
        Ok(SubmitOutcome::SameAgain(_)) => "retried",
        Err(SubmitError::AlreadyRegistered {
            is_deleted: true, ..
        }) => "deleted",
        Err(SubmitError::AlreadyRegistered { .. }) => "taken",
        Err(
            SubmitError::Invalid(_) | SubmitError::InvalidPhoto(_) | SubmitError::InvalidBoth(..),
        ) => REFUSED,
        Err(SubmitError::NotOpen { .. }) => "closed",
        Err(SubmitError::Busy | SubmitError::Store(_) | SubmitError::Photos(_)) => FAILED,
    }
}
