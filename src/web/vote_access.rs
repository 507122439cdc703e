//! Access to single votes, for the API and the staff area: limits the list to the places of the reader, and writes the
//! audit entry before anything is shown.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::AppState;
use super::error::Error;
use super::staff::{AuditEvent, Principal, RequestAudit};
use super::vote_query::VoteListQuery;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::vote::{StoredVote, VotePosition};
use jornada_domain::{Campaign, FieldKind, RegistrationId};
use jornada_store::{VoteFilter, VotePage, VoteQuery};

/// Votes that are compared with a filter for one page: a tenth of a second.
pub const MAX_EXAMINED: u32 = 20_000;

/// Time by which a reader who follows the votes looks back beyond the longest delay: votes of several processes are stored
/// in another order than they were received.
const LOOK_BACK: SignedDuration = SignedDuration::from_secs(10);

/// Latest votes whose delays from the receipt to the store count for that: as many as a followed list shows.
const TAIL_VOTES: u16 = 200;

/// Age of a position, beyond that of the tail, from which reading the votes after it is not following them.
const MAX_LATENESS: SignedDuration = SignedDuration::from_mins(1);

/// A reader of the votes of a campaign.
#[derive(Clone, Debug)]
pub struct VoteReader {
    /// The application.
    pub app: AppState,
    /// The principal who reads.
    pub principal: Principal,
    /// Writes the audit entries.
    pub audit: RequestAudit,
    /// The campaign, which takes in votes.
    pub campaign: Arc<Campaign>,
}

/// Returns whether a principal who may read votes may list those of a campaign. Who is limited to places may only if the
/// campaign asks for one of a closed list.
pub fn may_list(principal: &Principal, campaign: &Campaign) -> bool {
    let field = campaign.tally_field();
    let has_places = matches!(field.kind, FieldKind::Place(_)) && field.closed_values().is_some();
    has_places || principal.place_scope().is_all()
}

impl VoteReader {
    /// Checks that the principal may read votes of this campaign.
    pub fn new(
        app: &AppState,
        principal: Principal,
        audit: RequestAudit,
        campaign: &str,
    ) -> Result<Self, Error> {
        principal.require(Permission::ReadVotes)?;
        let campaign = app.campaign(campaign)?.clone();
        if !campaign.is_vote() {
            return Err(Error::OtherKind);
        }
        if !may_list(&principal, &campaign) {
            return Err(Error::Forbidden);
        }
        let app = app.clone();
        Ok(Self {
            app,
            principal,
            audit,
            campaign,
        })
    }

    /// Returns a page of votes, after writing the audit entry, and the position from which whoever follows them goes on
    /// unless it is a later page. Of a reader who follows them the audit log has one entry a minute.
    pub async fn list(
        &self,
        query: VoteListQuery,
    ) -> Result<(VotePage, Option<VotePosition>), Error> {
        let VoteListQuery {
            filter,
            limit,
            before,
            after,
            ..
        } = query;
        let names = VoteListQuery::filter_names(&filter);
        let query = VoteQuery {
            filter: self.restrict(filter).await?,
            before,
            after,
            limit,
            max_examined: MAX_EXAMINED,
        };
        let now = Timestamp::now();
        // The tail first: what is stored meanwhile comes after it.
        let tail = match before {
            None => Some(self.tail(now).await?),
            Some(_) => None,
        };
        let page = self.app.store.list_votes(&self.campaign, &query).await?;
        let is_recent = |(after, tail): (VotePosition, VotePosition)| {
            tail.received_at.duration_since(after.received_at) <= MAX_LATENESS
        };
        let follows = after.zip(tail).is_some_and(is_recent);
        let (actor, tail_reads) = (self.principal.actor(), &self.app.tail_reads);
        if !follows || tail_reads.admit(actor, &self.campaign.id, now) {
            let event = self.new_event(AuditAction::VotesRead);
            let event = event.with_detail("filters", names);
            self.record(event.with_detail("rows", page.votes.len()))
                .await?;
        }
        Ok((page, tail))
    }

    /// Returns the position after which whoever follows the votes asks for the next ones. A vote that was stored late, and is
    /// among the latest all the same, comes after it.
    async fn tail(&self, now: Timestamp) -> Result<VotePosition, Error> {
        let latest = VoteQuery::newest(TAIL_VOTES, Some(now));
        let page = self.app.store.list_votes(&self.campaign, &latest).await?;
        let newest = page.votes.first().map(|vote| vote.vote.received_at);
        let delays = page.votes.iter().filter_map(StoredVote::delay);
        let look_back = LOOK_BACK + delays.max().unwrap_or_default();
        let tail = newest.unwrap_or(now).saturating_sub(look_back);
        Ok(VotePosition::first_at(tail.unwrap_or(Timestamp::MIN)))
    }

    /// Returns a vote, after writing the audit entry. Outside the reader's places the answer is that for an unknown id.
    pub async fn load(&self, id: &str) -> Result<StoredVote, Error> {
        let id = RegistrationId::parse(id).ok_or(Error::NoSuchVote)?;
        let found = self.app.store.stored_vote(&self.campaign, id).await?;
        let vote = found.ok_or(Error::NoSuchVote)?;
        let value = self.campaign.tally_value(&vote.vote.answers);
        let is_visible = self.principal.may_see(&value);
        let action = if is_visible {
            AuditAction::VotesRead
        } else {
            AuditAction::AccessDenied
        };
        self.record(self.new_event(action).with_detail("vote", id))
            .await?;
        is_visible.then_some(vote).ok_or(Error::NoSuchVote)
    }

    /// Limits a filter to the places of the reader. Records a request for another place.
    pub async fn restrict(&self, mut filter: VoteFilter) -> Result<VoteFilter, Error> {
        if self.principal.place_scope().is_all() {
            return Ok(filter);
        }
        let field = &self.campaign.tally_field().name;
        let mut asked = filter.answers.iter().filter(|(name, _)| name == field);
        match asked.next() {
            None => {
                let places = self.principal.visible_values(&self.campaign);
                filter.answers.push((field.clone(), places));
            }
            Some((_, values)) if values.iter().all(|value| self.principal.may_see(value)) => {}
            Some(_) => {
                self.record(self.new_event(AuditAction::AccessDenied))
                    .await?;
                return Err(Error::NoSuchValue);
            }
        }
        Ok(filter)
    }

    /// Builds an audit event about the votes of the campaign.
    pub fn new_event(&self, action: AuditAction) -> AuditEvent {
        AuditEvent::new(action).with_campaign(&self.campaign.id)
    }

    /// Writes an audit entry.
    pub async fn record(&self, event: AuditEvent) -> Result<(), Error> {
        self.audit.record(&self.app, event).await
    }
}
