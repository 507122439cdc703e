//! Access to registrations for pages of the staff area: checks the place scope and writes the audit entry before it
//! returns data. No page reads registrations in another way.

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

/// Access to one registration. Extractor for paths with a campaign and a registration id.
pub(super) struct Case {
    app: AppState,
    scribe: Scribe,
    pub(super) desk: Desk,
    pub(super) campaign: Arc<Campaign>,
    pub(super) id: RegistrationId,
}

/// Access to the registrations of one campaign. Extractor for paths with a campaign.
pub(super) struct Cabinet {
    app: AppState,
    scribe: Scribe,
    pub(super) desk: Desk,
    pub(super) campaign: Arc<Campaign>,
}

impl Case {
    /// Reads the registration for this action, after writing the audit entry. Outside the reader's place scope the
    /// answer is the same as for an unknown id (404).
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

    /// Returns the error for a missing registration: deleted (410) for readers whose place scope included it, else 404.
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

    /// Builds an audit event about this registration.
    pub(super) fn deed(&self, action: Action) -> Deed {
        Deed::about(action, &self.campaign.id, self.id)
    }

    /// Writes an audit entry.
    pub(super) async fn note(&self, deed: Deed) -> Result<(), Error> {
        self.scribe.note(&self.app, deed).await
    }

    /// Returns the path of the registration's page, or of a page below it. `below` is empty or starts with a slash.
    pub(super) fn path(&self, below: &str) -> String {
        let id = self.id;
        staff_path(&self.campaign.id, &format!("registrations/{id}{below}"))
    }
}

impl Cabinet {
    /// Searches registrations and returns one page of results. Writes the audit entry, which must hold no personal data,
    /// together with the ids found.
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

    /// Builds an audit event about the registrations of this campaign.
    pub(super) fn deed(&self, action: Action) -> Deed {
        Deed::of(action).within(&self.campaign.id)
    }

    /// Writes an audit entry.
    pub(super) async fn note(&self, deed: Deed) -> Result<(), Error> {
        self.scribe.note(&self.app, deed).await
    }

    /// Returns the path of a staff page about the campaign.
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
