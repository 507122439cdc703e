//! Updates the totals of one campaign from the store's feed. One instance at a time leads (lease). It writes changes
//! and position atomically, so that totals stay exact whenever it crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span, info, warn};

use super::metrics::TallyMetrics;
use super::{LeaderTurn, Tally, TallyError};
use jornada_domain::CampaignId;
use jornada_runtime::background;
use jornada_runtime::metrics::gauge_value;
use jornada_store::{Change, Feed, FeedError, FeedPosition, Store, TotalsSnapshot};

/// Interval of lease renewals; the lease is ten times as long.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Updates the totals of one campaign while this instance leads.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Source of changes.
    pub store: Store,
    /// Destination of totals.
    pub tally: Tally,
    /// Campaign to follow.
    pub campaign: CampaignId,
    /// Metrics of lag and drift.
    pub metrics: TallyMetrics,
}

/// Position of the totals, and the feed open at that position.
struct FeedCursor {
    feed: Feed,
    position: FeedPosition,
}

impl Follower {
    /// Follows until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let span = error_span!("totals", campaign = %self.campaign);
        let mut polling = background::every(POLL_INTERVAL, &stop);
        let lead = async { while polling.attempt("cannot update totals", self.lead()).await {} };
        lead.instrument(span).await;
        // If this fails, the lease expires by itself.
        self.tally.resign(&self.campaign).await.ok();
    }

    /// Leads until another instance takes the lead or moves the totals.
    async fn lead(&self) -> anyhow::Result<()> {
        if self.acquire_lead(false).await? == LeaderTurn::Follow {
            return Ok(());
        }
        let Some(mut cursor) = self.open_feed().await? else {
            return Ok(());
        };
        let mut caught_up = false;
        loop {
            match self.acquire_lead(caught_up).await? {
                LeaderTurn::Follow => return Ok(()),
                LeaderTurn::Refresh if !self.refresh(&mut cursor).await? => return Ok(()),
                LeaderTurn::Lead | LeaderTurn::Refresh => {}
            }
            let changes = match cursor.feed.next(POLL_INTERVAL).await {
                Err(FeedError::Lost) => {
                    return self.rebuild(Some(&cursor.position)).await.map(drop);
                }
                changes => changes.context("cannot read the feed")?,
            };
            caught_up = changes.is_empty();
            if !self.add(&mut cursor, &changes).await? {
                return Ok(());
            }
        }
    }

    async fn acquire_lead(&self, caught_up: bool) -> Result<LeaderTurn, TallyError> {
        let now = Timestamp::now();
        self.tally
            .acquire_lead(&self.campaign, caught_up, now)
            .await
    }

    /// Opens the feed at the position of the totals. Rebuilds them if missing, or if the feed no longer reaches back.
    async fn open_feed(&self) -> anyhow::Result<Option<FeedCursor>> {
        let known = self.tally.read(&self.campaign).await?;
        let known = known.map(|totals| totals.position);
        if let Some(position) = &known {
            match self.store.feed(&self.campaign, position).await {
                Ok(feed) => {
                    let position = position.clone();
                    return Ok(Some(FeedCursor { feed, position }));
                }
                Err(FeedError::Lost) => {}
                Err(error) => return Err(error).context("cannot open the feed"),
            }
        }
        let Some(position) = self.rebuild(known.as_ref()).await? else {
            return Ok(None);
        };
        let feed = self.store.feed(&self.campaign, &position).await?;
        Ok(Some(FeedCursor { feed, position }))
    }

    /// Replaces the totals by a snapshot of the store; returns its position, `None` if another leader moved the totals.
    async fn rebuild(&self, from: Option<&FeedPosition>) -> anyhow::Result<Option<FeedPosition>> {
        let snapshot = self.take_snapshot().await?;
        let replaced = self.replace(from, &snapshot).await?;
        info!(
            values = snapshot.totals.len(),
            replaced, "rebuilt the totals"
        );
        Ok(replaced.then_some(snapshot.position))
    }

    async fn replace(
        &self,
        from: Option<&FeedPosition>,
        snapshot: &TotalsSnapshot,
    ) -> Result<bool, TallyError> {
        let now = Timestamp::now();
        self.tally
            .replace(&self.campaign, from, snapshot, now)
            .await
    }

    async fn add(&self, cursor: &mut FeedCursor, changes: &[Change]) -> anyhow::Result<bool> {
        let Some(last) = changes.last() else {
            return Ok(true);
        };
        let added = self.tally.add(&self.campaign, &cursor.position, changes);
        let added = added.await?;
        cursor.position = last.position.clone();
        Ok(added)
    }

    /// Takes a snapshot of the store, advances the totals to its position, records the drift between both, and replaces
    /// the totals. Returns false if another leader moved them.
    async fn refresh(&self, cursor: &mut FeedCursor) -> anyhow::Result<bool> {
        let snapshot = self.take_snapshot().await?;
        let mut later = Vec::new();
        while later.is_empty() {
            // Read after the snapshot was taken: an empty batch means that no change up to it is missing.
            let changes = cursor.feed.next(Duration::ZERO).await?;
            if changes.is_empty() {
                break;
            }
            let contained =
                changes.partition_point(|change| change.position.at <= snapshot.position.at);
            if !self.add(cursor, &changes[..contained]).await? {
                return Ok(false);
            }
            later.extend_from_slice(&changes[contained..]);
        }
        self.record_drift(&snapshot).await?;
        if !self.replace(Some(&cursor.position), &snapshot).await? {
            return Ok(false);
        }
        cursor.position = snapshot.position;
        self.add(cursor, &later).await
    }

    async fn take_snapshot(&self) -> anyhow::Result<TotalsSnapshot> {
        let snapshot = self.store.snapshot(&self.campaign).await;
        snapshot.context("cannot count the store")
    }

    async fn record_drift(&self, snapshot: &TotalsSnapshot) -> anyhow::Result<()> {
        let Some(totals) = self.tally.read(&self.campaign).await? else {
            return Ok(());
        };
        let drift = total_drift(&totals.values, &snapshot.totals);
        let gauge = self
            .metrics
            .drift
            .with_label_values(&[self.campaign.as_str()]);
        gauge.set(gauge_value(drift));
        if drift != 0 {
            warn!(drift, "totals had drifted from the store, corrected");
        }
        Ok(())
    }
}

/// Returns the sum of absolute differences between two sets of totals.
fn total_drift(totals: &BTreeMap<String, u64>, truth: &BTreeMap<String, u64>) -> u64 {
    let total = |set: &BTreeMap<String, u64>, value| set.get(value).copied().unwrap_or(0);
    let values: BTreeSet<_> = totals.keys().chain(truth.keys()).collect();
    let drifts = values
        .into_iter()
        .map(|value| total(totals, value).abs_diff(total(truth, value)));
    drifts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_the_sum_of_all_differences() {
        let totals = |list: &[(&str, u64)]| {
            list.iter()
                .map(|(value, total)| ((*value).to_owned(), *total))
                .collect()
        };
        let have: BTreeMap<_, _> = totals(&[("Bogotá", 5), ("Cali", 2)]);
        assert_eq!(total_drift(&have, &have), 0);
        assert_eq!(
            total_drift(&have, &totals(&[("Bogotá", 3), ("Tunja", 1)])),
            5
        );
    }
}
