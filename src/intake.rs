//! Accepts registrations: validates answers, stores photo and registration, returns the receipt. Form, API, gRPC and
//! the queue all call this module. An acknowledged registration survives the loss of this process.

pub mod amend;
pub mod closings;
pub mod metrics;
pub mod mover;
pub mod photos;
pub mod refusals;
pub mod remover;
pub mod vault;

use bytes::Bytes;
use jiff::Timestamp;
use tracing::warn;

use crate::admission::Admitted;
use crate::domain::campaign::Opening;
use crate::domain::moment::to_the_millisecond;
use crate::domain::registration::{PhotoRef, UniqueKey};
use crate::domain::{
    Answers, Campaign, FieldRefusal, Form, IdempotencyKey, Refusal, Registration, RegistrationId,
};
use crate::key::Secret;
use crate::photo::inspect::{CleanPhoto, PhotoRefusal, inspect};
use crate::store::{Kept, Receipt, Store, StoreError};
use closings::Closings;
use metrics::RegistrationMetrics;
use photos::{KeeperError, PhotoKeeper};
use refusals::Refusals;

/// Photos above this size, in bytes, are inspected on a blocking thread.
const LARGE_PHOTO: usize = 256 * 1024;

/// A request to register, from any door.
#[derive(Debug)]
pub struct Submission {
    /// The field values.
    pub form: Form,
    /// The photo as sent.
    pub photo: Option<Bytes>,
    /// Identifies the request: every retry carries the same key.
    pub key: IdempotencyKey,
}

/// The result of a successful submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Registered now.
    New(Receipt),
    /// Registered by an earlier attempt with the same content; carries the first receipt.
    Retry(Receipt),
}

/// A submission that was not registered.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The campaign does not accept registrations now.
    #[error("the campaign is not open")]
    NotOpen {
        /// When it closes or closed.
        closes_at: Timestamp,
    },
    /// Invalid answers.
    #[error("invalid answers: {}", .0.len())]
    Refused(Vec<FieldRefusal>),
    /// An invalid photo.
    #[error("invalid photo")]
    Photo(PhotoRefusal),
    /// The identity belongs to a registration with different content.
    #[error("already registered with different content")]
    AlreadyRegistered {
        /// True if the identity is the request's key, false if it is the answer to the unique field.
        by_key: bool,
    },
    /// The staff deleted this registration.
    #[error("registered earlier, then deleted")]
    Deleted,
    /// The store failed.
    #[error("cannot store the registration")]
    Store(#[from] StoreError),
    /// The photo could be neither stored nor buffered.
    #[error("cannot store the photo")]
    Photos(#[from] KeeperError),
}

impl IntakeError {
    /// Whether the answer reveals that an identity is registered, or was.
    #[must_use]
    pub fn reveals_identity(&self) -> bool {
        matches!(self, Self::AlreadyRegistered { .. } | Self::Deleted)
    }
}

/// The use case "register": one per process, shared by all doors.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Stores registrations.
    pub store: Store,
    /// Stores photos.
    pub photos: PhotoKeeper,
    /// Campaigns that staff closed early.
    pub closings: Closings,
    /// Key from which ids are derived.
    pub secret: Secret,
    /// Counters by outcome and reason.
    pub metrics: RegistrationMetrics,
    /// Rejection counts by day, for the staff's overview.
    pub refusals: Refusals,
}

