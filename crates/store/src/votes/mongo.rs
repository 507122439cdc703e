//! Votes in MongoDB.

use std::collections::HashSet;
use std::sync::Arc;

use mongodb::ClientSession;
use mongodb::bson::{Binary, RawDocumentBuf, doc};
use mongodb::error::Result as Driven;
use tokio::time::sleep;

use super::document::read_vote;
use super::{FoundVote, subtract_deltas};
use crate::deltas;
use crate::error::Result;
use crate::mongo::convert::{self, binary, read_field};
use crate::mongo::handle::{MongoStore, collect};
use crate::mongo::primary_watch::RETRY_DELAY;
use crate::mongo::transaction;
use crate::registrations::answers_by_name;
use crate::time_limit::{COUNT_TIMEOUT, in_time};
use jornada_domain::{Campaign, ReceiptNumber, RegistrationId, Vote};

impl MongoStore {
    pub(crate) async fn vote(&self, number: ReceiptNumber) -> Result<Option<FoundVote>> {
        let (least, greatest) = number.id_range();
        let range = doc! { "$gte": binary(least.as_bytes()), "$lte": binary(greatest.as_bytes()) };
        let found = self.find_soon(&self.votes, doc! { "_id": range }, None);
        let found = found.await?;
        let read = |document: RawDocumentBuf| {
            Ok(FoundVote {
                id: read_field(&document, "_id", convert::registration_id)?,
                campaign: read_field(&document, "campaign", convert::campaign)?,
                answers: answers_by_name(&document)?,
                received_at: read_field(&document, "received_at", convert::time)?,
            })
        };
        found.map(read).transpose()
    }

    pub(crate) async fn votes_after(
        &self,
        campaign: &Arc<Campaign>,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<Vote>> {
        let mut filter = doc! { "campaign": campaign.id.as_str() };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": binary(after.as_bytes()) });
        }
        let find = self.votes.find(filter).sort(doc! { "_id": 1 });
        // Reads over the votes of other campaigns that lie between.
        let find = find.limit(limit.into()).max_time(COUNT_TIMEOUT);
        let found: Vec<RawDocumentBuf> = collect(COUNT_TIMEOUT, find).await?;
        found.iter().map(|vote| read_vote(campaign, vote)).collect()
    }

    pub(crate) async fn erase_votes(
        &self,
        campaign: &Arc<Campaign>,
        votes: Vec<Vote>,
    ) -> Result<u64> {
        let erase = async {
            let mut session = self.database.client().start_session().await?;
            loop {
                transaction::start(&mut session).await?;
                let erase = self.erase(&mut session, campaign, &votes);
                let erased = self.primary.run(erase).await;
                match transaction::finish(&self.primary, &mut session, erased, |_| true).await {
                    Err(error) if transaction::is_aborted(&error) => sleep(RETRY_DELAY).await,
                    erased => return erased,
                }
            }
        };
        in_time(Box::pin(erase)).await
    }

    /// Deletes those of the votes that are still there, with their counts.
    async fn erase(
        &self,
        session: &mut ClientSession,
        campaign: &Campaign,
        votes: &[Vote],
    ) -> Driven<u64> {
        let ids: Vec<Binary> = votes
            .iter()
            .map(|vote| binary(vote.id.as_bytes()))
            .collect();
        let filter = doc! { "_id": { "$in": ids } };
        let find = self
            .votes
            .find(filter.clone())
            .projection(doc! { "_id": 1 });
        let mut cursor = find.session(&mut *session).await?;
        let mut left = HashSet::new();
        while cursor.advance(session).await? {
            let id = cursor.current().get("_id").ok().flatten();
            left.extend(id.and_then(convert::registration_id));
        }
        let left = votes.iter().filter(|vote| left.contains(&vote.id));
        let delta = subtract_deltas(campaign, left);
        deltas::mongo::insert(self, session, [&delta]).await?;
        let deleted = self.votes.delete_many(filter).session(session).await?;
        Ok(deleted.deleted_count)
    }
}
