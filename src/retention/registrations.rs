//! Registrations past their time, and photos past theirs: a page at a time, each page in the record before it is erased.

use std::sync::Arc;

use anyhow::ensure;
use jiff::Timestamp;
use tracing::warn;

use super::Sweep;
use crate::domain::staff::audit::{self, Action, Deed};
use crate::domain::{Campaign, Registration, Selection};
use crate::intake::amend;
use crate::store::Amended;
use crate::store::search::Search;

/// Registrations of one page, and of one entry in the record.
const PAGE: u8 = 50;
/// The reason that stays with a registration that was erased.
const REASON: &str = "Plazo de conservación cumplido / time of keeping over";

impl Sweep {
    /// Erases all registrations of a campaign; answers how many. Every page is the first one: what is erased is not
    /// found any more.
    pub(super) async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> anyhow::Result<u64> {
        if self.is_dry {
            return Ok(self.store.count(&campaign.id, &Selection::all()).await?);
        }
        let mut erased = 0;
        loop {
            self.go_on().await?;
            let newest = Search::newest();
            let page = self.store.search(campaign, &newest, None, PAGE);
            let page = page.await?.rows;
            if page.is_empty() {
                return Ok(erased);
            }
            self.note_page(Action::Delete, campaign, page.iter(), now)
                .await?;
            let before = erased;
            for registration in &page {
                erased += u64::from(self.erase(campaign, registration, now).await?);
            }
            ensure!(erased > before, "registrations are being changed meanwhile");
        }
    }

    async fn erase(
        &self,
        campaign: &Campaign,
        registration: &Registration,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        let Some(record) = self.store.record(campaign, registration.id).await? else {
            return Ok(false);
        };
        let deletion = record.delete(self.doer.name(), REASON.to_owned(), now);
        let (store, keeper) = (&self.store, &self.keeper);
        let deleted = amend::delete(store, keeper, campaign, &record, &deletion).await?;
        Ok(deleted == Amended::Done)
    }

    /// Erases all photos of a campaign; answers how many. All its registrations are looked through: none has an index
    /// by its photo, which would cost every registration on the day.
    pub(super) async fn photos_of(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> anyhow::Result<u64> {
        let newest = Search::newest();
        let (mut erased, mut after) = (0, None);
        loop {
            self.go_on().await?;
            let page = self.store.search(campaign, &newest, after.as_ref(), PAGE);
            let page = page.await?;
            let rows = page.rows.iter();
            let with_photo: Vec<_> = rows.filter(|row| row.photo.is_some()).collect();
            if self.is_dry {
                erased += with_photo.len() as u64;
            } else if !with_photo.is_empty() {
                let rows = with_photo.iter().copied();
                self.note_page(Action::PhotosErased, campaign, rows, now)
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

    /// Marked first: no registration claims a photo that is gone. What cannot be removed now,
    /// [`Remover`](crate::intake::remover::Remover) removes.
    async fn erase_photo(
        &self,
        campaign: &Campaign,
        registration: &Registration,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        let (id, campaign) = (registration.id, &campaign.id);
        let Some(photo) = &registration.photo else {
            return Ok(false);
        };
        if !self.store.erase_photo(campaign, id, now).await? {
            return Ok(false);
        }
        if let Err(error) = self.keeper.remove(campaign, id, photo).await {
            warn!("a photo whose time is over is removed later: {error}");
        }
        Ok(true)
    }

    async fn note_page(
        &self,
        action: Action,
        campaign: &Campaign,
        page: impl Iterator<Item = &Registration>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let deed = Deed::of(action)
            .within(&campaign.id)
            .with("reason", "retention");
        let named = page.fold(deed, |deed, row| deed.to(audit::registration(row.id)));
        self.note(named, now).await
    }
}
