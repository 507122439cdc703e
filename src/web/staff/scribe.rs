//! Writes the audit entries of a request. The extractor knows actor, client address and request id. A handler writes
//! what it is about to show or change, and proceeds only once the entry is stored.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use uuid::Uuid;

use super::address::ClientAddress;
use super::who::Staff;
use crate::domain::moment::to_the_millisecond;
use crate::domain::staff::audit::{Doer, Note, account};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::observe::RequestId;

pub use crate::domain::staff::audit::{Action, Deed};

/// Writes the audit entries of one request.
#[derive(Clone, Debug)]
pub struct Scribe {
    who: String,
    from: IpAddr,
    request_id: Option<String>,
}

impl Scribe {
    /// Returns a copy with this account as the actor, for requests that authenticate.
    #[must_use]
    pub fn of(&self, id: Uuid) -> Self {
        Self {
            who: account(id),
            ..self.clone()
        }
    }

    /// Returns a copy with an unknown actor.
    #[must_use]
    pub fn of_nobody(&self) -> Self {
        Self {
            who: Doer::Nobody.name().to_owned(),
            ..self.clone()
        }
    }

    /// Returns the address of the client.
    #[must_use]
    pub fn from(&self) -> IpAddr {
        self.from
    }

    /// Writes that a login attempt was rate-limited, at most once per second.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be written.
    pub async fn note_slowed(&self, app: &AppState) -> Result<(), Error> {
        match app.audit_log.slowed.admit(Timestamp::now()) {
            Some(passed_over) => {
                let deed = Deed::of(Action::LoginSlowed).with("passed_over", passed_over);
                self.note(app, deed).await
            }
            None => Ok(()),
        }
    }

    /// Writes an audit entry. Show or change data only after this succeeds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be written.
    pub async fn note(&self, app: &AppState, deed: Deed) -> Result<(), Error> {
        let note = Note {
            at: to_the_millisecond(Timestamp::now()),
            who: self.who.clone(),
            from: Some(self.from),
            request_id: self.request_id.clone(),
            deed,
        };
        let written = app.audit_log.write(&app.store, note).await;
        written
            .map(drop)
            .map_err(|error| Error::Unavailable(error.into()))
    }
}

impl FromRequestParts<AppState> for Scribe {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        // The middleware or an earlier extractor may have authenticated the request already.
        let staff = match parts.extensions.get::<Staff>() {
            Some(staff) => Some(staff.clone()),
            None => Staff::of(app, &parts.method, &parts.headers).await?,
        };
        let nobody = || Doer::Nobody.name().to_owned();
        let Ok(ClientAddress(from)) = ClientAddress::from_request_parts(parts, app).await;
        let request_id = parts.extensions.get::<RequestId>();
        Ok(Self {
            who: staff.map_or_else(nobody, |staff| staff.actor()),
            from,
            request_id: request_id.map(|id| id.0.clone()),
        })
    }
}
