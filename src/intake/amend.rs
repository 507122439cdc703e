//! Corrections and deletions with all that goes with them, kept only if nobody was faster.

use tracing::warn;

use super::photos::PhotoKeeper;
use crate::domain::record::{Deletion, Record};
use crate::domain::registration::UniqueKey;
use crate::domain::{Campaign, RegistrationId};
use crate::key::Secret;
use crate::store::{Amended, Store, StoreError};

/// Keeps `corrected` in the place of what was `read`.
///
/// # Errors
/// [`StoreError`], also when the outcome is unknown: the registration shows when it is read again.
pub async fn correct(
    store: &Store,
    secret: &Secret,
    campaign: &Campaign,
    read: &Record,
    corrected: &Record,
) -> Result<Amended, StoreError> {
    let claim = claim(secret, campaign, read, corrected);
    store.correct(campaign, read, corrected, claim).await
}

/// Deletes what was `read`, and its photo. A photo that cannot be removed now is removed later, by
/// [`Remover`](super::remover::Remover).
///
/// # Errors
/// [`StoreError`], also when the outcome is unknown.
pub async fn delete(
    store: &Store,
    photos: &PhotoKeeper,
    campaign: &Campaign,
    read: &Record,
    deletion: &Deletion,
) -> Result<Amended, StoreError> {
    let amended = store.delete(campaign, read, deletion).await?;
    if let (Amended::Done, Some(photo)) = (amended, read.photo()) {
        let id = read.registration.id;
        if let Err(error) = photos.remove(&campaign.id, id, photo).await {
            warn!("the photo of a deleted registration is removed later: {error}");
        }
    }
    Ok(amended)
}

/// The identity that a corrected answer to the unique field makes, unless it is the one that the registration has.
fn claim(
    secret: &Secret,
    campaign: &Campaign,
    read: &Record,
    corrected: &Record,
) -> Option<RegistrationId> {
    let was = campaign.unique_answer(&read.registration.answers);
    let is = campaign.unique_answer(&corrected.registration.answers);
    let answer = is.filter(|_| is != was)?;
    let key = UniqueKey::Answer(answer.to_owned());
    let id = RegistrationId::derive(secret.expose(), &campaign.id, &key);
    (id != read.registration.id).then_some(id)
}
