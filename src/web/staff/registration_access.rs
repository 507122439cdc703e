//! Access to registrations for pages of the staff area: checks the place scope and writes the audit entry before it
//! returns data. No page reads registrations in another way.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::guard::StaffContext;
use super::request_audit::RequestAudit;
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::history::RegistrationHistory;
use jornada_domain::staff::audit;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{Campaign, RegistrationId};
use jornada_http::page::staff_path;
use jornada_store::search::{Cursor, SearchQuery, SearchResults};

/// Access to one registration. Extractor for paths with a campaign and a registration id.
pub(super) struct RegistrationAccess {
    app: AppState,
    request_audit: RequestAudit,
    pub(super) context: StaffContext,
    pub(super) campaign: Arc<Campaign>,
    pub(super) id: RegistrationId,
}

/// Access to the registrations of one campaign. Extractor for paths with a campaign.
pub(super) struct CampaignAccess {
    app: AppState,
    request_audit: RequestAudit,
    pub(super) context: StaffContext,
    pub(super) campaign: Arc<Campaign>,
}

impl RegistrationAccess {
    /// Reads the registration for this action, after writing the audit entry. Outside the reader's place scope the
    /// answer is the same as for an unknown id (404).
    pub(super) async fn load(&self, action: AuditAction) -> Result<RegistrationHistory, Error> {
        let store = &self.app.store;
        let record = store.history(&self.campaign, self.id).await?;
        let Some(record) = record else {
            return Err(self.missing_error().await?);
        };
        if !self
            .context
            .principal
            .may_see(&record.registration.tally_value)
        {
            self.record(self.new_event(AuditAction::AccessDenied))
                .await?;
            return Err(Error::NoSuchRegistration);
        }
        self.record(self.new_event(action)).await?;
        Ok(record)
    }

    /// Returns the error for a missing registration: deleted (410) for readers whose place scope included it, else 404.
    async fn missing_error(&self) -> Result<Error, Error> {
        let store = &self.app.store;
        let Some(deletion) = store.deletion(&self.campaign.id, self.id).await? else {
            return Ok(Error::NoSuchRegistration);
        };
        if self.context.principal.may_see(&deletion.tally_value) {
            return Ok(Error::RegistrationDeleted(deletion));
        }
        self.record(self.new_event(AuditAction::AccessDenied))
            .await?;
        Ok(Error::NoSuchRegistration)
    }

    /// Builds an audit event about this registration.
    pub(super) fn new_event(&self, action: AuditAction) -> AuditEvent {
        AuditEvent::for_registration(action, &self.campaign.id, self.id)
    }

    /// Writes an audit entry.
    pub(super) async fn record(&self, event: AuditEvent) -> Result<(), Error> {
        self.request_audit.record(&self.app, event).await
    }

    /// Returns the path of the registration's page, or of a page below it. `below` is empty or starts with a slash.
    pub(super) fn path(&self, below: &str) -> String {
        let id = self.id;
        staff_path(&self.campaign.id, &format!("registrations/{id}{below}"))
    }
}

impl CampaignAccess {
    /// Searches registrations and returns one page of results. Writes the audit entry, which must hold no personal
    /// data, together with the ids found.
    pub(super) async fn search(
        &self,
        search: &SearchQuery,
        after: Option<&Cursor>,
        limit: u8,
        event: AuditEvent,
    ) -> Result<SearchResults, Error> {
        let store = &self.app.store;
        let found = store.search(&self.campaign, search, after, limit).await?;
        let mut event = event.with_detail("rows", found.rows.len());
        for row in &found.rows {
            event = event.with_subject(audit::registration_subject(row.id));
        }
        self.record(event).await?;
        Ok(found)
    }

    /// Builds an audit event about the registrations of this campaign.
    pub(super) fn new_event(&self, action: AuditAction) -> AuditEvent {
        AuditEvent::new(action).with_campaign(&self.campaign.id)
    }

    /// Writes an audit entry.
    pub(super) async fn record(&self, event: AuditEvent) -> Result<(), Error> {
        self.request_audit.record(&self.app, event).await
    }

    /// Returns the path of a staff page about the campaign.
    pub(super) fn path(&self, rest: &str) -> String {
        staff_path(&self.campaign.id, rest)
    }
}

impl FromRequestParts<AppState> for RegistrationAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        let Path((campaign, id)) = path.map_err(|_| Error::NoSuchPage)?;
        Ok(Self {
            app: app.clone(),
            request_audit: RequestAudit::from_request_parts(parts, app).await?,
            context: StaffContext::from_request_parts(parts, app).await?,
            campaign: app.campaign(&campaign)?.clone(),
            id: RegistrationId::parse(&id).ok_or(Error::NoSuchRegistration)?,
        })
    }
}

impl FromRequestParts<AppState> for CampaignAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(campaign) = path.map_err(|_| Error::NoSuchPage)?;
        Ok(Self {
            app: app.clone(),
            request_audit: RequestAudit::from_request_parts(parts, app).await?,
            context: StaffContext::from_request_parts(parts, app).await?,
            campaign: app.campaign(&campaign)?.clone(),
        })
    }
}
