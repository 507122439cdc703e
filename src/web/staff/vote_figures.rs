//! Figures about votes for the overview of the staff: how fast they arrive and by which doors, and what waits in the queue.
//! A figure that cannot be found out in time is shown as unknown, never as 0.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use super::context::StaffContext;
use crate::app::App;
use crate::web::vote_access::{MAX_EXAMINED, may_list};
use jornada_domain::Campaign;
use jornada_domain::vote::StoredVote;
use jornada_queue::QueueState;
use jornada_service::tally::minutes::votes_per_minute;
use jornada_store::VoteQuery;

/// Number of the newest votes that are looked at.
pub(super) const SAMPLE: u16 = 1_000;

/// Time limit of each look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// Period of the rate, if fewer votes than the sample arrived in it.
const PERIOD: SignedDuration = SignedDuration::from_mins(1);

/// Figures of a campaign.
#[derive(Clone, Debug, Default)]
pub(super) struct VoteFigures {
    /// Votes a minute; `None` if unknown.
    pub(super) rate: Option<u64>,
    /// Votes of the last 60 complete minutes; `None` if unknown.
    pub(super) hour: Option<u64>,
    /// Doors of the newest votes with their numbers, highest first.
    pub(super) doors: Vec<(&'static str, u64)>,
}

/// Figures of the queue and its dead letters, which belong to no campaign.
#[derive(Clone, Debug)]
pub(super) struct QueueFigures {
    /// Whether votes go through a queue.
    pub(super) has_queue: bool,
    /// State of the queue; `None` if unknown.
    pub(super) state: Option<QueueState>,
    /// Number of dead letters; `None` if unknown.
    pub(super) dead_letters: Option<u64>,
}

impl VoteFigures {
    /// Reads the newest votes of a campaign, within the places of the reader. The votes of the last hour are known of the
    /// whole campaign only.
    pub(super) async fn read(
        context: &StaffContext,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> Self {
        let (app, principal) = (&context.app, &context.principal);
        let sees_all = principal.place_scope().is_all();
        if !may_list(principal, campaign) {
            return Self::default();
        }
        let mut newest = VoteQuery::newest(SAMPLE, Some(now));
        if !sees_all {
            let places = principal.visible_values(campaign);
            let field = campaign.tally_field().name.clone();
            newest.filter.answers.push((field, places));
            newest.max_examined = MAX_EXAMINED;
        }
        let list = app.store.list_votes(campaign, &newest);
        let mut figures = match timeout(LOOK_TIMEOUT, list).await {
            Ok(Ok(page)) => Self::of_newest(&page.votes, now),
            _ => Self::default(),
        };
        let totals = app.live_totals.latest(&campaign.id).filter(|_| sees_all);
        // Unknown until an hour was counted.
        let minutes = totals.map(|totals| votes_per_minute(&totals.counts, now));
        figures.hour = minutes.and_then(|minutes| minutes.into_iter().sum());
        figures
    }

    /// Computes the figures of the newest votes, up to [`SAMPLE`].
    fn of_newest(votes: &[StoredVote], now: Timestamp) -> Self {
        let mut doors: BTreeMap<&'static str, u64> = BTreeMap::new();
        for stored in votes {
            *doors.entry(stored.vote.door.into()).or_default() += 1;
        }
        let mut doors: Vec<_> = doors.into_iter().collect();
        doors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let age = |stored: &StoredVote| now.duration_since(stored.vote.received_at);
        let recent = votes.iter().filter(|stored| age(stored) < PERIOD);
        let recent = recent.count();
        let span = match votes.last() {
            Some(oldest) if recent == usize::from(SAMPLE) => age(oldest),
            _ => PERIOD,
        };
        let a_minute = 60_000 * u128::try_from(recent).unwrap_or_default();
        let span = u128::try_from(span.as_millis().max(1)).unwrap_or(1);
        Self {
            rate: u64::try_from(a_minute / span).ok(),
            hour: None,
            doors,
        }
    }
}

impl QueueFigures {
    /// Looks at the queue, and counts the dead letters.
    pub(super) async fn read(app: &App) -> Self {
        let state = async {
            let observer = app.queue_observer.as_ref()?;
            let state = timeout(LOOK_TIMEOUT, observer.state()).await;
            state.ok()?.ok()
        };
        let count = timeout(LOOK_TIMEOUT, app.store.count_dead_letters());
        let (state, count) = tokio::join!(state, count);
        Self {
            has_queue: app.queue_observer.is_some(),
            state,
            dead_letters: count.ok().and_then(Result::ok),
        }
    }

    /// Returns the age of the oldest vote that waits, in seconds.
    pub(super) fn oldest_seconds(&self) -> Option<u64> {
        Some(self.state?.oldest_age?.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use jornada_domain::{Answers, CampaignId, Door, RegistrationId, Vote};

    use super::*;

    fn vote(now: Timestamp, age_ms: i64, door: Door) -> StoredVote {
        StoredVote {
            vote: Vote {
                id: RegistrationId::from_bytes([1; 16]),
                campaign: CampaignId::parse("urna").unwrap(),
                answers: Answers::from_stored(Vec::new()),
                received_at: now - SignedDuration::from_millis(age_ms),
                door,
                instance: None,
            },
            stored_at: None,
            queue_place: None,
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute_or_of_a_full_sample() {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let rate = |votes: &[StoredVote]| VoteFigures::of_newest(votes, now).rate;
        assert_eq!(rate(&[]), Some(0));
        let few = [
            vote(now, 10, Door::Grpc),
            vote(now, 59_999, Door::Http),
            vote(now, 60_000, Door::Grpc),
        ];
        let figures = VoteFigures::of_newest(&few, now);
        assert_eq!(
            (figures.rate, figures.doors),
            (Some(2), vec![("grpc", 2), ("http", 1)])
        );
        let many: Vec<_> = (0..1_000)
            .map(|age| vote(now, age / 20, Door::Http))
            .collect();
        assert_eq!(rate(&many), Some(1_224_489), "1,000 in 49 ms");
        assert_eq!(VoteFigures::default().rate, None);
    }
}
