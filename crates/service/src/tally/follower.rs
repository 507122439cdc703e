//! Updates the counts of all campaigns from the store's feed. One instance at a time leads (lease). It writes changes and
//! position atomically, so that counts stay exact whenever it crashes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span, info, warn};

use super::counts::{CampaignCounts, CountChanges, Projection, definition};
use super::drift::total_drift;
use super::metrics::TallyMetrics;
use super::rebuild_pace::{RebuildPace, RebuildReason};
use super::snapshot_counter::count_campaigns;
use super::{LeaderTurn, RefreshRequests, TallyCache, TallyError};
use jornada_domain::{Campaign, CampaignId};
use jornada_runtime::background;
use jornada_runtime::metrics::gauge_value;
use jornada_store::{Feed, FeedChange, FeedPosition, Store};

/// Interval of lease renewals; the lease is ten times as long.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Pause after a batch, so that the next one holds more changes.
const BATCH_PAUSE: Duration = Duration::from_millis(200);

/// Time within which the leader must catch up. After that it counts anew, which takes less time.
const MAX_CATCH_UP_TIME: Duration = Duration::from_secs(5);

/// Updates the counts of all campaigns while this instance leads.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Source of changes.
    pub store: Store,
    /// Destination of counts.
    pub cache: TallyCache,
    /// Campaigns to follow.
    pub campaigns: Vec<Arc<Campaign>>,
    /// Metrics of lag and drift.
    pub metrics: TallyMetrics,
}

/// Position of the counts, and the feed open at that position.
struct FeedCursor {
    feed: Feed,
    position: FeedPosition,
}

/// Campaigns to count anew, with the requests that this fulfils.
type Recount = RefreshRequests;

