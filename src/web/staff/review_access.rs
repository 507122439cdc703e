//! Access to one dispute: staff of its place, and of the place of the registration that has its number, may see both.
//! Writes the audit entry before it returns data.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use derive_more::Deref;

use super::context::path_param;
use super::registration_access::CampaignAccess;
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::RegistrationId;
use jornada_domain::dispute::Dispute;
use jornada_domain::staff::audit;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_service::registrations::number::{NumberState, find_holder};

/// Access to one dispute. Extractor for paths with a campaign and the id of a dispute.
#[derive(Deref)]
pub(super) struct ReviewAccess {
    #[deref]
    pub(super) access: CampaignAccess,
    pub(super) id: RegistrationId,
}

/// A dispute with what has its number.
pub(super) struct Review {
    pub(super) dispute: Dispute,
    pub(super) state: NumberState,
}

impl ReviewAccess {
    /// Reads the dispute and the holder of its number for this action, after writing the audit entry. Outside the
    /// reader's place scope the answer is the same as for an unknown id (404).
    pub(super) async fn load(&self, action: AuditAction) -> Result<Review, Error> {
        let review = self.find().await?;
        self.record(self.new_event(action, &review)).await?;
        Ok(review)
    }

    /// Reads the dispute and the holder of its number. The caller writes the audit entry.
    pub(super) async fn find(&self) -> Result<Review, Error> {
        let (store, campaign) = (&self.app.store, &self.campaign);
        let dispute = store.dispute(campaign, self.id).await?;
        let dispute = dispute.ok_or(Error::NoSuchRegistration)?;
        let values = [&dispute.registration.tally_value, &dispute.rival_value];
        if !values.iter().any(|value| self.principal.may_see(value)) {
            let event =
                AuditEvent::for_registration(AuditAction::AccessDenied, &campaign.id, self.id);
            self.record(event).await?;
            return Err(Error::NoSuchRegistration);
        }
        let secret = &self.app.registrations.secret;
        let state = find_holder(store, secret, campaign, dispute.number).await?;
        Ok(Review { dispute, state })
    }

    /// Builds an audit event about the dispute and the registration that has its number.
    pub(super) fn new_event(&self, action: AuditAction, review: &Review) -> AuditEvent {
        let event = AuditEvent::for_registration(action, &self.campaign.id, self.id);
        match review.state.holder.history() {
            Some(history) => {
                event.with_subject(audit::registration_subject(history.registration.id))
            }
            None => event,
        }
    }

    /// Returns the link to the page of the review, or to a page below it.
    pub(super) fn link_to(&self, below: &str) -> String {
        self.access.link_to(&format!("reviews/{}{below}", self.id))
    }
}

impl FromRequestParts<AppState> for ReviewAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let id = path_param(parts, app, "id").await?;
        Ok(Self {
            access: CampaignAccess::from_request_parts(parts, app).await?,
            id: RegistrationId::parse(&id).ok_or(Error::NoSuchRegistration)?,
        })
    }
}
