//! Copies photos, as they are encrypted, from the object store into a backup and back.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::registrations::photo_repository::photo_key;
use jornada_objects::{ObjectError, ObjectKey, ObjectStore};
use jornada_store::backup::PhotoOwner;
use jornada_store::{BufferedPhotoKey, Store};

/// Photos in work at the same time.
const AT_ONCE: usize = 16;

/// Photos of the registrations of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoCounts {
    /// In the folder of photos.
    pub stored: u64,
    /// In the photo buffer, a table.
    pub buffered: u64,
    /// Photos of people who were erased since.
    pub erased: u64,
    /// Not found anywhere, or altered: the site has lost them.
    pub lost: u64,
}

/// Place of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhotoPlace {
    Stored,
    Buffered,
    Erased,
    Lost,
}

impl PhotoCounts {
    pub(super) fn add(&mut self, place: PhotoPlace) {
        let count = match place {
            PhotoPlace::Stored => &mut self.stored,
            PhotoPlace::Buffered => &mut self.buffered,
            PhotoPlace::Erased => &mut self.erased,
            PhotoPlace::Lost => &mut self.lost,
        };
        *count += 1;
    }

    /// Returns the number of all photos.
    pub fn total(&self) -> u64 {
        self.stored + self.buffered + self.erased + self.lost
    }
}

/// Returns the key of a registration's photo, if the registration has one.
pub(super) fn key_of(owner: &PhotoOwner) -> Option<ObjectKey> {
    match owner {
        PhotoOwner::Stored {
            campaign,
            id,
            received_at,
            photo,
        } => Some(ObjectKey::Photo {
            campaign: campaign.clone(),
            id: *id,
            sha256: photo.sha256,
            received_at: *received_at,
            format: photo.format,
        }),
        PhotoOwner::PhotoErased(..) | PhotoOwner::Erased(..) => None,
    }
}

/// Works on several photos at a time, and counts where they are.
pub(super) async fn for_each<F>(
    keys: Vec<ObjectKey>,
    counts: &mut PhotoCounts,
    find: impl Fn(ObjectKey) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<PhotoPlace>>,
{
    let mut found = stream::iter(keys).map(find).buffer_unordered(AT_ONCE);
    while let Some(place) = found.try_next().await? {
        counts.add(place);
    }
    Ok(())
}

/// Source and destination of a copy of photos.
#[derive(Clone, Copy)]
pub(super) struct PhotoCopying<'a> {
    pub(super) store: &'a Store,
    pub(super) objects: &'a ObjectStore,
    pub(super) copies: &'a ObjectStore,
    /// Whether copies of earlier backups are complete.
    pub(super) trusts_copies: bool,
}

/// Copies a photo into a backup, unless it is there.
pub(super) async fn save(
    copying: PhotoCopying<'_>,
    buffered: &BTreeSet<BufferedPhotoKey>,
    key: ObjectKey,
) -> anyhow::Result<PhotoPlace> {
    let PhotoCopying {
        store,
        objects,
        copies,
        trusts_copies,
    } = copying;
    if copies.has(&key, None).await? {
        if trusts_copies || matches!(copies.get_encrypted(&key).await, Ok(Some(_))) {
            return Ok(PhotoPlace::Stored);
        }
        copies.remove(&key).await?;
    }
    match objects.get_encrypted(&key).await {
        Ok(Some(photo)) => {
            copies.put(&key, &photo).await?;
            return Ok(PhotoPlace::Stored);
        }
        Ok(None) | Err(ObjectError::Altered | ObjectError::UnknownKey(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let place = match photo_key(&key) {
        Some(photo) if buffered.contains(&photo) => PhotoPlace::Buffered,
        Some(photo) if is_erased(store, &key, photo).await? => PhotoPlace::Erased,
        _ => PhotoPlace::Lost,
    };
    Ok(place)
}

/// Returns whether a registration was erased, or its photo, since the moment of the backup.
async fn is_erased(
    store: &Store,
    key: &ObjectKey,
    photo: BufferedPhotoKey,
) -> anyhow::Result<bool> {
    Ok(store.deletion(key.campaign(), photo.id).await?.is_some()
        || !store.is_photo_referenced(photo).await?)
}

/// Finds a photo in a backup, and verifies it.
pub(super) async fn verify(
    copies: &ObjectStore,
    buffered: &BTreeSet<BufferedPhotoKey>,
    key: ObjectKey,
) -> anyhow::Result<PhotoPlace> {
    match copies.get(&key).await {
        Ok(Some(_)) => Ok(PhotoPlace::Stored),
        Ok(None) if photo_key(&key).is_some_and(|photo| buffered.contains(&photo)) => {
            Ok(PhotoPlace::Buffered)
        }
        Ok(None) | Err(ObjectError::Altered | ObjectError::UnknownKey(_)) => Ok(PhotoPlace::Lost),
        Err(error) => Err(error.into()),
    }
}

/// Copies a photo from a backup into the object store, unless it is there.
pub(super) async fn upload(
    copies: &ObjectStore,
    objects: &ObjectStore,
    key: ObjectKey,
) -> anyhow::Result<PhotoPlace> {
    let Some(photo) = copies.get_encrypted(&key).await? else {
        return Ok(PhotoPlace::Lost);
    };
    if !objects.has(&key, Some(&photo)).await? {
        objects.put(&key, &photo).await?;
    }
    Ok(PhotoPlace::Stored)
}
