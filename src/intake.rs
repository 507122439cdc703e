//! The one way in: answers judged, photo kept, registration kept, receipt given. Every door (form, API, later gRPC
//! and the queue) comes through here, and what is acknowledged here survives the loss of this process.

pub mod closings;
pub mod mover;
pub mod names;
pub mod photos;
pub mod refusals;
pub mod remover;
pub mod reseal;
pub mod sweep;
pub mod vault;

use bytes::Bytes;
use jiff::Timestamp;
use tracing::warn;

use crate::admission::Admitted;
use crate::config::Secret;
use crate::domain::campaign::Opening;
use crate::domain::moment::to_the_millisecond;
use crate::domain::registration::{PhotoRef, UniqueKey};
use crate::domain::{
    Answers, Campaign, FieldRefusal, Form, IdempotencyKey, Refusal, Registration, RegistrationId,
};
use crate::photo::inspect::{CleanPhoto, PhotoRefusal, inspect};
use crate::store::{Kept, Receipt, Store, StoreError};
use crate::telemetry::metrics::Metrics;
use closings::Closings;
use photos::{KeeperError, PhotoKeeper};
use refusals::Refusals;

/// Photos above this size, in bytes, are inspected off the threads that serve requests.
const LARGE_PHOTO: usize = 256 * 1024;

/// What a door hands in.
#[derive(Debug)]
pub struct Submission {
    /// The texts.
    pub form: Form,
    /// The photo as it was sent.
    pub photo: Option<Bytes>,
    /// The key that every retry of this request carries.
    pub key: IdempotencyKey,
}

/// What was done with a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is registered now.
    New(Receipt),
    /// It was registered before; this is the first receipt.
    Retry(Receipt),
}

/// Why nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The campaign takes nothing now.
    #[error("the campaign is not open")]
    NotOpen {
        /// Until when it takes or took registrations.
        closes_at: Timestamp,
    },
    /// Answers that do not fit.
    #[error("{} answers were refused", .0.len())]
    Refused(Vec<FieldRefusal>),
    /// A photo that does not fit.
    #[error("the photo was refused")]
    Photo(PhotoRefusal),
    /// The identity belongs to a registration with other content.
    #[error("already registered with other content")]
    AlreadyRegistered {
        /// Whether the identity is the request's key, rather than the answer to the unique field.
        by_key: bool,
    },
    /// It was registered, and the staff deleted it.
    #[error("registered before, and deleted")]
    Deleted,
    /// The store did not do it.
    #[error("cannot keep the registration")]
    Store(#[from] StoreError),
    /// Neither the photo store nor the store took the photo.
    #[error("cannot keep the photo")]
    Photos(#[from] KeeperError),
}

impl IntakeError {
    /// Whether the answer reveals that an identity is registered, or was.
    #[must_use]
    pub fn reveals_identity(&self) -> bool {
        matches!(self, Self::AlreadyRegistered { .. } | Self::Deleted)
    }
}

/// The way in.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Where registrations are kept.
    pub store: Store,
    /// Where photos are kept.
    pub photos: PhotoKeeper,
    /// What was closed before its time.
    pub closings: Closings,
    /// From which ids are derived.
    pub secret: Secret,
    /// What is counted.
    pub metrics: Metrics,
    /// What the staff see of those who were turned away.
    pub refusals: Refusals,
}

impl Intake {
    /// Takes an admitted submission in. Doing it again with the same key and content gives the same receipt.
    ///
    /// # Errors
    /// [`IntakeError`]; nothing is registered then.
    pub async fn take(
        &self,
        _: &Admitted,
        campaign: &Campaign,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Accepted, IntakeError> {
        let taken = self.judge_and_keep(campaign, submission, now).await;
        self.metrics
            .registrations
            .with_label_values(&[campaign.id.as_str(), outcome(&taken)])
            .inc();
        if let Err(error) = &taken {
            self.count_reasons(campaign, error, now);
        }
        taken
    }

    fn count_reasons(&self, campaign: &Campaign, error: &IntakeError, now: Timestamp) {
        let count = |reason| {
            let labels = [campaign.id.as_str(), reason];
            self.metrics.refusals.with_label_values(&labels).inc();
            self.refusals.count(campaign, reason, now);
        };
        match error {
            IntakeError::Refused(fields) => fields
                .iter()
                .for_each(|field| count(field.refusal.reason())),
            // The photo's many reasons are for its sender; here one tells enough.
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
            // Under such an identity nothing is kept, nor ever will be.
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

    /// Removes the photo of an attempt that was not registered, unless the kept registration has the same one.
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
            warn!("a photo that belongs to no registration stays: {error}");
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
        extension: photo.format.extension().to_owned(),
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
