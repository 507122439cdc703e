//! The client of a call: its address, token, language and deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::HeaderMap;
use jiff::Timestamp;
use tonic::Status;

use super::refusal;
use crate::web::AppState;
use crate::web::address::ClientAddress;
use crate::web::error::Error;
use crate::web::in_flight::RequestSlot;
use crate::web::votes::VoteSender;
use jornada_domain::{Campaign, Lang};
use jornada_http::lang::read_lang;

/// The client of a call.
#[derive(Clone, Debug)]
pub struct Caller(Arc<CallerState>);

#[derive(Debug)]
struct CallerState {
    sender: VoteSender,
    lang: Lang,
    deadline: Option<Instant>,
    /// Place of the call among those in flight, until its work is done. `None` for streams.
    _slot: Option<RequestSlot>,
}

impl Caller {
    /// Reads the metadata of a call.
    pub fn from_request(app: &AppState, request: &Request, slot: Option<RequestSlot>) -> Self {
        let headers = request.headers();
        let client = ClientAddress::from_head(&app.proxies, request.extensions(), headers);
        let timeout = read_timeout(headers);
        Self(Arc::new(CallerState {
            sender: VoteSender::new(client, headers),
            lang: read_lang(request.uri(), headers),
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            _slot: slot,
        }))
    }

    /// Takes the caller that [`super::call::accept`] added to a call, and the message.
    pub fn split<T>(mut request: tonic::Request<T>) -> Result<(Self, T), Status> {
        let caller = request.extensions_mut().remove();
        let caller = caller.ok_or_else(|| Status::internal("no caller"))?;
        Ok((caller, request.into_inner()))
    }

    /// Language of answers.
    pub fn lang(&self) -> Lang {
        self.0.lang
    }

    /// When the client stops waiting, if it said so.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Admits votes of this client, unless its deadline has passed.
    pub async fn admit(
        &self,
        app: &AppState,
        campaign: &Campaign,
        votes: usize,
        now: Timestamp,
    ) -> Result<(), Status> {
        let admitted = self.0.sender.admit(app, campaign, votes, now).await;
        admitted.map_err(|error| self.refuse(&error))?;
        match self.0.deadline {
            Some(deadline) if deadline <= Instant::now() => Err(refusal::deadline_passed()),
            _ => Ok(()),
        }
    }

    /// Returns the status of an error in the language of the client.
    pub fn refuse(&self, error: &Error) -> Status {
        refusal::status(error, self.0.lang)
    }
}

/// Reads `grpc-timeout`: up to 8 digits and a unit. A malformed one is ignored.
fn read_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = number.len() <= 8 && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number)?;
    Some(match unit {
        "H" => Duration::from_hours(number),
        "M" => Duration::from_mins(number),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_a_unit() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            read_timeout(&headers)
        };
        assert_eq!(read("99999999H"), Some(Duration::from_hours(99_999_999)));
        assert_eq!(read("2M"), Some(Duration::from_mins(2)));
        assert_eq!(read("3S"), Some(Duration::from_secs(3)));
        assert_eq!(read("4m"), Some(Duration::from_millis(4)));
        assert_eq!(read("5u"), Some(Duration::from_micros(5)));
        assert_eq!(read("6n"), Some(Duration::from_nanos(6)));
        for malformed in ["", "S", "7", "+7S", "-1S", "123456789S", "1h", "1 S"] {
            assert_eq!(read(malformed), None, "{malformed:?}");
        }
    }
}
