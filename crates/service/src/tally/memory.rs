//! Tally in memory, for a single process.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::{LeaderTurn, Totals};
use jornada_domain::CampaignId;
use jornada_store::{FeedPosition, TotalsSnapshot};

/// Minimum time between refreshes.
pub(super) const REFRESH_INTERVAL: SignedDuration = SignedDuration::from_secs(30);

/// Totals in memory. The process always leads.
#[derive(Clone, Debug, Default)]
pub struct MemoryTally {
    campaigns: Arc<Mutex<HashMap<CampaignId, MemoryTotals>>>,
}

#[derive(Debug, Default)]
struct MemoryTotals {
    totals: Option<Totals>,
    refresh_requested: bool,
    refreshed_at: Option<Timestamp>,
}

impl MemoryTally {
    pub(super) fn acquire_lead(
        &self,
        campaign: &CampaignId,
        caught_up: bool,
        now: Timestamp,
    ) -> LeaderTurn {
        let mut entries = self.campaigns.lock();
        let entry = entries.entry(campaign.clone()).or_default();
        if let Some(totals) = entry.totals.as_mut().filter(|_| caught_up) {
            totals.as_of = now;
        }
        let rested = entry
            .refreshed_at
            .is_none_or(|at| now.duration_since(at) >= REFRESH_INTERVAL);
        if entry.refresh_requested && rested {
            entry.refresh_requested = false;
            entry.refreshed_at = Some(now);
            return LeaderTurn::Refresh;
        }
        LeaderTurn::Lead
    }

    pub(super) fn read(&self, campaign: &CampaignId) -> Option<Totals> {
        self.campaigns.lock().get(campaign)?.totals.clone()
    }

    pub(super) fn add(
        &self,
        campaign: &CampaignId,
        from: &FeedPosition,
        to: &FeedPosition,
        deltas: &BTreeMap<&str, i64>,
    ) -> bool {
        let mut entries = self.campaigns.lock();
        let totals = entries
            .get_mut(campaign)
            .and_then(|entry| entry.totals.as_mut());
        let Some(totals) = totals.filter(|totals| totals.position == *from) else {
            return false;
        };
        for (value, delta) in deltas {
            let total = totals.values.entry((*value).to_owned()).or_default();
            *total = total.saturating_add_signed(*delta);
        }
        totals.values.retain(|_, total| *total > 0);
        totals.position = to.clone();
        true
    }

    pub(super) fn replace(
        &self,
        campaign: &CampaignId,
        from: Option<&FeedPosition>,
        snapshot: &TotalsSnapshot,
        now: Timestamp,
    ) -> bool {
        let mut entries = self.campaigns.lock();
        let entry = entries.entry(campaign.clone()).or_default();
        if entry.totals.as_ref().map(|totals| &totals.position) != from {
            return false;
        }
        entry.totals = Some(Totals {
            values: snapshot.totals.clone(),
            position: snapshot.position.clone(),
            as_of: now,
        });
        true
    }

    pub(super) fn request_refresh(&self, campaign: &CampaignId) {
        self.campaigns
            .lock()
            .entry(campaign.clone())
            .or_default()
            .refresh_requested = true;
    }
}
