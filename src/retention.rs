//! Deletes expired registrations, photos, password links, sessions and rejection counts, and orphaned photos and
//! reports. An interrupted sweep is completed by the next one. Runs on one instance at a time (lease). Refuses to run
//! if local and store clock differ by more than five minutes.

mod orphans;
mod registrations;
mod reports;
pub mod sweeper;
mod swept;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::domain::staff::audit::{Deed, Doer, Note};
use crate::domain::staff::session;
use crate::domain::{Campaign, CampaignId};
use crate::intake::photos::PhotoKeeper;
use crate::photo::Photos;
use crate::staff::Audit;
use crate::store::Store;

pub use swept::Swept;

/// Interval between sweeps.
pub const EVERY: Duration = Duration::from_hours(24);
/// Delay from the start of an instance to its first sweep, so that a crash loop does not sweep constantly.
pub const FIRST: Duration = Duration::from_mins(10);
/// Lease length; longer than one page takes with slow stores. Renewed for every page.
const LEASE: Duration = Duration::from_mins(5);
const LEASE_NAME: &str = "sweep";
/// Photos or files to process before the lease is renewed.
const LEASE_EVERY: usize = 500;
/// Largest accepted difference between local and store clock: a wrong clock would erase data for good.
const APART: SignedDuration = SignedDuration::from_mins(5);
/// Retention of rejection counts by day.
const REFUSALS: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Deletes expired and orphaned data from these stores.
#[derive(Debug)]
pub struct Sweep {
    /// Registrations, accounts, jobs.
    pub store: Store,
    /// Photos and report files.
    pub photos: Photos,
    /// Removes photos, buffered ones included.
    pub keeper: PhotoKeeper,
    /// Campaigns of this installation; each defines its retention.
    pub campaigns: Vec<Arc<Campaign>>,
    /// Records each deletion before it happens.
    pub audit: Arc<Audit>,
    /// Actor named in the audit log.
    pub doer: Doer,
    /// Only count, delete nothing.
    pub is_dry: bool,
    /// Delete orphaned photos regardless of their number and of the key they are encrypted under.
    pub takes_all_orphans: bool,
    /// Holder of the lease.
    pub id: Uuid,
}

impl Sweep {
    /// Sweeps after `first`, then at intervals of `every`, until `stop`.
    pub async fn run(self, first: Duration, every: Duration, stop: CancellationToken) {
        let mut pause = first;
        loop {
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
            pause = every;
            let swept = Box::pin(self.on_time(Timestamp::now()));
            match stop.run_until_cancelled(swept).await {
                None => break,
                Some(Ok(swept)) => tell(&swept.unwrap_or_default()),
                Some(Err(error)) => warn!("cannot delete expired data, retrying: {error:#}"),
            }
        }
        // If this fails, the lease expires by itself.
        self.store.release(LEASE_NAME, self.id).await.ok();
    }

    /// Sweeps now; `None` if another instance holds the lease.
    ///
    /// # Errors
    /// If local and store clock differ by more than five minutes: nothing is deleted. Else as [`once`](Self::once).
    pub async fn on_time(&self, now: Timestamp) -> anyhow::Result<Option<Swept>> {
        let apart = self.store.clock().await?.duration_since(now).abs();
        ensure!(
            apart <= APART,
            "nothing was deleted: the clock of this machine and that of the store (JORNADA_STORE) differ by {apart:#}, \
             expected at most {APART:#}; synchronise them, for example by NTP"
        );
        self.once(now).await
    }

    /// Sweeps as of `now`, without comparing clocks; `None` if another instance holds the lease.
    ///
    /// # Errors
    /// If a store fails; what was deleted before stays deleted, the next sweep does the rest.
    pub async fn once(&self, now: Timestamp) -> anyhow::Result<Option<Swept>> {
        if !self.is_dry && !self.store.lease(LEASE_NAME, self.id, LEASE).await? {
            return Ok(None);
        }
        let swept = self.sweep(now).await;
        if !self.is_dry {
            self.store.release(LEASE_NAME, self.id).await?;
        }
        swept.map(Some)
    }

    async fn sweep(&self, now: Timestamp) -> anyhow::Result<Swept> {
        let mut swept = Swept::default();
        let done = self.steps(&mut swept, now).await;
        // Also if a step failed: records what was deleted before.
        if !self.is_dry && !swept.is_nothing() {
            self.note(swept.deed(), now).await?;
        }
        done.map(|()| swept)
    }

    /// Does what needs the object store last, so that its failure does not delay the rest.
    async fn steps(&self, swept: &mut Swept, now: Timestamp) -> anyhow::Result<()> {
        for campaign in &self.campaigns {
            if campaign.answers_end().is_some_and(|end| end <= now) {
                swept.registrations += self.registrations(campaign, now).await?;
            } else if campaign.photos_end().is_some_and(|end| end <= now) {
                swept.photos += self.photos_of(campaign, now).await?;
            }
        }
        if !self.is_dry {
            self.staff(swept, now).await?;
        }
        let reports = self.reports(swept, now).await;
        let orphans = self.orphans(swept, now).await;
        reports.and(orphans)
    }

    /// Deletes expired links, sessions and rejection counts. None is personal data: the audit log gets counts only.
    async fn staff(&self, swept: &mut Swept, now: Timestamp) -> anyhow::Result<()> {
        swept.links = self.store.sweep_links(now).await?;
        let seen_before = now - session::IDLE;
        swept.sessions = self.store.sweep_sessions(seen_before).await?;
        for campaign in &self.campaigns {
            let before = (now - REFUSALS).to_zoned(campaign.time_zone.clone()).date();
            swept.refusals += self.store.sweep_refusals(&campaign.id, before).await?;
        }
        Ok(())
    }

    /// Photos and files of other campaigns may belong to another installation.
    fn is_ours(&self, id: &CampaignId) -> bool {
        self.campaigns.iter().any(|campaign| campaign.id == *id)
    }

    async fn note(&self, deed: Deed, now: Timestamp) -> anyhow::Result<()> {
        let note = Note::by(self.doer, deed, now);
        self.audit.write(&self.store, note).await?;
        Ok(())
    }

    /// Renews the lease; fails if it expired and another instance took it.
    async fn go_on(&self) -> anyhow::Result<()> {
        if self.is_dry {
            return Ok(());
        }
        let is_held = self.store.lease(LEASE_NAME, self.id, LEASE).await?;
        ensure!(is_held, "another instance took over the sweep");
        Ok(())
    }
}

fn tell(swept: &Swept) {
    if !swept.is_nothing() {
        info!(
            "deleted expired data: {} registrations, {} photos, {} orphaned photos, {} reports",
            swept.registrations, swept.photos, swept.orphans, swept.reports
        );
    }
    if let Some(told) = swept.foreign_told() {
        warn!("{told}");
    }
    if let Some(told) = swept.held_told() {
        error!("{told}");
    }
}
