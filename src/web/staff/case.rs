//! The one way in which the pages get at somebody's registration: only what is theirs to see, and written down before
//! it is handed out. No page of the staff area reads registrations by another way.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::guard::Desk;
use super::scribe::{Action, Deed, Scribe};
use crate::domain::record::Record;
use crate::domain::staff::audit;
use crate::domain::{Campaign, RegistrationId};
use crate::store::search::{Cursor, Found, Search};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::staff_path;

/// One registration that somebody asks for: an extractor for addresses of a campaign and an id.
pub(super) struct Case {
    app: AppState,
    scribe: Scribe,
    pub(super) desk: Desk,
    pub(super) campaign: Arc<Campaign>,
    pub(super) id: RegistrationId,
}

/// The registrations of one campaign: an extractor for addresses of a campaign.
pub(super) struct Cabinet {
    app: AppState,
    scribe: Scribe,
    pub(super) desk: Desk,
    pub(super) campaign: Arc<Campaign>,
}

impl Case {
    /// Hands the registration out, to do that with it; who may not see it is told that there is none.
    pub(super) async fn open(&self, action: Action) -> Result<Record, Error> {
        let store = &self.app.store;
        let record = store.record(&self.campaign, self.id).await?;
        let Some(record) = record else {
            return Err(self.missing().await?);
        };
        if !self.desk.staff.sees(&record.registration.value) {
            self.note(self.deed(Action::Refused)).await?;
            return Err(Error::NoSuchRegistration);
        }
        self.note(self.deed(action)).await?;
        Ok(record)
    }

    /// Why there is none: whoever saw it before it was deleted is told so.
    async fn missing(&self) -> Result<Error, Error> {
        let store = &self.app.store;
        let Some(deletion) = store.deletion(&self.campaign.id, self.id).await? else {
            return Ok(Error::NoSuchRegistration);
        };
        if self.desk.staff.sees(&deletion.value) {
            return Ok(Error::RegistrationDeleted(deletion));
        }
        self.note(self.deed(Action::Refused)).await?;
        Ok(Error::NoSuchRegistration)
    }

    /// Something that is done with this registration.
    pub(super) fn deed(&self, action: Action) -> Deed {
        Deed::about(action, &self.campaign.id, self.id)
    }

    /// Writes it down.
    pub(super) async fn note(&self, deed: Deed) -> Result<(), Error> {
        self.scribe.note(&self.app, deed).await
    }

    /// The path of its page, or of one below it, which begins with a slash.
    pub(super) fn path(&self, below: &str) -> String {
        let id = self.id;
        staff_path(&self.campaign.id, &format!("registrations/{id}{below}"))
    }
}

impl Cabinet {
    /// Hands out a page of what was searched for; `deed` says how, in words of ours.
    pub(super) async fn find(
        &self,
        search: &Search,
        after: Option<&Cursor>,
        most: u8,
        deed: Deed,
    ) -> Result<Found, Error> {
        let store = &self.app.store;
        let found = store.search(&self.campaign, search, after, most).await?;
        let mut deed = deed.with("rows", found.rows.len());
        for row in &found.rows {
            deed = deed.to(audit::registration(row.id));
        }
        self.note(deed).await?;
        Ok(found)
    }

    /// Something that is done with these registrations.
    pub(super) fn deed(&self, action: Action) -> Deed {
        Deed::of(action).within(&self.campaign.id)
    }

    /// Writes it down.
    pub(super) async fn note(&self, deed: Deed) -> Result<(), Error> {
        self.scribe.note(&self.app, deed).await
    }

    /// The path of a page about the campaign.
    pub(super) fn path(&self, rest: &str) -> String {
        staff_path(&self.campaign.id, rest)
    }
}

impl FromRequestParts<AppState> for Case {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        let Path((campaign, id)) = path.map_err(|_| Error::NoSuchPage)?;
        Ok(Self {
            app: app.clone(),
            scribe: Scribe::from_request_parts(parts, app).await?,
            desk: Desk::from_request_parts(parts, app).await?,
            campaign: app.campaign(&campaign)?.clone(),
            id: RegistrationId::parse(&id).ok_or(Error::NoSuchRegistration)?,
        })
    }
}

impl FromRequestParts<AppState> for Cabinet {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(campaign) = path.map_err(|_| Error::NoSuchPage)?;
        Ok(Self {
            app: app.clone(),
            scribe: Scribe::from_request_parts(parts, app).await?,
            desk: Desk::from_request_parts(parts, app).await?,
            campaign: app.campaign(&campaign)?.clone(),
        })
    }
}
