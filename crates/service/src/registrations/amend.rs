//! Corrects and deletes registrations with optimistic locking, together with their aliases and photos.

use tracing::warn;

use super::number::{MAX_IDS, first_id};
use super::photo_repository::PhotoRepository;
use crate::key::InstallationSecret;
use jornada_domain::history::{Deletion, RegistrationHistory};
use jornada_domain::{Campaign, RegistrationId};
use jornada_store::{Store, StoreError, UpdateOutcome};

/// Maximum number of further documents, or other unique answers, that corrections may give a registration. Each blocks a
/// number for good.
const MAX_ALIASES: u8 = 5;

/// Replaces the registration that was `read` by `corrected`.
/// After an error the outcome is unknown: read the registration again.
pub async fn correct(
    store: &Store,
    secret: &InstallationSecret,
    campaign: &Campaign,
    read: &RegistrationHistory,
    corrected: &RegistrationHistory,
) -> Result<UpdateOutcome, StoreError> {
    let mut alias = derive_new_alias(secret, campaign, read, corrected);
    let owner = read.registration.id;
    let aliases = match alias {
        // A later correction would make `read` outdated.
        Some(_) => store.aliases(owner, MAX_ALIASES).await?,
        None => Vec::new(),
    };
    for _ in 1..MAX_IDS {
        let taken = alias.filter(|alias| *alias != owner);
        let is_new = taken.is_some_and(|taken| !aliases.contains(&taken));
        if is_new && aliases.len() >= MAX_ALIASES.into() {
            return Ok(UpdateOutcome::TooManyAliases);
        }
        let outcome = store.correct(campaign, read, corrected, taken).await?;
        let Some(id) = taken.filter(|_| outcome == UpdateOutcome::AliasTaken) else {
            return Ok(outcome);
        };
        let deletion = store.deletion(&campaign.id, id).await?;
        if !deletion.is_some_and(|deletion| deletion.cause.frees_number()) {
            return Ok(outcome);
        }
        alias = Some(id.next_of_number(secret.expose(), &campaign.id));
    }
    Ok(UpdateOutcome::AliasTaken)
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

/// Derives the first id of a corrected answer to the unique field. `None` if the answer is unchanged.
fn derive_new_alias(
    secret: &InstallationSecret,
    campaign: &Campaign,
    read: &RegistrationHistory,
    corrected: &RegistrationHistory,
) -> Option<RegistrationId> {
    let was = campaign.unique_answer(&read.registration.answers);
    let is = campaign.unique_answer(&corrected.registration.answers);
    let first = || first_id(secret, campaign, &corrected.registration.answers);
    (is != was).then(first).flatten()
}
