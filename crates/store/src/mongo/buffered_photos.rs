//! Buffered photos in MongoDB. The `_id` is the registration's id followed by the photo's SHA-256.

use bytes::Bytes;
use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::raw::cstr;
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, doc};
use mongodb::error::Result as Driven;
use mongodb::options::Hint;
use tokio::time::{sleep, timeout};

use super::insert::RETRY_DELAY;
use super::{MongoStore, binary, document, driver_error, primary, with_timeout};
use crate::{BufferTotals, BufferedPhoto, BufferedPhotoKey, OPERATION_TIMEOUT, StoreError};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};

/// Creates the index that counts photos and bytes without reading a photo.
pub(super) async fn make_index(store: &MongoStore) -> Driven<()> {
    let index = IndexModel::builder().keys(doc! { "size": 1 }).build();
    store.buffered_photos.create_index(index).await.map(drop)
}

/// Retries while there is no primary, as [`super::insert::insert`] does.
pub(super) async fn insert(store: &MongoStore, photo: &BufferedPhoto) -> Result<(), StoreError> {
    let document = to_document(photo);
    let inserted = async {
        loop {
            match store.buffered_photos.insert_one(&document).await {
                Ok(_) => return Ok(()),
                // The key contains the digest: it is the same photo.
                Err(error) if driver_error::is_duplicate(&error) => return Ok(()),
                Err(error) => match StoreError::from(error) {
                    StoreError::Unavailable(_) => sleep(RETRY_DELAY).await,
                    failed @ StoreError::Failed(_) => return Err(failed),
                },
            }
        }
    };
    timeout(OPERATION_TIMEOUT, inserted)
        .await
        .map_err(|_| StoreError::timed_out())?
}

pub(super) async fn find_bytes(
    store: &MongoStore,
    key: &BufferedPhotoKey,
) -> Result<Option<Bytes>, StoreError> {
    let find = store.buffered_photos.find_one(id_filter(key));
    let found = with_timeout(OPERATION_TIMEOUT, find).await?;
    found.as_deref().map(read_bytes).transpose()
}

/// Returns photos in order of their keys.
pub(super) async fn list_after(
    store: &MongoStore,
    after: Option<&BufferedPhotoKey>,
    limit: u8,
) -> Result<Vec<BufferedPhoto>, StoreError> {
    let filter = after.map_or_else(
        Document::new,
        |key| doc! { "_id": { "$gt": document_id(key) } },
    );
    let find = store
        .buffered_photos
        .find(filter)
        .sort(doc! { "_id": 1 })
        .limit(limit.into());
    let found = with_timeout(OPERATION_TIMEOUT, async {
        find.await?.try_collect::<Vec<_>>().await
    })
    .await?;
    found.iter().map(|document| read_photo(document)).collect()
}

/// Returns whether the photo was there.
pub(super) async fn remove(store: &MongoStore, key: &BufferedPhotoKey) -> Result<bool, StoreError> {
    let removed = with_timeout(
        OPERATION_TIMEOUT,
        store.buffered_photos.delete_one(id_filter(key)),
    )
    .await?;
    Ok(removed.deleted_count > 0)
}

pub(super) async fn totals(store: &MongoStore) -> Result<BufferTotals, StoreError> {
    let sum = doc! { "_id": null, "photos": { "$sum": 1 }, "bytes": { "$sum": "$size" } };
    // Filter and hint together make the query use the index alone.
    let pipeline = [
        doc! { "$match": { "size": { "$gte": 0 } } },
        doc! { "$group": sum },
    ];
    let counted = store
        .buffered_photos
        .aggregate(pipeline)
        .hint(Hint::Keys(doc! { "size": 1 }))
        .selection_criteria(primary());
    let found: Option<Document> =
        with_timeout(OPERATION_TIMEOUT, async { counted.await?.try_next().await }).await?;
    let Some(found) = found else {
        return Ok(BufferTotals::default());
    };
    let number = |name| {
        let number = found
            .get(name)
            .and_then(|number| number.as_i64().or_else(|| number.as_i32().map(i64::from)));
        number.ok_or_else(|| StoreError::malformed("sum"))
    };
    Ok(BufferTotals {
        photos: number("photos")?.unsigned_abs(),
        bytes: number("bytes")?.unsigned_abs(),
    })
}

fn to_document(photo: &BufferedPhoto) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), document_id(&photo.key()));
    document.append(cstr!("campaign"), photo.campaign.as_str());
    document.append(cstr!("extension"), photo.photo.format.extension());
    let size = i64::try_from(photo.bytes.len()).unwrap_or(i64::MAX);
    document.append(cstr!("size"), size);
    document.append(cstr!("bytes"), document::binary(&photo.bytes));
    document
}

fn document_id(key: &BufferedPhotoKey) -> mongodb::bson::Binary {
    binary(&[&key.id.as_bytes()[..], &key.sha256].concat())
}

fn id_filter(key: &BufferedPhotoKey) -> Document {
    doc! { "_id": document_id(key) }
}

fn read_photo(document: &RawDocument) -> Result<BufferedPhoto, StoreError> {
    let malformed = StoreError::malformed;
    let name: [u8; 48] = document::read_field(document, "_id", document::bytes)?;
    let (id, sha256) = name.split_at(16);
    let campaign = document.get_str("campaign").ok();
    let bytes = read_bytes(document)?;
    Ok(BufferedPhoto {
        campaign: campaign
            .and_then(CampaignId::parse)
            .ok_or_else(|| malformed("campaign"))?,
        id: RegistrationId::from_bytes(id.try_into().map_err(|_| malformed("_id"))?),
        photo: PhotoRef {
            sha256: sha256.try_into().map_err(|_| malformed("_id"))?,
            format: document::format(document).ok_or_else(|| malformed("extension"))?,
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
