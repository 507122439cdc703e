//! Erases what is kept no longer: registrations and photos whose time is over, photos that belong to nobody, and what
//! the staff left behind. Each step is whole by itself: a sweep that was cut off is finished by the next one. Of several
//! at once one sweeps, under a lease.

mod orphans;
mod registrations;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::photos::PhotoKeeper;
use crate::domain::Campaign;
use crate::domain::staff::audit::{Action, Deed, Doer, Note};
use crate::domain::staff::session;
use crate::photo::Photos;
use crate::staff::Audit;
use crate::store::Store;

/// Between two sweeps of an instance.
pub const EVERY: Duration = Duration::from_hours(24);
/// From the start of an instance to its first sweep: one that keeps dying shall not sweep all the time.
pub const FIRST: Duration = Duration::from_mins(10);
/// Longer than one page of work takes, however slow the stores are; taken again for every page.
const LEASE: Duration = Duration::from_mins(5);
const LEASE_NAME: &str = "sweep";
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
    pub audit: Audit,
    /// Who sweeps.
    pub doer: Doer,
    /// Whether it only counts what it would erase.
    pub is_dry: bool,
    /// This sweeper, for the lease.
    pub id: Uuid,
}

/// What was, or would be, erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Registrations past their time.
    pub registrations: u64,
    /// Photos past theirs, whose registrations go on.
    pub photos: u64,
    /// Photos that belonged to nobody for a day.
    pub orphans: u64,
    /// Links to set a password that were no good any more.
    pub links: u64,
    /// Sessions that were over.
    pub sessions: u64,
    /// Old counts of refusals.
    pub refusals: u64,
}

impl Sweep {
    /// Sweeps after `first` and then after each pause of `every`, until `stop`; of several instances one does.
    pub async fn run(self, first: Duration, every: Duration, stop: CancellationToken) {
        let mut pause = first;
        loop {
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
            pause = every;
            let swept = Box::pin(self.once(Timestamp::now()));
            match stop.run_until_cancelled(swept).await {
                None => break,
                Some(Ok(Some(swept))) if swept != Swept::default() => info!(
                    "erased what was over: {} registrations, {} photos, {} photos of nobody",
                    swept.registrations, swept.photos, swept.orphans
                ),
                Some(Ok(_)) => {}
                Some(Err(error)) => warn!("what is over cannot be erased now: {error:#}"),
            }
        }
        // The lease ends by itself when this does not arrive.
        self.store.release(LEASE_NAME, self.id).await.ok();
    }

    /// Sweeps now; `None` while another does.
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
        for campaign in &self.campaigns {
            if campaign.answers_end().is_some_and(|end| end <= now) {
                swept.registrations += self.registrations(campaign, now).await?;
            } else if campaign.photos_end().is_some_and(|end| end <= now) {
                swept.photos += self.photos_of(campaign, now).await?;
            }
        }
        swept.orphans = self.orphans(now).await?;
        if !self.is_dry {
            self.staff(&mut swept, now).await?;
        }
        if !self.is_dry && swept != Swept::default() {
            let deed = Deed::of(Action::Sweep)
                .with("registrations", swept.registrations)
                .with("photos", swept.photos)
                .with("orphans", swept.orphans)
                .with("links", swept.links)
                .with("sessions", swept.sessions)
                .with("refusals", swept.refusals);
            self.note(deed, now).await?;
        }
        Ok(swept)
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
