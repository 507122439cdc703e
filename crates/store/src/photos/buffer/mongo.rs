//! Index and size of the buffer in MongoDB.

use mongodb::bson::doc;
use mongodb::options::Hint;

use super::PhotoBufferSize;
use crate::error::{Result, StoreError};
use crate::mongo::convert::read_number;
use crate::mongo::handle::{MongoStore, collect, primary};
use crate::time_limit::OPERATION_TIMEOUT;

impl MongoStore {
    pub(crate) async fn buffer_totals(&self) -> Result<PhotoBufferSize> {
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
        let Some(found) = collect(OPERATION_TIMEOUT, counted).await?.pop() else {
            return Ok(PhotoBufferSize::default());
        };
        let sum = |name| {
            let sum = found.get(name).and_then(read_number);
            sum.ok_or_else(|| StoreError::malformed("sum"))
        };
        Ok(PhotoBufferSize {
            photos: sum("photos")?,
            bytes: sum("bytes")?,
        })
    }
}
