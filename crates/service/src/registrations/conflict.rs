//! Answers submissions whose number somebody sent before: with the receipt of an earlier attempt, a rejection, or a
//! dispute that staff decide.

use std::sync::Arc;

use super::Registrations;
use super::number::{Holder, find_holder};
use super::photo_puts::resolve_stored;
use super::submission::{SubmitError, SubmitOutcome};
use jornada_domain::dispute::{Dispute, DisputeReceipt, DisputeState};
use jornada_domain::{Campaign, Registration, RegistrationId};
use jornada_photo::inspect::CleanPhoto;
use jornada_store::{DisputeOutcome, Receipt};

/// A submission that was not inserted.
pub(super) struct Conflict {
    /// First id of its number; `None` if its identity is the key of the request.
    pub(super) number: Option<RegistrationId>,
    pub(super) is_deleted: bool,
    pub(super) registration: Registration,
    pub(super) photo: Option<CleanPhoto>,
}

impl Registrations {
    /// Answers a conflict. Reads the same whatever has the number, so that the time tells nothing.
    pub(super) async fn answer_conflict(
        &self,
        campaign: &Arc<Campaign>,
        conflict: Conflict,
        wants_review: bool,
    ) -> Result<SubmitOutcome, SubmitError> {
        let rejection = SubmitError::AlreadyRegistered {
            by_key: conflict.number.is_none(),
            is_deleted: conflict.is_deleted,
        };
        let Some(number) = conflict.number else {
            return Err(rejection);
        };
        let registration = conflict.registration;
        let digest = &registration.digest;
        let id = number.of_dispute(self.secret.expose(), &campaign.id, digest);
        if let Some(kept) = self.store.registration(campaign, id).await? {
            return Ok(SubmitOutcome::SameAgain(receipt_of(&kept)));
        }
        let disputed = Registration { id, ..registration };
        if let Some(known) = self.store.dispute_receipt_of(id).await? {
            return answer_known(&disputed, &known).ok_or(rejection);
        }
        // Content that was kept once and then deleted stays refused.
        if !wants_review || self.store.deletion(&campaign.id, id).await?.is_some() {
            return Err(rejection);
        }
        let holder = find_holder(&self.store, &self.secret, campaign, number).await?;
        let dispute = Dispute {
            rival_value: rival_value(&holder.holder, &disputed),
            registration: disputed,
            consent: campaign.consent_version(),
            number,
        };
        self.insert_dispute(campaign, dispute, conflict.photo.as_ref(), rejection)
            .await
    }

    /// Stores the photo and inserts the dispute. Removes the photo unless the dispute refers to it.
    async fn insert_dispute(
        &self,
        campaign: &Arc<Campaign>,
        dispute: Dispute,
        photo: Option<&CleanPhoto>,
        rejection: SubmitError,
    ) -> Result<SubmitOutcome, SubmitError> {
        let disputed = &dispute.registration;
        let put = self.store_photo(disputed, photo).await?;
        match self.store.insert_dispute(campaign, &dispute).await? {
            DisputeOutcome::Inserted => {
                resolve_stored(put);
                Ok(SubmitOutcome::InReview(receipt_of(disputed)))
            }
            DisputeOutcome::SameAgain(known) => {
                if known.received_at == disputed.received_at {
                    resolve_stored(put);
                } else {
                    self.remove_photo(disputed, put).await;
                }
                answer_known(disputed, &known).ok_or(rejection)
            }
            DisputeOutcome::Full => {
                self.remove_photo(disputed, put).await;
                Err(SubmitError::ReviewsFull)
            }
        }
    }
}

/// Returns the answer to content that was disputed before; `None` if it was erased.
fn answer_known(disputed: &Registration, known: &DisputeReceipt) -> Option<SubmitOutcome> {
    let receipt = Receipt {
        received_at: known.received_at,
        ..receipt_of(disputed)
    };
    (known.state != DisputeState::Erased).then_some(SubmitOutcome::InReview(receipt))
}

/// Returns the value of what has the number, or that of the dispute if nothing has it any more.
fn rival_value(holder: &Holder, disputed: &Registration) -> String {
    match holder {
        Holder::Nobody => disputed.tally_value.clone(),
        Holder::Registration(history) | Holder::Former { history, .. } => {
            history.registration.tally_value.clone()
        }
        Holder::Deleted { deletion, .. } => deletion.tally_value.clone(),
    }
}

/// Returns the receipt of a registration.
pub(super) fn receipt_of(registration: &Registration) -> Receipt {
    Receipt {
        id: registration.id,
        campaign: registration.campaign.clone(),
        tally_value: registration.tally_value.clone(),
        received_at: registration.received_at,
    }
}
