//! Snapshot in MongoDB: the server counts all campaigns at one cluster time, and returns that time.

use std::sync::Arc;

use futures_util::StreamExt;
use mongodb::ClientSession;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, RawBsonRef, RawDocument, doc};
use mongodb::options::{Hint, ReadConcern, SessionOptions};

use super::batch::FeedPosition;
use super::mongo::to_order;
use crate::error::{Result, StoreError};
use crate::mongo::convert::read_number;
use crate::mongo::handle::{MongoStore, primary};
use crate::mongo::indexes::list_index_hint;
use crate::registrations::mongo::selection_filter;
use crate::time_limit::{COUNT_TIMEOUT, with_timeout};
use jornada_domain::{Campaign, RegistrationSelection};

impl MongoStore {
    pub(crate) async fn snapshot<C: Extend<(Vec<String>, u64)>>(
        &self,
        campaigns: Vec<(Arc<Campaign>, C)>,
    ) -> Result<(Vec<C>, FeedPosition)> {
        let options = SessionOptions::builder().snapshot(true).build();
        let session = self.database.client().start_session().with_options(options);
        let mut session = with_timeout(COUNT_TIMEOUT, session).await?;
        let newest = with_timeout(COUNT_TIMEOUT, self.newest_delta(&mut session)).await?;
        let mut counted = Vec::with_capacity(campaigns.len());
        for (campaign, mut counts) in campaigns {
            let count = self.count_groups(&mut session, &campaign, &mut counts);
            with_timeout(COUNT_TIMEOUT, count).await?;
            counted.push(counts);
        }
        let at = session.snapshot_time().map(to_order);
        let at = at.ok_or_else(|| StoreError::malformed("atClusterTime"))?;
        let position = FeedPosition {
            at,
            token: None,
            delta: newest.map(ObjectId::to_hex),
        };
        Ok((counted, position))
    }

    /// Returns the id of the newest delta, of about the same second.
    async fn newest_delta(&self, session: &mut ClientSession) -> Result<Option<ObjectId>> {
        let newest = self
            .deltas
            .find_one(doc! {})
            .sort(doc! { "_id": -1 })
            .projection(doc! { "_id": 1 })
            .read_concern(ReadConcern::snapshot())
            .selection_criteria(primary());
        let newest = newest.session(session).await?;
        Ok(newest.and_then(|delta| delta.get_object_id("_id").ok()))
    }

    async fn count_groups<C: Extend<(Vec<String>, u64)>>(
        &self,
        session: &mut ClientSession,
        campaign: &Campaign,
        counts: &mut C,
    ) -> Result<()> {
        let (key, hint) = group_key(campaign);
        let fields = key.len();
        let pipeline = [
            doc! { "$match": selection_filter(&campaign.id, &RegistrationSelection::all()) },
            doc! { "$group": { "_id": key, "count": { "$sum": 1 } } },
        ];
        let records = if campaign.is_vote() {
            &self.votes
        } else {
            &self.registrations
        };
        let mut groups = records
            .aggregate(pipeline)
            // The session does not replace the default of the connection.
            .read_concern(ReadConcern::snapshot())
            .selection_criteria(primary());
        if let Some(hint) = hint {
            groups = groups.hint(hint);
        }
        let mut cursor = groups.session(&mut *session).batch().await?;
        let mut batches = cursor.stream(session);
        while let Some(batch) = batches.next().await {
            for group in batch?.doc_slices()? {
                let group = group.ok().and_then(RawBsonRef::as_document);
                let group = group.and_then(|group| read_group(group, fields));
                counts.extend([group.ok_or_else(|| StoreError::malformed("group"))?]);
            }
        }
        Ok(())
    }
}

/// Returns the key of the groups, and the index that covers it if there is one.
fn group_key(campaign: &Campaign) -> (Document, Option<Hint>) {
    if campaign.counts_stored_value() {
        return (doc! { "0": "$value" }, Some(list_index_hint()));
    }
    let fields = campaign.counted_fields().into_iter().enumerate();
    let answers = fields.map(|(place, field)| {
        let answer = format!("$answers.{}", campaign.fields[field].name);
        // A missing answer is counted with the empty ones.
        (place.to_string(), doc! { "$ifNull": [answer, ""] }.into())
    });
    (answers.collect(), None)
}

fn read_group(group: &RawDocument, fields: usize) -> Option<(Vec<String>, u64)> {
    let key = group.get_document("_id").ok()?;
    let answer = |place: usize| match key.get(place.to_string()).ok()? {
        Some(answer) => Some(answer.as_str()?.to_owned()),
        None => Some(String::new()),
    };
    let answers: Option<_> = (0..fields).map(answer).collect();
    let count = group.get("count").ok()??.try_into().ok()?;
    Some((answers?, read_number(&count)?))
}
