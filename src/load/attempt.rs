//! Classifies responses and computes retry delays. Mirrors the page's script (`static/send.js`), so that the load
//! behaves as browsers do.

use std::time::Duration;

use serde::Deserialize;

/// Delay after the first failed attempt.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
/// Maximum delay, in addition to `Retry-After`.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);
/// Maximum `Retry-After` that is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(1);

/// Body of a response that acknowledges a registration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegistrationReply {
    /// Registration id in hexadecimal.
    pub id: String,
    /// Receipt number.
    pub receipt: String,
}

/// Result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// Registered.
    Registered(RegistrationReply),
    /// Unknown or temporary failure: retry with the same key.
    Retry {
        /// Status, if there was a response.
        status: Option<u16>,
        /// `Retry-After` of the response.
        retry_after: Duration,
    },
    /// Rejected for good, with this status.
    Rejected(u16),
}

impl AttemptResult {
    /// No response: connection failed, broken off or timed out.
    pub const NO_RESPONSE: Self = Self::Retry {
        status: None,
        retry_after: Duration::ZERO,
    };

    /// Classifies a response by status, `Retry-After` (in seconds) and body.
    pub fn from_response(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        match status {
            200 | 201 => serde_json::from_slice(body).map_or(Self::NO_RESPONSE, Self::Registered),
            408 | 429 | 500.. => {
                let seconds = retry_after.and_then(|asked| asked.trim().parse().ok());
                let asked = Duration::from_secs(seconds.unwrap_or_default());
                Self::Retry {
                    status: Some(status),
                    retry_after: asked.min(MAX_RETRY_AFTER),
                }
            }
            _ => Self::Rejected(status),
        }
    }
}

/// Returns the delay after `tries` failed attempts (from 1): exponential with jitter, plus `retry_after`. `chance` is
/// random.
pub fn retry_delay(tries: u32, retry_after: Duration, chance: u8) -> Duration {
    let doubled = FIRST_RETRY_DELAY * 2u32.pow(tries.clamp(1, 11) - 1);
    retry_after
        + doubled
            .min(MAX_RETRY_DELAY)
            .mul_f32(0.5 + f32::from(chance) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_one_only_with_its_receipt() {
        let body = br#"{"id":"00","receipt":"7K3M9","received_at":"2026-11-21T00:00:00Z"}"#;
        for status in [200, 201] {
            let verdict = AttemptResult::from_response(status, None, body);
            assert!(matches!(verdict, AttemptResult::Registered(kept) if kept.receipt == "7K3M9"));
        }
        assert_eq!(
            AttemptResult::from_response(201, None, &body[..20]),
            AttemptResult::NO_RESPONSE
        );
    }

    #[test]
    fn what_passes_is_tried_again_and_what_stays_is_not() {
        for status in [408, 429, 500, 502, 503, 504] {
            let asked = AttemptResult::from_response(status, Some("2"), b"");
            let again = AttemptResult::Retry {
                status: Some(status),
                retry_after: Duration::from_secs(2),
            };
            assert_eq!(asked, again);
        }
        for status in [303, 400, 404, 409, 413, 422] {
            assert_eq!(
                AttemptResult::from_response(status, Some("2"), b""),
                AttemptResult::Rejected(status)
            );
        }
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        let asked = Duration::from_secs(2);
        assert_eq!(
            retry_delay(1, Duration::ZERO, 0),
            Duration::from_millis(500)
        );
        assert_eq!(retry_delay(2, Duration::ZERO, 255), Duration::from_secs(2));
        assert_eq!(retry_delay(1, asked, 255), Duration::from_secs(3));
        assert_eq!(retry_delay(u32::MAX, asked, 255), asked + MAX_RETRY_DELAY);
    }
}
