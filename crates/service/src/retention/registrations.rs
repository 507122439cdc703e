//! Erases expired registrations and photos page by page. Each page is recorded in the audit log before it is erased.

use std::sync::Arc;

use anyhow::ensure;
use jiff::Timestamp;
use tracing::warn;

use super::Sweep;
use crate::registrations::amend;
use jornada_domain::staff::audit;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{Campaign, Registration, RegistrationSelection};
use jornada_store::UpdateOutcome;
use jornada_store::search::SearchQuery;

/// Registrations per page, and per entry of the audit log.
const PAGE: u8 = 50;
/// Reason stored with an erased registration.
pub(super) const REASON: &str = "Plazo de conservación cumplido / time of keeping over";

impl Sweep {
    /// Erases all registrations of a campaign; returns how many. Always reads the first page, since erased rows are no
    /// longer found.
    pub(super) async fn erase_registrations(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> anyhow::Result<u64> {
        if self.is_dry_run {
            return Ok(self
                .store
                .count(&campaign.id, &RegistrationSelection::all())
                .await?);
        }
        let mut erased = 0;
        loop {
            self.renew_lease().await?;
            let newest = SearchQuery::newest();
            let page = self.store.search(campaign, &newest, None, PAGE);
            let page = page.await?.rows;
            if page.is_empty() {
                return Ok(erased);
            }
            self.record_page(AuditAction::Delete, campaign, page.iter(), now)
                .await?;
            let before = erased;
            for registration in &page {
                erased += u64::from(self.erase(campaign, registration, now).await?);
            }
            ensure!(erased > before, "cannot erase: registrations keep changing");
        }
    }

    async fn erase(
        &self,
        campaign: &Arc<Campaign>,
        registration: &Registration,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        let Some(record) = self.store.history(campaign, registration.id).await? else {
            return Ok(false);
        };
        let deletion = record.delete(self.actor.into(), REASON.to_owned(), now);
        let (store, photos) = (&self.store, &self.photos);
        let deleted = amend::delete(store, photos, campaign, &record, &deletion).await?;
        Ok(deleted == UpdateOutcome::Updated)
    }

    /// Erases all photos of a campaign; returns how many. Scans all its registrations: an index on photos would slow
    /// down every insert.
    pub(super) async fn erase_photos(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> anyhow::Result<u64> {
        let newest = SearchQuery::newest();
        let (mut erased, mut after) = (0, None);
        loop {
            self.renew_lease().await?;
            let page = self.store.search(campaign, &newest, after.as_ref(), PAGE);
            let page = page.await?;
            let rows = page.rows.iter();
            let with_photo: Vec<_> = rows.filter(|row| row.photo.is_some()).collect();
            if self.is_dry_run {
                erased += with_photo.len() as u64;
            } else if !with_photo.is_empty() {
                let rows = with_photo.iter().copied();
                self.record_page(AuditAction::PhotosErased, campaign, rows, now)
                    .await?;
                for registration in with_photo {
                    erased += u64::from(self.erase_photo(campaign, registration, now).await?);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(erased);
            }
        }
    }

    /// Marks the photo as erased before deleting it, so that no registration refers to a missing photo. If the deletion
    /// fails, [`PhotoDeleter`](crate::registrations::photo_deleter::PhotoDeleter) repeats it.
    async fn erase_photo(
        &self,
        campaign: &Campaign,
        registration: &Registration,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        let (id, campaign) = (registration.id, &campaign.id);
        if registration.photo.is_none() || !self.store.mark_photo_erased(campaign, id, now).await? {
            return Ok(false);
        }
        if let Err(error) = self.photos.remove(campaign, id).await {
            warn!("cannot delete an expired photo, retrying later: {error}");
        }
        Ok(true)
    }

    pub(super) async fn record_page(
        &self,
        action: AuditAction,
        campaign: &Campaign,
        page: impl Iterator<Item = &Registration>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let event = AuditEvent::new(action)
            .with_campaign(&campaign.id)
            .with_detail("reason", "retention");
        let named = page.fold(event, |event, row| {
            event.with_subject(audit::registration_subject(row.id))
        });
        self.record(named, now).await
    }
}
