//! The list of votes in MongoDB.

use std::sync::Arc;

use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::options::Hint;

use super::{Range, VotePage, VoteQuery};
use crate::error::Result;
use crate::mongo::convert::{self, binary, moment, read_field};
use crate::mongo::handle::{MongoStore, collect};
use crate::mongo::indexes::NEWEST;
use crate::time_limit::{OPERATION_TIMEOUT, in_time};
use crate::votes::document::read_stored;
use jornada_domain::vote::{StoredVote, VotePosition};
use jornada_domain::{Campaign, RegistrationId};

impl MongoStore {
    pub(crate) async fn list_votes(
        &self,
        campaign: &Arc<Campaign>,
        query: &VoteQuery,
    ) -> Result<VotePage> {
        let Some(mut range) = query.range() else {
            return Ok(query.page(Vec::new(), None));
        };
        let mut reached = None;
        if query.filter.passes_over() {
            let count = query.max_examined;
            reached = self.find_last_examined(campaign, count, range).await?;
            range.0 = reached.unwrap_or(range.0);
        }
        let mut filter = Document::new();
        for (name, answers) in &query.filter.answers {
            filter.insert(format!("answers.{name}"), doc! { "$in": answers });
        }
        if let Some(door) = query.filter.door {
            filter.insert("door", <&str>::from(door));
        }
        if let Some(instance) = &query.filter.instance {
            filter.insert("instance", instance);
        }
        let find = self.votes.find(filter).sort(newest_first());
        let find = find
            .min(bound(campaign, range.0))
            .max(bound(campaign, range.1));
        let find = find.hint(hint()).limit(i64::from(query.limit) + 1);
        let found: Vec<RawDocumentBuf> =
            collect(OPERATION_TIMEOUT, find.max_time(OPERATION_TIMEOUT)).await?;
        let votes = found.iter().map(|vote| read_stored(campaign, vote));
        Ok(query.page(votes.collect::<Result<_>>()?, reached))
    }

    /// Returns the position of the last of `count` votes of a range, from the index alone. `None` if the range has fewer.
    async fn find_last_examined(
        &self,
        campaign: &Campaign,
        count: u32,
        (first, end): Range,
    ) -> Result<Option<VotePosition>> {
        let find = self.votes.find(doc! {}).sort(newest_first());
        let find = find.min(bound(campaign, first)).max(bound(campaign, end));
        let find = find.projection(doc! { "received_at": 1, "_id": 1 });
        let find = find.skip(u64::from(count.max(1) - 1)).limit(1);
        let find = find.hint(hint()).max_time(OPERATION_TIMEOUT);
        let found: Vec<RawDocumentBuf> = collect(OPERATION_TIMEOUT, find).await?;
        let position = found.first().map(|document| {
            Ok(VotePosition {
                received_at: read_field(document, "received_at", convert::time)?,
                id: read_field(document, "_id", convert::registration_id)?,
            })
        });
        position.transpose()
    }

    pub(crate) async fn stored_vote(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<StoredVote>> {
        let filter = doc! { "_id": binary(id.as_bytes()), "campaign": campaign.id.as_str() };
        let found = in_time(self.votes.find_one(filter)).await?;
        found.map(|vote| read_stored(campaign, &vote)).transpose()
    }
}

fn newest_first() -> Document {
    doc! { "received_at": -1, "_id": -1 }
}

fn hint() -> Hint {
    Hint::Name(NEWEST.to_owned())
}

/// Returns a bound of the index. MongoDB includes the lower one, and excludes the upper one.
fn bound(campaign: &Campaign, position: VotePosition) -> Document {
    doc! {
        "campaign": campaign.id.as_str(),
        "received_at": moment(position.received_at),
        "_id": binary(position.id.as_bytes()),
    }
}
