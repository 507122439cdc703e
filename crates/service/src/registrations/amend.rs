//! Corrects and deletes registrations with optimistic locking, together with their aliases and photos.

use tracing::warn;

use super::photo_repository::PhotoRepository;
use crate::key::InstallationSecret;
use jornada_domain::history::{Deletion, RegistrationHistory};
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Campaign, RegistrationId};
use jornada_store::{Store, StoreError, UpdateOutcome};

/// Replaces the registration that was `read` by `corrected`.
/// After an error the outcome is unknown: read the registration again.
pub async fn correct(
    store: &Store,
    secret: &InstallationSecret,
    campaign: &Campaign,
    read: &RegistrationHistory,
    corrected: &RegistrationHistory,
) -> Result<UpdateOutcome, StoreError> {
    let alias = derive_new_alias(secret, campaign, read, corrected);
    store.correct(campaign, read, corrected, alias).await
}

/// Deletes the registration that was `read`, and its photo. If the photo cannot be deleted now,
/// [`PhotoDeleter`](super::photo_deleter::PhotoDeleter) retries.
pub async fn delete(
    store: &Store,
    photos: &PhotoRepository,
    campaign: &Campaign,
    read: &RegistrationHistory,
    deletion: &Deletion,
) -> Result<UpdateOutcome, StoreError> {
    let amended = store.delete(campaign, read, deletion).await?;
    if amended == UpdateOutcome::Updated
        && read.photo().is_some()
        && let Err(error) = photos.remove(&campaign.id, read.registration.id).await
    {
        warn!("cannot delete the photo of a deleted registration, retrying later: {error}");
    }
    Ok(amended)
}

/// Derives the alias for a corrected answer to the unique field. `None` if the answer, or the id derived from it, is
/// unchanged.
fn derive_new_alias(
    secret: &InstallationSecret,
    campaign: &Campaign,
    read: &RegistrationHistory,
    corrected: &RegistrationHistory,
) -> Option<RegistrationId> {
    let was = campaign.unique_answer(&read.registration.answers);
    let is = campaign.unique_answer(&corrected.registration.answers);
    let answer = is.filter(|_| is != was)?;
    let key = UniqueKey::Answer(answer.to_owned());
    let id = RegistrationId::derive(secret.expose(), &campaign.id, &key);
    (id != read.registration.id).then_some(id)
}
