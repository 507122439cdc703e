//! Corrections and deletions as the staff ask for them: judged, and then kept only if nobody was faster.

use jiff::Timestamp;
use tracing::warn;

use crate::config::Secret;
use crate::domain::record::Record;
use crate::domain::registration::UniqueKey;
use crate::domain::{Campaign, FieldRefusal, Form, RegistrationId};
use crate::intake::photos::PhotoKeeper;
use crate::store::{Amended, Store, StoreError};

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Nothing differs from what is kept.
    Same,
    /// Answers or a reason that do not fit; nothing was done.
    Refused(Vec<FieldRefusal>),
    /// Somebody changed or deleted the registration since it was read; nothing was done.
    Stale,
    /// The new answer to the unique field belongs to another registration; nothing was done.
    Taken,
}

impl From<Amended> for Outcome {
    fn from(amended: Amended) -> Self {
        match amended {
            Amended::Done => Self::Done,
            Amended::Stale => Self::Stale,
            Amended::Taken => Self::Taken,
        }
    }
}

/// Corrects what was `read` by what was typed: one part for each answer that may differ, and nothing else.
///
/// # Errors
/// [`StoreError`], also when the outcome is unknown: the registration shows when it is read again.
#[expect(
    clippy::too_many_arguments,
    reason = "who corrects what of which registration, and why"
)]
pub async fn correct(
    store: &Store,
    secret: &Secret,
    campaign: &Campaign,
    read: &Record,
    typed: &Form,
    by: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    match read.correct(campaign, typed, by, reason, now) {
        Err(refusals) => Ok(Outcome::Refused(refusals)),
        Ok(None) => Ok(Outcome::Same),
        Ok(Some(corrected)) => {
            let claim = claim(secret, campaign, read, &corrected);
            let amended = store.correct(campaign, read, &corrected, claim).await?;
            Ok(amended.into())
        }
    }
}

/// Deletes what was `read`, and its photo. A photo that cannot be removed now is removed later, by
/// [`Remover`](crate::intake::remover::Remover).
///
/// # Errors
/// [`StoreError`], also when the outcome is unknown.
pub async fn delete(
    store: &Store,
    photos: &PhotoKeeper,
    campaign: &Campaign,
    read: &Record,
    by: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    let deletion = match read.delete(by, reason, now) {
        Ok(deletion) => deletion,
        Err(refusal) => return Ok(Outcome::Refused(vec![refusal])),
    };
    let amended = store.delete(campaign, read, &deletion).await?;
    if let (Amended::Done, Some(photo)) = (amended, read.photo()) {
        let id = read.registration.id;
        if let Err(error) = photos.remove(&campaign.id, id, photo).await {
            warn!("the photo of a deleted registration is removed later: {error}");
        }
    }
    Ok(amended.into())
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
