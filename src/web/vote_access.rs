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

/// Time by which a reader who follows the votes looks back: votes of several processes are stored in another order than
/// they were received.
const LOOK_BACK: SignedDuration = SignedDuration::from_secs(10);

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

impl VoteReader {
    /// Checks that the principal may read votes of this campaign. Who is limited to places may only if the campaign asks
    /// for one of a closed list.
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
        let field = campaign.tally_field();
        let has_places =
            matches!(field.kind, FieldKind::Place(_)) && field.closed_values().is_some();
        if !has_places && !principal.place_scope().is_all() {
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

    /// Returns a page of votes, after writing the audit entry.
    pub async fn list(&self, query: VoteListQuery) -> Result<VotePage, Error> {
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
        let page = self.app.store.list_votes(&self.campaign, &query).await?;
        let (actor, now) = (self.principal.actor(), Timestamp::now());
        let tail_reads = &self.app.tail_reads;
        if after.is_none() || tail_reads.admit(actor, &self.campaign.id, now) {
            let event = self.new_event(AuditAction::VotesRead);
            let event = event.with_detail("filters", names);
            self.record(event.with_detail("rows", page.votes.len()))
                .await?;
        }
        Ok(page)
    }

    /// Returns the position after which whoever follows the votes asks for the next ones.
    pub async fn tail(&self) -> Result<VotePosition, Error> {
        let now = Timestamp::now();
        let newest = VoteQuery::newest(1, Some(now));
        let page = self.app.store.list_votes(&self.campaign, &newest).await?;
        let newest = page.votes.first().map(|vote| vote.vote.received_at);
        let tail = newest.unwrap_or(now).saturating_sub(LOOK_BACK);
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
