//! Who writes the record: an extractor that knows who asks, from where and in which request. A handler notes what it is
//! about to show or change, and goes on only once that is kept.

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

/// Writes what one request does.
#[derive(Clone, Debug)]
pub struct Scribe {
    who: String,
    from: IpAddr,
    request_id: Option<String>,
}

impl Scribe {
    /// The same for somebody who is only now known to be this account.
    #[must_use]
    pub fn of(&self, id: Uuid) -> Self {
        Self {
            who: account(id),
            ..self.clone()
        }
    }

    /// The same for somebody who is not known to be anybody.
    #[must_use]
    pub fn of_nobody(&self) -> Self {
        Self {
            who: Doer::Nobody.name().to_owned(),
            ..self.clone()
        }
    }

    /// Where the request comes from.
    #[must_use]
    pub fn from(&self) -> IpAddr {
        self.from
    }

    /// Writes that an attempt was slowed; of a flood of them, one a second.
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

    /// Writes an entry. Whatever it tells of is shown or changed only after this.
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
        // Behind the guard, or after the extractor that lets the staff in, it is known who asks.
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