impl Follower {
    /// Follows until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut polling = background::every(POLL_INTERVAL, &stop);
        let mut pace = RebuildPace::default();
        let lead = async {
            while polling
                .attempt("cannot update totals", self.lead(&mut pace))
                .await
            {}
        };
        lead.instrument(error_span!("totals")).await;
        // If this fails, the lease expires by itself.
        self.cache.resign().await.ok();
    }

    /// Leads until another instance takes the lead or moves the counts.
    async fn lead(&self, pace: &mut RebuildPace) -> anyhow::Result<()> {
        // A refresh that is not done when this ends is still requested, for a later call or another leader.
        let recount = &mut Recount::new();
        if !self.acquire_lead(None, recount).await? {
            return Ok(());
        }
        let Some(mut cursor) = self.open_feed(recount, pace).await? else {
            return Ok(());
        };
        let (opened_at, mut complete_at) = (Instant::now(), None);
        loop {
            let leads = self.acquire_lead(complete_at, recount).await?;
            if !leads || !self.refresh_all(&mut cursor, recount, pace).await? {
                return Ok(());
            }
            let asked_at = Timestamp::now();
            let batch = match cursor.feed.next(POLL_INTERVAL).await {
                Err(error) => {
                    let reason = RebuildReason::of(error).context("cannot read the feed")?;
                    let rebuilt = self.rebuild(Some(&cursor.position), reason, recount, pace);
                    return rebuilt.await.map(drop);
                }
                Ok(batch) => batch,
            };
            if batch.is_complete {
                complete_at = Some(asked_at);
            } else if complete_at.is_none() && opened_at.elapsed() > MAX_CATCH_UP_TIME {
                let position = Some(&cursor.position);
                let rebuilt = self.rebuild(position, RebuildReason::Behind, recount, pace);
                return rebuilt.await.map(drop);
            }
            if !self
                .add(&mut cursor, &batch.changes, batch.position)
                .await?
            {
                return Ok(());
            }
            if !batch.changes.is_empty() && batch.is_complete {
                tokio::time::sleep(BATCH_PAUSE).await;
            }
        }
    }

    /// Acquires or renews the lead, and notes the refreshes that are due. Returns false if another instance leads.
    async fn acquire_lead(
        &self,
        complete_at: Option<Timestamp>,
        recount: &mut Recount,
    ) -> Result<bool, TallyError> {
        let turn = self
            .cache
            .acquire_lead(complete_at, Timestamp::now())
            .await?;
        let LeaderTurn::Lead(due) = turn else {
            return Ok(false);
        };
        recount.extend(due);
        Ok(true)
    }

    /// Renews the lead until another instance leads. While the cache is unavailable, no other can.
    async fn keep_lead(&self, recount: &mut Recount) {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            if matches!(self.acquire_lead(None, recount).await, Ok(false)) {
                return;
            }
        }
    }

    /// Opens the feed at the position of the counts. Counts anew what is missing or counted by another definition, and
    /// everything if the feed does not reach back.
    async fn open_feed(
        &self,
        recount: &mut Recount,
        pace: &mut RebuildPace,
    ) -> anyhow::Result<Option<FeedCursor>> {
        let state = self.cache.state().await?;
        let mut reason = RebuildReason::Missing;
        if let Some(state) = &state {
            let is_outdated = |campaign: &&Arc<Campaign>| {
                let cached = state.campaigns.get(&campaign.id);
                cached.is_none_or(|cached| cached.definition != definition(campaign))
            };
            let outdated = self.campaigns.iter().filter(is_outdated);
            match self.store.feed(&state.position).await {
                Ok(feed) => {
                    for campaign in outdated {
                        recount.entry(campaign.id.clone()).or_default();
                    }
                    let position = state.position.clone();
                    return Ok(Some(FeedCursor { feed, position }));
                }
                Err(error) => reason = RebuildReason::of(error).context("cannot open the feed")?,
            }
        }
        let known = state.map(|state| state.position);
        let rebuilt = self.rebuild(known.as_ref(), reason, recount, pace);
        let Some(position) = rebuilt.await? else {
            return Ok(None);
        };
        let feed = self.store.feed(&position).await?;
        Ok(Some(FeedCursor { feed, position }))
    }

    /// Replaces all counts by a snapshot of the store, after a pause if that happens often. Returns its position, `None` if
    /// another leader moved the counts.
    async fn rebuild(
        &self,
        from: Option<&FeedPosition>,
        reason: RebuildReason,
        recount: &mut Recount,
        pace: &mut RebuildPace,
    ) -> anyhow::Result<Option<FeedPosition>> {
        tokio::select! {
            () = pace.wait() => {}
            () = self.keep_lead(recount) => anyhow::bail!("another instance leads"),
        }
        let reason: &str = reason.into();
        self.metrics.rebuilds.with_label_values(&[reason]).inc();
        let counted = self.count(self.campaigns.iter(), recount).await;
        pace.slow_down(Instant::now());
        let (counts, position) = counted?;
        let now = Timestamp::now();
        let replaced = self.cache.replace(from, &position, &counts, now).await?;
        info!(
            campaigns = counts.len(),
            reason, replaced, "rebuilt the totals"
        );
        Ok(replaced.then_some(position))
    }

    /// Counts campaigns in the store, and keeps the lead meanwhile.
    async fn count(
        &self,
        campaigns: impl Iterator<Item = &Arc<Campaign>>,
        recount: &mut Recount,
    ) -> anyhow::Result<(Vec<(Arc<Campaign>, CampaignCounts)>, FeedPosition)> {
        let campaigns = campaigns.cloned().collect();
        let counted = tokio::select! {
            counted = count_campaigns(&self.store, campaigns) => counted,
            () = self.keep_lead(recount) => anyhow::bail!("another instance leads"),
        };
        counted.context("cannot count the store")
    }

    /// Adds changes and moves the counts to a position. Returns false if another leader moved them.
    async fn add(
        &self,
        cursor: &mut FeedCursor,
        changes: &[FeedChange],
        to: FeedPosition,
    ) -> anyhow::Result<bool> {
        let (mut differences, mut uncounted) = (CountChanges::default(), BTreeSet::new());
        let now = Timestamp::now();
        for FeedChange { delta, .. } in changes {
            let Some(campaign) = self.campaign(&delta.campaign) else {
                continue;
            };
            let Some(projection) = Projection::new(campaign, &delta.fields) else {
                // Written by an instance with another campaign file.
                uncounted.insert(campaign.id.clone());
                continue;
            };
            for (answers, difference) in &delta.counts {
                differences.add(&projection, answers, *difference);
            }
            if campaign.shows_votes() {
                differences.add_to_minute(&campaign.id, now, delta.counts.values().sum());
            }
        }
        for id in &uncounted {
            self.cache.request_refresh(id).await?;
        }
        if cursor.position == to {
            return Ok(true);
        }
        let added = self.cache.add(&cursor.position, &to, &differences).await?;
        cursor.position = to;
        Ok(added)
    }

    fn campaign(&self, id: &CampaignId) -> Option<&Arc<Campaign>> {
        self.campaigns.iter().find(|campaign| campaign.id == *id)
    }

    /// Refreshes the campaigns that must be counted anew, unless their last refresh took long and was not long ago. Returns
    /// false if another leader moved the counts.
    async fn refresh_all(
        &self,
        cursor: &mut FeedCursor,
        recount: &mut Recount,
        pace: &mut RebuildPace,
    ) -> anyhow::Result<bool> {
        loop {
            let start = Instant::now();
            let Some((id, requests)) = pace.next_due(recount, start) else {
                return Ok(true);
            };
            if let Some(campaign) = self.campaign(&id) {
                let refreshed = self.refresh(cursor, campaign, recount).await;
                pace.rest(&id, start, Instant::now());
                if !refreshed? {
                    return Ok(false);
                }
            }
            self.cache.finish_refresh(&id, requests).await?;
            recount.remove(&id);
        }
    }

    /// Counts a campaign in the store, moves the counts to the position of that snapshot, records the drift between both,
    /// and replaces the counts. Returns false if another leader moved them.
    async fn refresh(
        &self,
        cursor: &mut FeedCursor,
        campaign: &Arc<Campaign>,
        recount: &mut Recount,
    ) -> anyhow::Result<bool> {
        let (counts, counted_at) = self.count(std::iter::once(campaign), recount).await?;
        let start = Instant::now();
        let (later, end) = loop {
            if !self.acquire_lead(None, recount).await? {
                return Ok(false);
            }
            anyhow::ensure!(
                start.elapsed() < MAX_CATCH_UP_TIME,
                "the feed did not reach the snapshot of {}",
                campaign.id
            );
            let mut batch = cursor.feed.next(Duration::ZERO).await?;
            let is_contained = |change: &FeedChange| change.position.at <= counted_at.at;
            let contained = batch.changes.partition_point(is_contained);
            let later = batch.changes.split_off(contained);
            let last = batch.changes.last().map(|change| change.position.clone());
            let reached = match last {
                _ if later.is_empty() => batch.position.clone(),
                Some(last) => last,
                None => cursor.position.clone(),
            };
            if !self.add(cursor, &batch.changes, reached).await? {
                return Ok(false);
            }
            // After a change of the primary the feed may be behind the snapshot.
            if !later.is_empty() || (batch.is_complete && batch.position.reached() >= counted_at.at)
            {
                break (later, batch.position);
            }
        };
        if let Err(error) = self.record_drift(campaign, &counts).await {
            warn!(campaign = %campaign.id, "cannot compare the cached totals, replacing them: {error:#}");
        }
        let position = cursor.position.clone();
        let now = Timestamp::now();
        let replaced = self.cache.replace(Some(&position), &position, &counts, now);
        Ok(replaced.await? && self.add(cursor, &later, end).await?)
    }

    async fn record_drift(
        &self,
        campaign: &Arc<Campaign>,
        counts: &[(Arc<Campaign>, CampaignCounts)],
    ) -> anyhow::Result<()> {
        let state = self.cache.state().await?;
        let cached = state.and_then(|mut state| state.campaigns.remove(&campaign.id));
        if cached.is_none_or(|cached| cached.definition != definition(campaign)) {
            return Ok(());
        }
        let cached = self.cache.counts(campaign).await?;
        let drift: u64 = counts
            .iter()
            .map(|(_, counts)| total_drift(&cached, counts))
            .sum();
        let gauge = self
            .metrics
            .drift
            .with_label_values(&[campaign.id.as_str()]);
        gauge.set(gauge_value(drift));
        if drift != 0 {
            warn!(campaign = %campaign.id, drift, "totals had drifted from the store, corrected");
        }
        Ok(())
    }
}
