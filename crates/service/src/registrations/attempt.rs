//! One attempt to register: validates the answers, stores photo and registration.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tracing::warn;

use super::Registrations;
use super::conflict::{Conflict, receipt_of};
use super::number::MAX_IDS;
use super::photo_puts::{PhotoPut, resolve_stored};
use super::submission::{Submission, SubmitError, SubmitOutcome};
use crate::batcher::{BatchError, SubmissionInProgress};
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::registration::{PhotoRef, UniqueKey};
use jornada_domain::{
    Answers, Campaign, FieldError, FormData, Registration, RegistrationId, ValidationError,
};
use jornada_photo::inspect::{CleanPhoto, InspectionError, inspect};
use jornada_store::{InsertOutcome, NewRegistration, Receipt};

impl Registrations {
    /// Validates a submission and inserts it under the first id of its number that is not vacated.
    pub(super) async fn validate_and_insert(
        &self,
        campaign: &Arc<Campaign>,
        submission: Submission,
        now: Timestamp,
    ) -> Result<SubmitOutcome, SubmitError> {
        let Submission {
            form,
            photo,
            key,
            wants_review,
        } = submission;
        let answers = match self.validate(campaign, &form, now) {
            Err(SubmitError::Invalid(errors)) => {
                return Err(judge_photo_too(campaign, errors, photo).await);
            }
            judged => judged?,
        };
        let mut in_progress = Some(self.batcher.announce());
        let photo = inspect_photo(campaign, photo).await?;
        let unique = campaign.unique_key(&answers, key);
        let secret = self.secret.expose();
        let id = RegistrationId::derive(secret, &campaign.id, &unique);
        let mut registration = build_registration(campaign, id, answers, photo.as_ref(), now);
        let mut outcome = InsertOutcome::Vacated;
        for _ in 0..MAX_IDS {
            let photo = photo.as_ref();
            let inserted = self.insert(campaign, &registration, photo, in_progress.take());
            outcome = inserted.await?;
            if outcome != InsertOutcome::Vacated {
                break;
            }
            registration.id = registration.id.next_of_number(secret, &campaign.id);
        }
        let receipt = |received_at| Receipt {
            received_at,
            ..receipt_of(&registration)
        };
        match outcome {
            InsertOutcome::Inserted => Ok(SubmitOutcome::Registered(receipt_of(&registration))),
            InsertOutcome::SameAgain(first) => Ok(SubmitOutcome::SameAgain(receipt(first))),
            conflict => {
                let conflict = Conflict {
                    number: matches!(unique, UniqueKey::Answer(_)).then_some(id),
                    is_deleted: conflict == InsertOutcome::Deleted,
                    registration,
                    photo,
                };
                self.answer_conflict(campaign, conflict, wants_review).await
            }
        }
    }

    /// Stores the photo and inserts the registration. Removes the photo unless the registration refers to it.
    async fn insert(
        &self,
        campaign: &Arc<Campaign>,
        registration: &Registration,
        photo: Option<&CleanPhoto>,
        in_progress: Option<SubmissionInProgress<NewRegistration>>,
    ) -> Result<InsertOutcome, SubmitError> {
        let put = self.store_photo(registration, photo).await?;
        let record = NewRegistration {
            campaign: Arc::clone(campaign),
            registration: registration.clone(),
        };
        drop(in_progress);
        let inserted = self.batcher.insert(record).await;
        if matches!(inserted, Err(BatchError::Busy)) {
            // It was never queued: no registration can refer to the photo.
            self.remove_photo(registration, put).await;
            return Err(SubmitError::Busy);
        }
        let outcome = inserted?;
        match &outcome {
            InsertOutcome::Inserted => resolve_stored(put),
            InsertOutcome::SameAgain(first) if *first == registration.received_at => {
                resolve_stored(put);
            }
            // The registration refers to the photo of its first attempt.
            InsertOutcome::SameAgain(_) => self.remove_photo(registration, put).await,
            conflict => {
                self.remove_unreferenced_photo(campaign, registration, put, conflict)
                    .await;
            }
        }
        Ok(outcome)
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

    pub(super) async fn store_photo(
        &self,
        registration: &Registration,
        photo: Option<&CleanPhoto>,
    ) -> Result<Option<PhotoPut>, SubmitError> {
        let Some((photo, known)) = photo.zip(registration.photo.as_ref()) else {
            return Ok(None);
        };
        let bytes = u32::try_from(photo.bytes.len()).unwrap_or(u32::MAX);
        self.metrics.photo_bytes.observe(f64::from(bytes));
        let stored = self.photos.put(registration, known, photo.bytes.clone());
        let put = stored.await?;
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

    pub(super) async fn remove_photo(&self, attempt: &Registration, put: Option<PhotoPut>) {
        let Some((photo, put)) = attempt.photo.as_ref().zip(put) else {
            return;
        };
        if let Err(error) = self.photos.remove_attempt(attempt, photo, put).await {
            warn!("cannot remove an orphaned photo, leaving it to the sweep: {error}");
        }
    }
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
