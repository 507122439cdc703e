//! Votes: inserted in batches, looked up, read page by page, and erased as a whole.

mod document;
pub mod list;
mod mongo;
mod new_vote;
mod row;
mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::deltas::Delta;
use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::{Campaign, CampaignId, ReceiptNumber, RegistrationId, Vote};

pub use new_vote::NewVote;

/// A vote found by its receipt number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVote {
    /// Id of the vote.
    pub id: RegistrationId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Answers by the names of the fields.
    pub answers: BTreeMap<String, String>,
    /// Time of receipt.
    pub received_at: Timestamp,
}

impl Store {
    /// Returns the vote whose receipt has this number.
    pub async fn vote(&self, number: ReceiptNumber) -> Result<Option<FoundVote>> {
        dispatch!("vote", self.vote(number))
    }

    /// Returns up to `limit` votes of a campaign with ids above `after`, in the order of the ids.
    pub async fn votes_after(
        &self,
        campaign: &Arc<Campaign>,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<Vote>> {
        dispatch!("votes", self.votes_after(campaign, after, limit))
    }

    /// Deletes these votes of a campaign together with their counts, in one transaction. Returns how many there were.
    pub async fn erase_votes(&self, campaign: &Arc<Campaign>, votes: Vec<Vote>) -> Result<u64> {
        dispatch!("erase_votes", self.erase_votes(campaign, votes))
    }
}

/// Returns what the deletion of these votes takes from the counts.
fn subtract_deltas<'a>(campaign: &Campaign, votes: impl IntoIterator<Item = &'a Vote>) -> Delta {
    let mut delta = Delta::new(campaign);
    for vote in votes {
        delta.add(campaign, &vote.answers, -1);
    }
    delta
}
