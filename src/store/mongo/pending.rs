//! Buffered photos in MongoDB. The `_id` is the registration's id followed by the photo's SHA-256.

use bytes::Bytes;
use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::raw::cstr;
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, doc};
use mongodb::error::Result as Driven;
use mongodb::options::Hint;
use tokio::time::{sleep, timeout};

use super::keep::PAUSE;
use super::{MongoStore, binary, bounded, document, fault, primary};
use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};
use crate::store::{Pending, PendingKey, PendingPhoto, StoreError, WAIT};

/// Creates the index that counts photos and bytes without reading a photo.
pub(super) async fn make_index(store: &MongoStore) -> Driven<()> {
    let index = IndexModel::builder().keys(doc! { "size": 1 }).build();
    store.pending.create_index(index).await.map(drop)
}

/// Retries while there is no primary, as [`super::keep`] does.
pub(super) async fn keep(store: &MongoStore, photo: &PendingPhoto) -> Result<(), StoreError> {
    let document = of(photo);
    let kept = async {
        loop {
            match store.pending.insert_one(&document).await {
                Ok(_) => return Ok(()),
                // The key contains the digest: it is the same photo.
                Err(error) if fault::is_duplicate(&error) => return Ok(()),
                Err(error) => match StoreError::from(error) {
                    StoreError::Unavailable(_) => sleep(PAUSE).await,
                    failed @ StoreError::Failed(_) => return Err(failed),
                },
            }
        }
    };
    timeout(WAIT, kept).await.map_err(|_| StoreError::late())?
}

pub(super) async fn bytes(
    store: &MongoStore,
    key: &PendingKey,
) -> Result<Option<Bytes>, StoreError> {
    let find = store.pending.find_one(named(key));
    let found = bounded(WAIT, find).await?;
    found.as_deref().map(read_bytes).transpose()
}

/// Returns photos in order of their keys.
pub(super) async fn after(
    store: &MongoStore,
    after: Option<&PendingKey>,
    most: u8,
) -> Result<Vec<PendingPhoto>, StoreError> {
    let filter = after.map_or_else(Document::new, |key| doc! { "_id": { "$gt": name(key) } });
    let find = store
        .pending
        .find(filter)
        .sort(doc! { "_id": 1 })
        .limit(most.into());
    let found = bounded(WAIT, async { find.await?.try_collect::<Vec<_>>().await }).await?;
    found.iter().map(|document| pending(document)).collect()
}

/// Returns whether the photo was there.
pub(super) async fn remove(store: &MongoStore, key: &PendingKey) -> Result<bool, StoreError> {
    let removed = bounded(WAIT, store.pending.delete_one(named(key))).await?;
    Ok(removed.deleted_count > 0)
}

pub(super) async fn all(store: &MongoStore) -> Result<Pending, StoreError> {
    let sum = doc! { "_id": null, "photos": { "$sum": 1 }, "bytes": { "$sum": "$size" } };
    // Filter and hint together make the query use the index alone.
    let pipeline = [
        doc! { "$match": { "size": { "$gte": 0 } } },
        doc! { "$group": sum },
    ];
    let counted = store
        .pending
        .aggregate(pipeline)
        .hint(Hint::Keys(doc! { "size": 1 }))
        .selection_criteria(primary());
    let found: Option<Document> = bounded(WAIT, async { counted.await?.try_next().await }).await?;
    let Some(found) = found else {
        return Ok(Pending::default());
    };
    let number = |name| {
        let number = found
            .get(name)
            .and_then(|number| number.as_i64().or_else(|| number.as_i32().map(i64::from)));
        number.ok_or_else(|| StoreError::malformed("sum"))
    };
    Ok(Pending {
        photos: number("photos")?.unsigned_abs(),
        bytes: number("bytes")?.unsigned_abs(),
    })
}

fn of(photo: &PendingPhoto) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), name(&photo.key()));
    document.append(cstr!("campaign"), photo.campaign.as_str());
    document.append(cstr!("extension"), photo.photo.extension.as_str());
    let size = i64::try_from(photo.bytes.len()).unwrap_or(i64::MAX);
    document.append(cstr!("size"), size);
    document.append(cstr!("bytes"), document::binary(&photo.bytes));
    document
}

fn name(key: &PendingKey) -> mongodb::bson::Binary {
    binary(&[&key.id.as_bytes()[..], &key.sha256].concat())
}

fn named(key: &PendingKey) -> Document {
    doc! { "_id": name(key) }
}

fn pending(document: &RawDocument) -> Result<PendingPhoto, StoreError> {
    let malformed = StoreError::malformed;
    let name: [u8; 48] = document::part(document, "_id", document::bytes)?;
    let (id, sha256) = name.split_at(16);
    let campaign = document.get_str("campaign").ok();
    let extension = document.get_str("extension");
    let bytes = read_bytes(document)?;
    Ok(PendingPhoto {
        campaign: campaign
            .and_then(CampaignId::parse)
            .ok_or_else(|| malformed("campaign"))?,
        id: RegistrationId::from_bytes(id.try_into().map_err(|_| malformed("_id"))?),
        photo: PhotoRef {
            sha256: sha256.try_into().map_err(|_| malformed("_id"))?,
            extension: extension.map_err(|_| malformed("extension"))?.to_owned(),
            bytes: bytes.len() as u64,
        },
        bytes,
    })
}

fn read_bytes(document: &RawDocument) -> Result<Bytes, StoreError> {
    let bytes = document.get_binary("bytes");
    let bytes = bytes.map_err(|_| StoreError::malformed("bytes"))?;
    Ok(Bytes::copy_from_slice(bytes.bytes))
}
