//! Erases disputes, and their photos, as registrations of the same campaign.

use std::sync::Arc;

use anyhow::ensure;
use jiff::Timestamp;
use tracing::warn;

use super::Sweep;
use super::registrations::REASON;
use crate::registrations::review;
use jornada_domain::Campaign;
use jornada_domain::dispute::{Dispute, DisputeEnd, DisputeState};
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::staff::audit::AuditAction;

/// Disputes per page, and per entry of the audit log.
const PAGE: u16 = 50;

impl Sweep {
    /// Erases all disputes of a campaign; returns how many.
    pub(super) async fn erase_disputes(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> anyhow::Result<u64> {
        if self.is_dry_run {
            let open = self.store.open_disputes(campaign, &[], u16::MAX).await?;
            return Ok(open.len() as u64);
        }
        let end = DisputeEnd {
            state: DisputeState::Erased,
            at: truncate_to_ms(now),
            by: self.actor.to_string(),
            reason: REASON.to_owned(),
        };
        let mut erased = 0;
        loop {
            let page = self.store.open_disputes(campaign, &[], PAGE).await?;
            if page.is_empty() {
                return Ok(erased);
            }
            self.begin_page(AuditAction::Delete, campaign, &page, now)
                .await?;
            let before = erased;
            for dispute in &page {
                let ended = review::end(&self.store, &self.photos, campaign, dispute, &end);
                erased += u64::from(ended.await?);
            }
            ensure!(erased > before, "cannot erase: disputes keep changing");
        }
    }

    /// Erases the photos of all disputes of a campaign; returns how many.
    pub(super) async fn erase_dispute_photos(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> anyhow::Result<u64> {
        let mut erased = 0;
        let limit = if self.is_dry_run { u16::MAX } else { PAGE };
        loop {
            let page = self.store.disputes_with_photo(campaign, limit).await?;
            if self.is_dry_run || page.is_empty() {
                return Ok(erased + page.len() as u64);
            }
            self.begin_page(AuditAction::PhotosErased, campaign, &page, now)
                .await?;
            let before = erased;
            for dispute in &page {
                let (id, campaign) = (dispute.registration.id, &campaign.id);
                let marked = self.store.mark_dispute_photo_erased(campaign, id, now);
                erased += u64::from(marked.await?);
                if let Err(error) = self.photos.remove(campaign, id).await {
                    warn!("cannot delete an expired photo, retrying later: {error}");
                }
            }
            ensure!(erased > before, "cannot erase: disputes keep changing");
        }
    }

    async fn begin_page(
        &self,
        action: AuditAction,
        campaign: &Campaign,
        page: &[Dispute],
        now: Timestamp,
    ) -> anyhow::Result<()> {
        self.renew_lease().await?;
        let rows = page.iter().map(|dispute| &dispute.registration);
        self.record_page(action, campaign, rows, now).await
    }
}