impl Intake {
    /// Validates and stores an admitted submission. Idempotent: the same key and content return the same receipt.
    pub async fn take(
        &self,
        _: &Admitted,
        campaign: &Campaign,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Accepted, IntakeError> {
        let taken = self.judge_and_keep(campaign, submission, now).await;
        self.metrics.attempted(&campaign.id, outcome(&taken));
        if let Err(error) = &taken {
            self.count_reasons(campaign, error, now);
        }
        taken
    }

    fn count_reasons(&self, campaign: &Campaign, error: &IntakeError, now: Timestamp) {
        let count = |reason| {
            self.metrics.refused(&campaign.id, reason);
            self.refusals.count(campaign, reason, now);
        };
        match error {
            IntakeError::Refused(fields) => fields
                .iter()
                .for_each(|field| count(field.refusal.reason())),
            // The sender gets the exact reason; one label is enough for statistics.
            IntakeError::Photo(_) => count("photo"),
            IntakeError::NotOpen { .. } => count("not-open"),
            IntakeError::AlreadyRegistered { .. } => count("already-registered"),
            IntakeError::Deleted => count("deleted"),
            IntakeError::Store(_) | IntakeError::Photos(_) => {}
        }
    }

    async fn judge_and_keep(
        &self,
        campaign: &Campaign,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Accepted, IntakeError> {
        let Submission { form, photo, key } = submission;
        let answers = self.judge(campaign, &form, now)?;
        let photo = clean(campaign, photo).await?;
        let unique = campaign.unique_key(&answers, key);
        let id = RegistrationId::derive(self.secret.expose(), &campaign.id, &unique);
        let registration = registration(campaign, id, answers, photo.as_ref(), now);
        self.keep_photo(&registration, photo).await?;
        match self.store.keep(campaign, &registration).await? {
            Kept::New => Ok(Accepted::New(receipt(
                &registration,
                registration.received_at,
            ))),
            Kept::Retry(first) => Ok(Accepted::Retry(receipt(&registration, first))),
            Kept::Taken => {
                self.drop_other_photo(campaign, &registration).await;
                Err(already(&unique))
            }
            // No registration exists under this id, nor can one be inserted later: the photo is not referenced.
            Kept::Claimed => {
                self.drop_photo(&registration).await;
                Err(already(&unique))
            }
            Kept::Gone => {
                self.drop_photo(&registration).await;
                Err(IntakeError::Deleted)
            }
        }
    }

    fn judge(
        &self,
        campaign: &Campaign,
        form: &Form,
        now: Timestamp,
    ) -> Result<Answers, IntakeError> {
        if self.closings.opening(campaign, now) != Opening::Open {
            let closes_at = self.closings.end(campaign);
            return Err(IntakeError::NotOpen { closes_at });
        }
        campaign.admit(form).map_err(IntakeError::Refused)
    }

    async fn keep_photo(
        &self,
        registration: &Registration,
        photo: Option<CleanPhoto>,
    ) -> Result<(), IntakeError> {
        let Some((photo, known)) = photo.zip(registration.photo.as_ref()) else {
            return Ok(());
        };
        self.metrics.photo_kept(photo.bytes.len());
        let Registration { campaign, id, .. } = registration;
        self.photos.keep(campaign, *id, known, photo.bytes).await?;
        Ok(())
    }

    /// Removes the photo of a rejected attempt, unless the stored registration has the same photo.
    async fn drop_other_photo(&self, campaign: &Campaign, attempt: &Registration) {
        if attempt.photo.is_none() {
            return;
        }
        let kept = self.store.registration(campaign, attempt.id).await;
        if matches!(&kept, Ok(Some(kept)) if kept.photo != attempt.photo) {
            self.drop_photo(attempt).await;
        }
    }

    async fn drop_photo(&self, attempt: &Registration) {
        let Some(photo) = &attempt.photo else {
            return;
        };
        let Registration { campaign, id, .. } = attempt;
        if let Err(error) = self.photos.remove(campaign, *id, photo).await {
            warn!("cannot remove an orphaned photo, leaving it to the sweep: {error}");
        }
    }
}

fn already(unique: &UniqueKey) -> IntakeError {
    IntakeError::AlreadyRegistered {
        by_key: matches!(unique, UniqueKey::Request(_)),
    }
}

async fn clean(
    campaign: &Campaign,
    photo: Option<Bytes>,
) -> Result<Option<CleanPhoto>, IntakeError> {
    let Some(bytes) = photo else { return Ok(None) };
    if campaign.photo().is_none() {
        return Err(IntakeError::Refused(vec![FieldRefusal::new(
            "photo",
            Refusal::NotAsked,
        )]));
    }
    let inspected = if bytes.len() > LARGE_PHOTO {
        let off_thread = tokio::task::spawn_blocking(move || inspect(bytes)).await;
        off_thread.unwrap_or(Err(PhotoRefusal::Damaged))
    } else {
        inspect(bytes)
    };
    inspected.map(Some).map_err(IntakeError::Photo)
}

fn registration(
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
        value: campaign.value(&answers),
        digest: answers.digest(campaign, photo.as_ref().map(|photo| &photo.sha256)),
        answers,
        photo,
        received_at: to_the_millisecond(now),
    }
}

fn receipt(registration: &Registration, received_at: Timestamp) -> Receipt {
    Receipt {
        id: registration.id,
        campaign: registration.campaign.clone(),
        value: registration.value.clone(),
        received_at,
    }
}

fn outcome(taken: &Result<Accepted, IntakeError>) -> &'static str {
    match taken {
        Ok(Accepted::New(_)) => "accepted",
        Ok(Accepted::Retry(_)) => "retried",
        Err(IntakeError::AlreadyRegistered { .. }) => "taken",
        Err(IntakeError::Refused(_) | IntakeError::Photo(_)) => "refused",
        Err(IntakeError::Deleted) => "deleted",
        Err(IntakeError::NotOpen { .. }) => "closed",
        Err(IntakeError::Store(_) | IntakeError::Photos(_)) => "failed",
    }
}
