//! Leases in MongoDB, by the clock of the server: the instances' clocks may differ.

use std::time::Duration;

use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;
use uuid::Uuid;

use crate::error::{Result, StoreError};
use crate::mongo::convert::binary;
use crate::mongo::handle::MongoStore;
use crate::time_limit::{OPERATION_TIMEOUT, in_time, to_ms};

impl MongoStore {
    pub(crate) async fn acquire_lease(
        &self,
        name: &str,
        holder: Uuid,
        duration: Duration,
    ) -> Result<bool> {
        let holder = binary(holder.as_bytes());
        let mine = doc! { "$eq": ["$holder", &holder] };
        // A missing field, as in a new document, sorts before every time.
        let expired = doc! { "$lt": ["$until", "$$NOW"] };
        let length_ms = to_ms(duration);
        let until = doc! { "$add": ["$$NOW", length_ms] };
        let update = vec![
            doc! { "$set": { "is_free": { "$or": [mine, expired] } } },
            doc! { "$set": {
                "holder": { "$cond": ["$is_free", &holder, "$holder"] },
                "until": { "$cond": ["$is_free", until, "$until"] },
            } },
            doc! { "$unset": "is_free" },
        ];
        let taking = self
            .leases
            .find_one_and_update(doc! { "_id": name }, update)
            .upsert(true)
            .return_document(ReturnDocument::After);
        let lease = in_time(taking).await?;
        let holds = |lease: &Document| lease.get("holder") == Some(&Bson::Binary(holder));
        Ok(lease.as_ref().is_some_and(holds))
    }

    pub(crate) async fn release_lease(&self, name: &str, holder: Uuid) -> Result<()> {
        let mine = doc! { "_id": name, "holder": binary(holder.as_bytes()) };
        in_time(self.leases.delete_one(mine)).await.map(drop)
    }

    pub(crate) async fn now(&self) -> Result<Timestamp> {
        let hello = self
            .run_on_primary(OPERATION_TIMEOUT, doc! { "hello": 1 })
            .await?;
        let time = hello.get_datetime("localTime").ok();
        let told = time.and_then(|now| Timestamp::from_millisecond(now.timestamp_millis()).ok());
        told.ok_or_else(|| StoreError::malformed("localTime"))
    }
}
