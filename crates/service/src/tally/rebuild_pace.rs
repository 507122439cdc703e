//! Rebuilds and refreshes of the totals: why they happen, and how often they may.

use std::collections::HashMap;
use std::time::Duration;

use strum::IntoStaticStr;
use tokio::time::{Instant, sleep_until};

use super::RefreshRequests;
use jornada_domain::CampaignId;
use jornada_store::{FeedError, StoreError};

/// Pause after a rebuild. Doubles with each further one.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause. After as long without a rebuild the next one has the shortest pause again.
const MAX_PAUSE: Duration = Duration::from_mins(1);
/// Pause after the refresh of a campaign, in multiples of its duration.
const REST_FACTOR: u32 = 10;

/// Why the counts of all campaigns are taken anew from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum RebuildReason {
    /// The cache has none.
    Missing,
    /// The feed cannot continue: deltas are gone or unreadable, or the store was restored.
    Lost,
    /// So much was written that reading it takes longer than counting.
    Behind,
}

impl RebuildReason {
    /// Returns the reason for a rebuild after an error of the feed, or the error if it is none.
    pub(super) fn of(error: FeedError) -> Result<Self, StoreError> {
        match error {
            FeedError::Lost => Ok(Self::Lost),
            FeedError::Behind => Ok(Self::Behind),
            FeedError::Store(error) => Err(error),
        }
    }
}

/// Pauses between rebuilds, so that a cause that stays does not load the store without end.
#[derive(Debug, Default)]
pub(super) struct RebuildPace {
    /// End of the last rebuild, and the pause after it.
    last: Option<(Instant, Duration)>,
    /// Times until which campaigns are not refreshed again.
    resting: HashMap<CampaignId, Instant>,
}

impl RebuildPace {
    /// Waits until the next rebuild may begin.
    pub(super) async fn wait(&self) {
        if let Some((ended_at, pause)) = self.last {
            sleep_until(ended_at + pause).await;
        }
    }

    /// Returns whether the last refresh of a campaign took so long that the next one must wait.
    fn is_resting(&self, campaign: &CampaignId, now: Instant) -> bool {
        self.resting.get(campaign).is_some_and(|until| now < *until)
    }

    /// Returns the first requested refresh that need not wait.
    pub(super) fn next_due(
        &self,
        requests: &RefreshRequests,
        now: Instant,
    ) -> Option<(CampaignId, u64)> {
        let mut due = requests.iter().filter(|(id, _)| !self.is_resting(id, now));
        due.next().map(|(id, requests)| (id.clone(), *requests))
    }

    /// Notes a refresh, done or failed.
    pub(super) fn rest(&mut self, campaign: &CampaignId, start: Instant, end: Instant) {
        let until = end + (end - start) * REST_FACTOR;
        self.resting.insert(campaign.clone(), until);
    }

    /// Notes the end of a rebuild, done or failed.
    pub(super) fn slow_down(&mut self, now: Instant) {
        let recent = self
            .last
            .filter(|(ended_at, pause)| now - *ended_at < *pause + MAX_PAUSE);
        let pause = recent.map_or(MIN_PAUSE, |(_, pause)| (pause * 2).min(MAX_PAUSE));
        self.last = Some((now, pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rebuilds_that_follow_each_other_are_ever_rarer() {
        let (mut pace, mut now) = (RebuildPace::default(), Instant::now());
        let mut pause_after = |wait: Duration| {
            now += wait;
            pace.slow_down(now);
            pace.last.unwrap().1.as_secs()
        };
        let mut pause = 0;
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            pause = pause_after(Duration::from_secs(pause));
            assert_eq!(pause, expected);
        }
        assert_eq!(pause_after(2 * MAX_PAUSE), 1);
    }

    #[test]
    fn a_slow_refresh_is_rare() {
        let (mut pace, start) = (RebuildPace::default(), Instant::now());
        let campaign = CampaignId::parse("voto").unwrap();
        assert!(!pace.is_resting(&campaign, start));
        let end = start + Duration::from_secs(20);
        pace.rest(&campaign, start, end);
        assert!(pace.is_resting(&campaign, end + Duration::from_secs(199)));
        assert!(!pace.is_resting(&campaign, end + Duration::from_secs(200)));
    }
}
