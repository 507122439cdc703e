//! Brings all photos under the key that is the first now: the vault keys are wrapped anew, and photos of versions
//! before the seal are sealed. What is done shows by itself, so that a run that was cut off is made good by another.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde::Serialize;
use tokio_stream::wrappers::ReceiverStream;
use tracing::warn;

use super::vault::{Vault, VaultError};
use crate::photo::{PhotoKey, Photos, PhotosError};

/// Photos looked at at once: so many are held in memory.
const AT_ONCE: usize = 8;
/// Times that one photo is tried.
const TRIES: u32 = 3;
/// Before another try.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two words on how far it is.
const TELL: Duration = Duration::from_secs(2);

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resealed {
    /// Vault keys that are wrapped under the first key only now.
    pub keys: usize,
    /// Photos that were looked at.
    pub photos: u64,
    /// Of them, those that are sealed only now.
    pub sealed: u64,
    /// Of them, those that could be neither read nor sealed.
    pub failed: u64,
}

/// Why it could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The keys.
    #[error("JORNADA_PHOTO_KEY")]
    Vault(#[from] VaultError),
    /// The list of photos.
    #[error("JORNADA_PHOTOS")]
    Photos(#[from] PhotosError),
}

/// Brings all photos under the first key; `tell` hears every two seconds how far it is.
///
/// # Errors
/// [`ResealError`]; what was done until then stays so.
pub async fn reseal(
    vault: &Vault,
    photos: &Photos,
    tell: impl Fn(&Resealed),
) -> Result<Resealed, ResealError> {
    let keys = vault.rewrap().await?;
    let mut done = Resealed {
        keys,
        ..Resealed::default()
    };
    let (listed, listing) = photos.list();
    let mut results = ReceiverStream::new(listed)
        .map(|key| one(photos, key))
        .buffer_unordered(AT_ONCE);
    let mut told = Instant::now();
    while let Some(result) = results.next().await {
        done.photos += 1;
        match result {
            Ok(sealed) => done.sealed += u64::from(sealed),
            Err(error) => {
                warn!("a photo stays as it is: {error}");
                done.failed += 1;
            }
        }
        if told.elapsed() >= TELL {
            tell(&done);
            told = Instant::now();
        }
    }
    let cut_off = |_| Err(PhotosError::Failed("the listing was cut off".into()));
    listing.await.unwrap_or_else(cut_off)?;
    Ok(done)
}

async fn one(photos: &Photos, key: PhotoKey) -> Result<bool, PhotosError> {
    let mut tries = 1;
    loop {
        match photos.reseal(&key).await {
            Err(PhotosError::Unavailable(_)) if tries < TRIES => tokio::time::sleep(PAUSE).await,
            result => return result,
        }
        tries += 1;
    }
}
