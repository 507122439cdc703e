//! The list of the votes of a campaign, newest first. One index serves every filter: it gives the votes in the order of
//! receipt, and those that do not match are passed over, a bounded number for each page. An index for each field would
//! cost every insertion.

mod mongo;
mod sqlite;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::vote::{StoredVote, VotePosition};
use jornada_domain::{Campaign, Door, RegistrationId};

/// Filter of the list. An empty filter lists all votes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoteFilter {
    /// Names of fields, each with the answers of which a vote must have one.
    pub answers: Vec<(String, Vec<String>)>,
    /// Door by which the vote came in.
    pub door: Option<Door>,
    /// Name of the instance that took the vote in.
    pub instance: Option<String>,
    /// Earliest time of receipt, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time of receipt, exclusive.
    pub until: Option<Timestamp>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteQuery {
    /// Filter of the votes.
    pub filter: VoteFilter,
    /// Only votes that were received before this one.
    pub before: Option<VotePosition>,
    /// Only votes that were received after this one.
    pub after: Option<VotePosition>,
    /// Maximum number of votes.
    pub limit: u16,
    /// Maximum number of votes that are compared with the filter, at least 1.
    pub max_examined: u32,
}

/// Votes of a page, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VotePage {
    /// The votes.
    pub votes: Vec<StoredVote>,
    /// Position at which the next page begins: its votes were received before it. `None` at the end of the list.
    pub next: Option<VotePosition>,
    /// False if the maximum number of votes was compared before the page was full. Going on from `next` finds the rest.
    pub is_complete: bool,
}

/// A range of positions: the first inclusive, the last exclusive.
type Range = (VotePosition, VotePosition);

impl VoteFilter {
    /// Returns whether votes within a range of time may fail to match.
    fn passes_over(&self) -> bool {
        !self.answers.is_empty() || self.door.is_some() || self.instance.is_some()
    }
}

impl VoteQuery {
    /// Creates a query for the newest votes of all, up to `limit` that were received before a time.
    pub fn newest(limit: u16, until: Option<Timestamp>) -> Self {
        Self {
            filter: VoteFilter {
                until,
                ..VoteFilter::default()
            },
            before: None,
            after: None,
            limit,
            max_examined: limit.into(),
        }
    }

    /// Returns the positions that the page may contain, or `None` if there are none.
    fn range(&self) -> Option<Range> {
        let from = self.filter.from.unwrap_or(Timestamp::MIN);
        let first = VotePosition::first_at(from);
        let first = first.max(self.after.map_or(first, successor));
        let until = self.filter.until.unwrap_or(Timestamp::MAX);
        let end = VotePosition::first_at(until);
        let end = end.min(self.before.unwrap_or(end));
        (first < end).then_some((first, end))
    }

    /// Makes the page of up to `limit + 1` matching votes. `reached` is where the search had to stop.
    fn page(&self, mut votes: Vec<StoredVote>, reached: Option<VotePosition>) -> VotePage {
        let limit = usize::from(self.limit);
        let is_full = votes.len() > limit;
        votes.truncate(limit);
        let last = votes.last().map(StoredVote::position);
        VotePage {
            next: if is_full { last } else { reached },
            is_complete: is_full || reached.is_none(),
            votes,
        }
    }
}

/// Returns the position directly after another one.
fn successor(position: VotePosition) -> VotePosition {
    let id = u128::from_be_bytes(*position.id.as_bytes());
    let next = id.checked_add(1).map(u128::to_be_bytes);
    let later = || VotePosition::first_at(position.received_at + SignedDuration::from_millis(1));
    next.map_or_else(later, |id| VotePosition {
        id: RegistrationId::from_bytes(id),
        ..position
    })
}

impl Store {
    /// Returns a page of the votes of a campaign. Votes that are inserted meanwhile do not shift the following pages.
    pub async fn list_votes(
        &self,
        campaign: &Arc<Campaign>,
        query: &VoteQuery,
    ) -> Result<VotePage> {
        dispatch!("list_votes", self.list_votes(campaign, query))
    }

    /// Returns a vote of a campaign.
    pub async fn stored_vote(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<StoredVote>> {
        dispatch!("stored_vote", self.stored_vote(campaign, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_all_bounds_have_in_common() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let position = |millisecond, id| VotePosition {
            received_at: at(millisecond),
            id: RegistrationId::from_bytes([id; 16]),
        };
        let query = |from: i64, until: i64, after, before| VoteQuery {
            filter: VoteFilter {
                from: Some(at(from)),
                until: Some(at(until)),
                ..VoteFilter::default()
            },
            before,
            after,
            limit: 1,
            max_examined: 1,
        };
        let whole = query(5, 9, None, None).range();
        assert_eq!(whole, Some((position(5, 0), position(9, 0))));
        let last = Some(position(6, 255));
        let narrow = query(5, 9, last, Some(position(8, 3))).range();
        assert_eq!(narrow, Some((position(7, 0), position(8, 3))));
        assert_eq!(query(9, 9, None, None).range(), None);
        assert_eq!(query(5, 9, Some(position(9, 1)), None).range(), None);
    }
}
