//! Access to registrations for pages of the staff area: checks the place scope and writes the audit entry before it
//! returns data. No page reads registrations in another way.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use derive_more::Deref;

use super::context::{StaffContext, path_param};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::history::RegistrationHistory;
use jornada_domain::staff::audit;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{Campaign, ReceiptNumber, RegistrationId};
use jornada_http::page::staff_path;
use jornada_store::search::{Cursor, SearchQuery, SearchResults};

/// Access to the registrations of one campaign. Extractor for paths that begin with a campaign.
#[derive(Clone, Deref)]
pub(super) struct CampaignAccess {
    #[deref]
    pub(super) context: StaffContext,
    pub(super) campaign: Arc<Campaign>,
}

/// Access to one registration. Extractor for paths with a campaign and a registration id or receipt number.
#[derive(Deref)]
pub(super) struct RegistrationAccess {
    #[deref]
    access: CampaignAccess,
    pub(super) id: RegistrationId,
}

impl RegistrationAccess {
    /// Reads the registration for this action, after writing the audit entry. Outside the reader's place scope the
    /// answer is the same as for an unknown id (404).
    pub(super) async fn load(&self, action: AuditAction) -> Result<RegistrationHistory, Error> {
        let found = self.app.store.history(&self.campaign, self.id).await?;
        let Some(record) = found else {
            return Err(self.missing_error().await?);
        };
        if !self.is_visible(&record.registration.tally_value).await? {
            return Err(Error::NoSuchRegistration);
        }
        self.record_action(action).await?;
        Ok(record)
    }

    /// Returns whether a tally value is within the reader's place scope. If not, writes the audit entry.
    pub(super) async fn is_visible(&self, tally_value: &str) -> Result<bool, Error> {
        let is_visible = self.principal.may_see(tally_value);
        if !is_visible {
            self.record_action(AuditAction::AccessDenied).await?;
        }
        Ok(is_visible)
    }

    /// Returns the error for a missing registration: deleted (410) for readers whose place scope included it, else 404.
    async fn missing_error(&self) -> Result<Error, Error> {
        let deletion = self.app.store.deletion(&self.campaign.id, self.id).await?;
        let Some(deletion) = deletion else {
            return Ok(Error::NoSuchRegistration);
        };
        if self.is_visible(&deletion.tally_value).await? {
            return Ok(Error::RegistrationDeleted(deletion));
        }
        Ok(Error::NoSuchRegistration)
    }

    /// Builds an audit event about this registration.
    pub(super) fn new_event(&self, action: AuditAction) -> AuditEvent {
        AuditEvent::for_registration(action, &self.campaign.id, self.id)
    }

    /// Writes an audit entry about this registration.
    pub(super) async fn record_action(&self, action: AuditAction) -> Result<(), Error> {
        self.record(self.new_event(action)).await
    }

    /// Returns the path of the registration's page, or of a page below it. `below` is empty or starts with a slash.
    pub(super) fn path(&self, below: &str) -> String {
        let id = self.id;
        staff_path(&self.campaign.id, &format!("registrations/{id}{below}"))
    }

    /// Returns the link to the registration's page, or to a page below it.
    pub(super) fn link_to(&self, below: &str) -> String {
        self.link(&self.path(below))
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

    /// Returns the path of a staff page about the campaign.
    pub(super) fn path(&self, rest: &str) -> String {
        staff_path(&self.campaign.id, rest)
    }

    /// Returns the link to a staff page about the campaign.
    pub(super) fn link_to(&self, rest: &str) -> String {
        self.link(&self.path(rest))
    }

    /// Returns the label of the tally field.
    pub(super) fn tally_label(&self) -> &str {
        self.localized(&self.campaign.tally_field().label)
    }
}

/// Returns the values to which the reader is limited as they are shown; empty means all.
pub(super) fn visible_labels(access: &CampaignAccess) -> Vec<String> {
    let (campaign, totals) = (&access.campaign, &access.app.live_totals);
    let values = access.principal.visible_values(campaign).into_iter();
    values.map(|value| totals.label(campaign, &value)).collect()
}

impl FromRequestParts<AppState> for CampaignAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let campaign = path_param(parts, app, "campaign").await?;
        let context = StaffContext::from_request_parts(parts, app).await?;
        let campaign = app.campaign(&campaign)?.clone();
        let path = parts.extensions.get::<MatchedPath>();
        let is_closing = path.is_some_and(|path| path.as_str().ends_with("/close"));
        // Votes are neither searched nor listed one by one.
        if campaign.is_vote() && !is_closing {
            return Err(Error::OtherKind);
        }
        Ok(Self { context, campaign })
    }
}

impl FromRequestParts<AppState> for RegistrationAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let id = path_param(parts, app, "id").await?;
        Ok(Self {
            access: CampaignAccess::from_request_parts(parts, app).await?,
            id: find_id(app, &id).await?,
        })
    }
}

/// Returns the id in a path, or the id of the receipt number in its place, as in the links of a workbook.
async fn find_id(app: &AppState, id: &str) -> Result<RegistrationId, Error> {
    if let Some(id) = RegistrationId::parse(id) {
        return Ok(id);
    }
    let number = ReceiptNumber::parse(id).ok_or(Error::NoSuchRegistration)?;
    if let Some(receipt) = app.store.receipt(number).await? {
        return Ok(receipt.id);
    }
    let deleted = app.store.deleted_registration(number).await?;
    Ok(deleted.ok_or(Error::NoSuchRegistration)?.id)
}
