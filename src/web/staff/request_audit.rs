//! Writes the audit entries of a request. The extractor knows actor, client address and request id. A handler writes
//! what it is about to show or change, and proceeds only once the entry is stored.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use uuid::Uuid;

use super::address::ClientAddress;
use super::principal::Principal;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::request_log::RequestId;
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::staff::audit::{AuditRecord, SystemActor, account_subject};

pub use jornada_domain::staff::audit::{AuditAction, AuditEvent};

/// Builds an audit event about an account.
pub fn account_event(action: AuditAction, id: Uuid) -> AuditEvent {
    AuditEvent::new(action).with_subject(account_subject(id))
}

/// Writes the audit entries of one request.
#[derive(Clone, Debug)]
pub struct RequestAudit {
    actor: String,
    client_ip: IpAddr,
    request_id: Option<String>,
}

impl RequestAudit {
    /// Returns a copy with this account as the actor, for requests that authenticate.
    #[must_use]
    pub fn for_account(&self, id: Uuid) -> Self {
        Self {
            actor: account_subject(id),
            ..self.clone()
        }
    }

    /// Returns a copy with an unknown actor.
    #[must_use]
    pub fn for_anonymous(&self) -> Self {
        Self {
            actor: SystemActor::Anonymous.to_string(),
            ..self.clone()
        }
    }

    /// Returns the address of the client.
    pub fn client_ip(&self) -> IpAddr {
        self.client_ip
    }

    /// Writes that a login attempt was rate-limited, at most once per second.
    pub async fn record_rate_limited(&self, app: &AppState) -> Result<(), Error> {
        match app.audit_log.rate_limited_logins.admit(Timestamp::now()) {
            Some(passed_over) => {
                let event = AuditEvent::new(AuditAction::LoginRateLimited)
                    .with_detail("passed_over", passed_over);
                self.record(app, event).await
            }
            None => Ok(()),
        }
    }

    /// Writes an audit entry. Show or change data only after this succeeds.
    pub async fn record(&self, app: &AppState, event: AuditEvent) -> Result<(), Error> {
        let record = AuditRecord {
            at: truncate_to_ms(Timestamp::now()),
            actor: self.actor.clone(),
            client_ip: Some(self.client_ip),
            request_id: self.request_id.clone(),
            event,
        };
        let written = app.audit_log.write(&app.store, record).await;
        written
            .map(drop)
            .map_err(|error| Error::Unavailable(error.into()))
    }
}

impl FromRequestParts<AppState> for RequestAudit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        // The middleware or an earlier extractor may have authenticated the request already.
        let staff = match parts.extensions.get::<Principal>() {
            Some(staff) => Some(staff.clone()),
            None => Principal::authenticate(app, &parts.method, &parts.headers).await?,
        };
        let nobody = || SystemActor::Anonymous.to_string();
        let Ok(ClientAddress(from)) = ClientAddress::from_request_parts(parts, app).await;
        let request_id = parts.extensions.get::<RequestId>();
        Ok(Self {
            actor: staff.map_or_else(nobody, |staff| staff.actor()),
            client_ip: from,
            request_id: request_id.map(|id| id.0.clone()),
        })
    }
}
