//! Decides disputes: keeps the registration that has the number, or the submission that came later. Each step may be
//! repeated after a failure, and the dispute is removed last, so that nothing of it is lost.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::warn;

use super::amend;
use super::number::{Holder, NumberState, find_holder};
use super::photo_repository::PhotoRepository;
use crate::key::InstallationSecret;
use jornada_domain::Campaign;
use jornada_domain::dispute::{Dispute, DisputeEnd};
use jornada_domain::history::DeletionCause;
use jornada_store::{InsertOutcome, NewRegistration, Store, StoreError, UpdateOutcome};

/// Stores that a decision changes.
#[derive(Clone, Copy, Debug)]
pub struct ReviewContext<'a> {
    /// Registrations and disputes.
    pub store: &'a Store,
    /// Photos.
    pub photos: &'a PhotoRepository,
    /// Key from which ids are derived.
    pub secret: &'a InstallationSecret,
    /// Campaign of the dispute.
    pub campaign: &'a Arc<Campaign>,
}

/// A decision for a dispute.
#[derive(Clone, Debug)]
pub struct Decision {
    /// [Version](Holder::version) of the holder that was compared with the dispute.
    pub seen: String,
    /// Actor.
    pub by: String,
    /// Reason given.
    pub reason: String,
    /// Time.
    pub at: Timestamp,
}

impl ReviewContext<'_> {
    /// Keeps the disputed submission: the holder of the number gives it up, and the submission becomes a registration.
    /// Returns false if the holder changed since it was seen; then the dispute stays.
    pub async fn keep(&self, dispute: &Dispute, decision: &Decision) -> Result<bool, StoreError> {
        let id = dispute.registration.id;
        // A repeated attempt: only the last step is missing.
        if self.store.registration(self.campaign, id).await?.is_none() {
            let (secret, number) = (self.secret, dispute.number);
            let state = find_holder(self.store, secret, self.campaign, number).await?;
            let (store, campaign) = (self.store, &self.campaign.id);
            if state.holder.version() != decision.seen
                || !store.begin_keeping(campaign, id, decision.at).await?
            {
                return Ok(false);
            }
            if !self.register(dispute, &state, decision).await? {
                store.cancel_keeping(campaign, id, decision.at).await?;
                return Ok(false);
            }
        }
        self.store.remove_dispute(id).await?;
        Ok(true)
    }

    /// Registers the submission in place of the holder. Returns false if either changed.
    async fn register(
        &self,
        dispute: &Dispute,
        state: &NumberState,
        decision: &Decision,
    ) -> Result<bool, StoreError> {
        let (store, campaign, id) = (self.store, &self.campaign.id, dispute.registration.id);
        Ok(self.release(state, decision).await?
            && store.add_alias(campaign, state.next, id).await?
            && self.insert(dispute).await?)
    }

    /// Makes the holder give up its number.
    async fn release(&self, state: &NumberState, decision: &Decision) -> Result<bool, StoreError> {
        match &state.holder {
            Holder::Nobody => Ok(true),
            Holder::Registration(history) => {
                let deletion = history.delete(&decision.by, decision.reason.clone(), decision.at);
                let deletion = deletion.with_cause(DeletionCause::FalseEntry);
                let (store, photos) = (self.store, self.photos);
                let deleted = amend::delete(store, photos, self.campaign, history, &deletion);
                Ok(deleted.await? == UpdateOutcome::Updated)
            }
            Holder::Former { history, is_alias } => {
                if *is_alias {
                    let owner = history.registration.id;
                    self.store.remove_alias(state.next, owner).await?;
                }
                Ok(true)
            }
            Holder::Deleted { id, .. } => self.store.lift_deletion(&self.campaign.id, *id).await,
        }
    }

    async fn insert(&self, dispute: &Dispute) -> Result<bool, StoreError> {
        let record = NewRegistration {
            campaign: Arc::clone(self.campaign),
            registration: dispute.registration.clone(),
        };
        let outcome = self.store.insert(vec![record]).await.pop();
        let unknown = || StoreError::Unavailable("no outcome".into());
        let outcome = outcome.ok_or_else(unknown)??;
        Ok(matches!(
            outcome,
            InsertOutcome::Inserted | InsertOutcome::SameAgain(_)
        ))
    }
}

/// Ends a dispute and removes its photo. If the photo cannot be removed now,
/// [`PhotoDeleter`](super::photo_deleter::PhotoDeleter) retries. Returns false if it has ended already, or is
/// kept.
pub async fn end(
    store: &Store,
    photos: &PhotoRepository,
    campaign: &Arc<Campaign>,
    dispute: &Dispute,
    end: &DisputeEnd,
) -> Result<bool, StoreError> {
    let id = dispute.registration.id;
    // An earlier decision to keep it failed at the last step.
    if store.registration(campaign, id).await?.is_some() {
        store.remove_dispute(id).await?;
        return Ok(false);
    }
    let ended = store.end_dispute(&campaign.id, dispute, end).await?;
    if ended
        && dispute.registration.photo.is_some()
        && let Err(error) = photos.remove(&campaign.id, id).await
    {
        warn!("cannot delete the photo of a dispute, retrying later: {error}");
    }
    Ok(ended)
}
