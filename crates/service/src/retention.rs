//! Deletes expired registrations, photos, password links, sessions and rejection counts, and orphaned photos and
//! reports. An interrupted sweep is completed by the next one. Runs on one instance at a time (lease). Refuses to run
//! if local and store clock differ by more than five minutes.

pub mod cleaner;
mod disputes;
mod orphans;
mod registrations;
mod sweep_report;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::registrations::photo_repository::PhotoRepository;
use crate::staff::AuditLog;
use jornada_domain::staff::audit::{AuditEvent, AuditRecord, SystemActor};
use jornada_domain::staff::session;
use jornada_domain::{Campaign, CampaignId};
use jornada_objects::ObjectStore;
use jornada_runtime::background;
use jornada_store::{Lease, Store};

pub use sweep_report::SweepReport;

/// Interval between sweeps.
pub const INTERVAL: Duration = Duration::from_hours(24);
/// Delay from the start of an instance to its first sweep, so that a crash loop does not sweep constantly.
pub const FIRST_DELAY: Duration = Duration::from_mins(10);
/// Lease length; longer than one page takes with slow stores. Renewed for every page.
const LEASE: Duration = Duration::from_mins(5);
const LEASE_NAME: &str = "sweep";
/// Photos or files to process before the lease is renewed.
const ITEMS_PER_LEASE: usize = 500;
/// Largest accepted difference between local and store clock: a wrong clock would erase data for good.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Retention of rejection counts by day.
const REJECTION_COUNTS_RETENTION: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Deletes expired and orphaned data from these stores.
#[derive(Debug)]
pub struct Sweep {
    /// Registrations, accounts, jobs.
    pub store: Store,
    /// Photos and report files.
    pub objects: ObjectStore,
    /// Removes photos, buffered ones included.
    pub photos: PhotoRepository,
    /// Campaigns of this installation; each defines its retention.
    pub campaigns: Vec<Arc<Campaign>>,
    /// Records each deletion before it happens.
    pub audit: Arc<AuditLog>,
    /// Actor named in the audit log.
    pub actor: SystemActor,
    /// Only count, delete nothing.
    pub is_dry_run: bool,
    /// Delete orphaned photos regardless of their number and of the key they are encrypted under.
    pub deletes_all_orphans: bool,
    /// The lease; see [`lease`].
    pub lease: Lease,
}

/// Returns a holder for the lease of sweeps.
pub fn lease(store: &Store) -> Lease {
    Lease::new(store, LEASE_NAME, LEASE)
}

impl Sweep {
    /// Sweeps after `first`, then at intervals of `every`, until `stop`.
    pub async fn run(self, first: Duration, every: Duration, stop: CancellationToken) {
        stop.run_until_cancelled(tokio::time::sleep(first)).await;
        let mut sweeping = background::every(every, &stop);
        while sweeping.run(self.sweep_and_log()).await {}
        // If this fails, the lease expires by itself.
        self.lease.release().await.ok();
    }

    async fn sweep_and_log(&self) {
        match self.run_if_clocks_agree(Timestamp::now()).await {
            Ok(report) => log_report(&report.unwrap_or_default()),
            Err(error) => warn!("cannot delete expired data, retrying: {error:#}"),
        }
    }

    /// Sweeps now; `None` if another instance holds the lease. Fails if local and store clock differ by more than five
    /// minutes: nothing is deleted then.
    pub async fn run_if_clocks_agree(&self, now: Timestamp) -> anyhow::Result<Option<SweepReport>> {
        let apart = self.store.now().await?.duration_since(now).abs();
        ensure!(
            apart <= MAX_CLOCK_SKEW,
            "nothing was deleted: the clock of this machine and that of the store (JORNADA_STORE) differ by {apart:#}, \
             expected at most {MAX_CLOCK_SKEW:#}; synchronise them, for example by NTP"
        );
        self.run_once(now).await
    }

    /// Sweeps as of `now`, without comparing clocks; `None` if another instance holds the lease. If a store fails, what
    /// was deleted before stays deleted, and the next sweep does the rest.
    pub async fn run_once(&self, now: Timestamp) -> anyhow::Result<Option<SweepReport>> {
        if self.is_dry_run {
            return self.sweep(now).await.map(Some);
        }
        self.lease.hold(Box::pin(self.sweep(now))).await
    }

    async fn sweep(&self, now: Timestamp) -> anyhow::Result<SweepReport> {
        let mut report = SweepReport::default();
        let done = self.run_steps(&mut report, now).await;
        // Also if a step failed: records what was deleted before.
        if !self.is_dry_run && !report.is_empty() {
            self.record(report.audit_event(), now).await?;
        }
        done.map(|()| report)
    }

    /// Does what needs the object store last, so that its failure does not delay the rest.
    async fn run_steps(&self, report: &mut SweepReport, now: Timestamp) -> anyhow::Result<()> {
        for campaign in &self.campaigns {
            if campaign.answers_expire_at().is_some_and(|end| end <= now) {
                report.registrations += self.erase_registrations(campaign, now).await?;
                report.registrations += self.erase_disputes(campaign, now).await?;
            } else if campaign.photos_expire_at().is_some_and(|end| end <= now) {
                report.photos += self.erase_photos(campaign, now).await?;
                report.photos += self.erase_dispute_photos(campaign, now).await?;
            }
        }
        if !self.is_dry_run {
            self.delete_expired_staff_data(report, now).await?;
        }
        let reports = self.delete_orphaned_reports(report, now).await;
        let orphans = self.delete_orphans(report, now).await;
        reports.and(orphans)
    }

    /// Deletes expired links, sessions and rejection counts. None is personal data: the audit log gets counts only.
    async fn delete_expired_staff_data(
        &self,
        report: &mut SweepReport,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        report.links = self.store.delete_expired_links(now).await?;
        let seen_before = now - session::IDLE_TIMEOUT;
        report.sessions = self.store.delete_expired_sessions(seen_before).await?;
        for campaign in &self.campaigns {
            let before = (now - REJECTION_COUNTS_RETENTION)
                .to_zoned(campaign.time_zone.clone())
                .date();
            report.refusals += self
                .store
                .delete_expired_rejections(&campaign.id, before)
                .await?;
        }
        Ok(())
    }

    /// Returns whether a campaign is of this installation: photos and files of others must not be deleted.
    fn is_own_campaign(&self, id: &CampaignId) -> bool {
        self.campaigns.iter().any(|campaign| campaign.id == *id)
    }

    async fn record(&self, event: AuditEvent, now: Timestamp) -> anyhow::Result<()> {
        let record = AuditRecord::from_system(self.actor, event, now);
        self.audit.write(&self.store, record).await?;
        Ok(())
    }

    /// Renews the lease; fails if it expired and another instance took it.
    async fn renew_lease(&self) -> anyhow::Result<()> {
        if self.is_dry_run {
            return Ok(());
        }
        ensure!(
            self.lease.acquire().await?,
            "another instance took over the sweep"
        );
        Ok(())
    }
}

fn log_report(report: &SweepReport) {
    if !report.is_empty() {
        info!(
            "deleted expired data: {} registrations, {} photos, {} orphaned photos, {} reports",
            report.registrations, report.photos, report.orphans, report.reports
        );
    }
    if let Some(warning) = report.foreign_warning() {
        warn!("{warning}");
    }
    if let Some(warning) = report.held_warning() {
        error!("{warning}");
    }
}
