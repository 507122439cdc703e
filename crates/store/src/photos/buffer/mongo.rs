//! Buffered photos in MongoDB. The `_id` is the registration's id followed by the photo's SHA-256.

use bytes::Bytes;
use mongodb::bson::raw::cstr;
use mongodb::bson::{Binary, Document, RawDocument, RawDocumentBuf, doc};
use mongodb::error::Result as Driven;
use mongodb::options::Hint;
use tokio::time::sleep;

use super::{BufferTotals, BufferedPhoto, BufferedPhotoKey};
use crate::error::{Result, StoreError};
use crate::mongo::convert;
use crate::mongo::convert::{binary, number, raw_binary, read_field, read_number};
use crate::mongo::driver_error::is_duplicate;
use crate::mongo::handle::{MongoStore, RETRY_DELAY, collect, index, primary};
use crate::time_limit::{OPERATION_TIMEOUT, in_time};
use jornada_domain::RegistrationId;
use jornada_domain::registration::PhotoRef;

/// Creates the index that counts photos and bytes without reading a photo.
pub(crate) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let by_size = index(doc! { "size": 1 });
    store.make_indexes("pending_photos", [by_size]).await
}

impl MongoStore {
    /// Retries while there is no primary, as the insertion of a registration does.
    pub(crate) async fn buffer_photo(&self, photo: &BufferedPhoto) -> Result<()> {
        let document = to_document(photo);
        let inserted = async {
            loop {
                match self.buffered_photos.insert_one(&document).await {
                    Ok(_) => return Ok(()),
                    // The key contains the digest: it is the same photo.
                    Err(error) if is_duplicate(&error) => return Ok(()),
                    Err(error) => match StoreError::from(error) {
                        StoreError::Unavailable(_) => sleep(RETRY_DELAY).await,
                        failed @ StoreError::Failed(_) => return Err(failed),
                    },
                }
            }
        };
        in_time(inserted).await
    }

    pub(crate) async fn buffered_photo(&self, key: BufferedPhotoKey) -> Result<Option<Bytes>> {
        let found = in_time(self.buffered_photos.find_one(id_filter(&key))).await?;
        found.as_deref().map(read_bytes).transpose()
    }

    pub(crate) async fn buffered_photos(
        &self,
        after: Option<BufferedPhotoKey>,
        limit: u8,
    ) -> Result<Vec<BufferedPhoto>> {
        let filter = after.map_or_else(
            Document::new,
            |key| doc! { "_id": { "$gt": document_id(&key) } },
        );
        let find = self
            .buffered_photos
            .find(filter)
            .sort(doc! { "_id": 1 })
            .limit(limit.into());
        let found = collect(OPERATION_TIMEOUT, find).await?;
        found.iter().map(|found| read_photo(found)).collect()
    }

    pub(crate) async fn remove_buffered_photo(&self, key: BufferedPhotoKey) -> Result<bool> {
        let removed = in_time(self.buffered_photos.delete_one(id_filter(&key))).await?;
        Ok(removed.deleted_count > 0)
    }

    pub(crate) async fn buffer_totals(&self) -> Result<BufferTotals> {
        let sum = doc! { "_id": null, "photos": { "$sum": 1 }, "bytes": { "$sum": "$size" } };
        // Filter and hint together make the query use the index alone.
        let pipeline = [
            doc! { "$match": { "size": { "$gte": 0 } } },
            doc! { "$group": sum },
        ];
        let counted = self
            .buffered_photos
            .aggregate(pipeline)
            .hint(Hint::Keys(doc! { "size": 1 }))
            .selection_criteria(primary());
        let found = collect(OPERATION_TIMEOUT, counted).await?.pop();
        let Some(found) = found else {
            return Ok(BufferTotals::default());
        };
        let sum = |name| {
            let sum = found.get(name).and_then(read_number);
            sum.ok_or_else(|| StoreError::malformed("sum"))
        };
        Ok(BufferTotals {
            photos: sum("photos")?,
            bytes: sum("bytes")?,
        })
    }
}

fn to_document(photo: &BufferedPhoto) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), document_id(&photo.key()));
    document.append(cstr!("campaign"), photo.campaign.as_str());
    document.append(cstr!("extension"), photo.photo.format.extension());
    document.append(cstr!("size"), number(photo.bytes.len() as u64));
    document.append(cstr!("bytes"), raw_binary(&photo.bytes));
    document
}

fn document_id(key: &BufferedPhotoKey) -> Binary {
    binary(&[&key.id.as_bytes()[..], &key.sha256].concat())
}

fn id_filter(key: &BufferedPhotoKey) -> Document {
    doc! { "_id": document_id(key) }
}

fn read_photo(document: &RawDocument) -> Result<BufferedPhoto> {
    let malformed = |_| StoreError::malformed("_id");
    let name: [u8; 48] = read_field(document, "_id", convert::bytes)?;
    let (id, sha256) = name.split_at(16);
    let bytes = read_bytes(document)?;
    Ok(BufferedPhoto {
        campaign: read_field(document, "campaign", convert::campaign)?,
        id: RegistrationId::from_bytes(id.try_into().map_err(malformed)?),
        photo: PhotoRef {
            sha256: sha256.try_into().map_err(malformed)?,
            format: read_field(document, "extension", convert::format)?,
            bytes: bytes.len() as u64,
        },
        bytes,
    })
}

fn read_bytes(document: &RawDocument) -> Result<Bytes> {
    read_field(document, "bytes", |bytes| {
        Some(Bytes::copy_from_slice(bytes.as_binary()?.bytes))
    })
}
