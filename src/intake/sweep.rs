//! Erases what is kept no longer: registrations and photos whose time is over, what the staff left behind, and reports
//! and photos that belong to nobody. Each step is whole by itself: a sweep that was cut off is finished by the next one.
//! Of several at once one sweeps, under a lease, and only if its clock is right.

mod orphans;
mod registrations;
mod reports;
mod swept;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::photos::PhotoKeeper;
use crate::domain::staff::audit::{Deed, Doer, Note};
use crate::domain::staff::session;
use crate::domain::{Campaign, CampaignId};
use crate::photo::Photos;
use crate::staff::Audit;
use crate::store::Store;

pub use swept::Swept;

/// Between two sweeps of an instance.
pub const EVERY: Duration = Duration::from_hours(24);
/// From the start of an instance to its first sweep: one that keeps dying shall not sweep all the time.
pub const FIRST: Duration = Duration::from_mins(10);
/// Longer than one page of work takes, however slow the stores are; taken again for every page.
const LEASE: Duration = Duration::from_mins(5);
const LEASE_NAME: &str = "sweep";
/// Photos or files that are looked at between two looks at the lease.
const LEASE_EVERY: usize = 500;
/// Farther apart the clocks of this machine and of the store may not be: what one wrong clock erases is gone.
const APART: SignedDuration = SignedDuration::from_mins(5);
/// For how long refusals are counted by day.
const REFUSALS: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Sweeps these stores.
#[derive(Debug)]
pub struct Sweep {
    /// Where registrations are.
    pub store: Store,
    /// Where their photos are.
    pub photos: Photos,
    /// Removes them, also those that wait.
    pub keeper: PhotoKeeper,
    /// What is erased says each campaign.
    pub campaigns: Vec<Arc<Campaign>>,
    /// Where it is written down before.
    pub audit: Arc<Audit>,
    /// Who sweeps.
    pub doer: Doer,
    /// Whether it only counts what it would erase.
    pub is_dry: bool,
    /// Whether photos of nobody go however many they are, and whatever they were sealed under.
    pub takes_all_orphans: bool,
    /// This sweeper, for the lease.
    pub id: Uuid,
}

impl Sweep {
    /// Sweeps after `first` and then after each pause of `every`, until `stop`; of several instances one does.
    pub async fn run(self, first: Duration, every: Duration, stop: CancellationToken) {
        let mut pause = first;
        loop {
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
            pause = every;
            let swept = Box::pin(self.on_time(Timestamp::now()));
            match stop.run_until_cancelled(swept).await {
                None => break,
                Some(Ok(swept)) => tell(&swept.unwrap_or_default()),
                Some(Err(error)) => warn!("what is over cannot be erased now: {error:#}"),
            }
        }
        // The lease ends by itself when this does not arrive.
        self.store.release(LEASE_NAME, self.id).await.ok();
    }

    /// Sweeps now, if the clock of the store says so too; `None` while another does.
    ///
    /// # Errors
    /// When the clocks differ: nothing is erased. Else as [`once`](Self::once).
    pub async fn on_time(&self, now: Timestamp) -> anyhow::Result<Option<Swept>> {
        let apart = self.store.clock().await?.duration_since(now).abs();
        ensure!(
            apart <= APART,
            "nothing was erased: the clock of this machine and that of the store (JORNADA_STORE) are {apart:#} apart, \
             expected {APART:#} at most; set them, by NTP for instance"
        );
        self.once(now).await
    }

    /// Sweeps as at this moment, whatever any clock says; `None` while another does.
    ///
    /// # Errors
    /// When something does not answer; what was erased until then is, and the rest is for the next time.
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
        // Also what was erased before something did not answer.
        if !self.is_dry && !swept.is_nothing() {
            self.note(swept.deed(), now).await?;
        }
        done.map(|()| swept)
    }

    /// What needs the photo store comes last: one that is away keeps nothing else for another day.
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

    /// What the staff left behind. None of it is anybody's data: it is counted, not named.
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

    /// Of another campaign, photos and files may be those of another installation.
    fn is_ours(&self, id: &CampaignId) -> bool {
        self.campaigns.iter().any(|campaign| campaign.id == *id)
    }

    async fn note(&self, deed: Deed, now: Timestamp) -> anyhow::Result<()> {
        let note = Note::by(self.doer, deed, now);
        self.audit.write(&self.store, note).await?;
        Ok(())
    }

    /// Keeps the lease; another has it if this one was slower than it is long.
    async fn go_on(&self) -> anyhow::Result<()> {
        if self.is_dry {
            return Ok(());
        }
        let is_held = self.store.lease(LEASE_NAME, self.id, LEASE).await?;
        ensure!(is_held, "another sweep has taken over");
        Ok(())
    }
}

fn tell(swept: &Swept) {
    if !swept.is_nothing() {
        info!(
            "erased what was over: {} registrations, {} photos, {} photos of nobody, {} reports",
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
