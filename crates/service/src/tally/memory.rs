//! Counts in memory, for a single process.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::counts::{CampaignCounts, CountChanges, definition};
use super::minutes::{self, MINUTES};
use super::{CacheState, CachedCampaign, LeaderTurn, RefreshRequests};
use jornada_domain::{Campaign, CampaignId};
use jornada_store::FeedPosition;

/// Minimum time between refreshes of a campaign.
pub(super) const REFRESH_INTERVAL: SignedDuration = SignedDuration::from_secs(30);

/// Counts in memory. The process always leads.
#[derive(Clone, Debug, Default)]
pub struct MemoryCounts(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    state: Option<CacheState>,
    counts: BTreeMap<CampaignId, CampaignCounts>,
    refreshes_requested: RefreshRequests,
    refreshed_at: BTreeMap<CampaignId, Timestamp>,
}

impl MemoryCounts {
    pub(super) fn acquire_lead(
        &self,
        complete_at: Option<Timestamp>,
        now: Timestamp,
    ) -> LeaderTurn {
        let mut inner = self.0.lock();
        let inner = &mut *inner;
        if let Some((state, complete_at)) = inner.state.as_mut().zip(complete_at) {
            state.as_of = complete_at;
        }
        let refreshed_at = &inner.refreshed_at;
        let has_rested = |campaign: &CampaignId| {
            let at = refreshed_at.get(campaign);
            at.is_none_or(|at| now.duration_since(*at) >= REFRESH_INTERVAL)
        };
        let mut due = inner.refreshes_requested.clone();
        due.retain(|campaign, _| has_rested(campaign));
        let refreshed = due.keys().map(|campaign| (campaign.clone(), now));
        inner.refreshed_at.extend(refreshed);
        LeaderTurn::Lead(due)
    }

    pub(super) fn state(&self) -> Option<CacheState> {
        self.0.lock().state.clone()
    }

    pub(super) fn counts(&self, campaign: &Campaign) -> CampaignCounts {
        let inner = self.0.lock();
        inner.counts.get(&campaign.id).cloned().unwrap_or_default()
    }

    pub(super) fn add(
        &self,
        from: &FeedPosition,
        to: &FeedPosition,
        changes: &CountChanges,
    ) -> bool {
        let mut inner = self.0.lock();
        let inner = &mut *inner;
        let state = inner.state.as_mut();
        let Some(state) = state.filter(|state| state.position == *from) else {
            return false;
        };
        state.position = to.clone();
        for (campaign, tallies) in &changes.0 {
            if let Some(cached) = state.campaigns.get_mut(campaign) {
                cached.revision += 1;
            }
            let counts = inner.counts.entry(campaign.clone()).or_default();
            let mut has_hidden = false;
            for (tally, keys) in tallies {
                let counts = counts.entry(tally.clone()).or_default();
                for (key, difference) in keys {
                    let is_hidden = counts.add(key.clone(), *difference);
                    has_hidden |= is_hidden;
                }
                if tally == MINUTES {
                    for key in minutes::outdated(counts) {
                        counts.counts.remove(&key);
                    }
                }
            }
            if has_hidden {
                let requests = inner.refreshes_requested.entry(campaign.clone());
                *requests.or_default() += 1;
            }
        }
        true
    }

    pub(super) fn replace(
        &self,
        from: Option<&FeedPosition>,
        to: &FeedPosition,
        counts: &[(Arc<Campaign>, CampaignCounts)],
        now: Timestamp,
    ) -> bool {
        let mut inner = self.0.lock();
        let inner = &mut *inner;
        if inner.state.as_ref().map(|state| &state.position) != from {
            return false;
        }
        let state = inner.state.get_or_insert_with(|| CacheState {
            position: to.clone(),
            as_of: now,
            campaigns: BTreeMap::new(),
        });
        state.position = to.clone();
        for (campaign, counts) in counts {
            let id = &campaign.id;
            let revision = state.campaigns.get(id).map_or(0, |cached| cached.revision) + 1;
            let definition = definition(campaign);
            let cached = CachedCampaign {
                revision,
                definition,
            };
            state.campaigns.insert(id.clone(), cached);
            let minutes = inner.counts.get_mut(id);
            let minutes = minutes.and_then(|counts| counts.remove_entry(MINUTES));
            let starting = || (MINUTES.to_owned(), minutes::starting(now));
            let minutes = minutes.or_else(|| campaign.shows_votes().then(starting));
            let counts = counts.clone().into_iter().chain(minutes);
            inner.counts.insert(id.clone(), counts.collect());
        }
        true
    }

    pub(super) fn request_refresh(&self, campaign: &CampaignId) {
        let mut inner = self.0.lock();
        let requests = inner.refreshes_requested.entry(campaign.clone());
        *requests.or_default() += 1;
    }

    pub(super) fn finish_refresh(&self, campaign: &CampaignId, requests: u64) {
        let mut inner = self.0.lock();
        if inner.refreshes_requested.get(campaign) == Some(&requests) {
            inner.refreshes_requested.remove(campaign);
        }
    }
}
