//! Classifies responses and computes retry delays. Mirrors the page's script (`static/send.js`), so that the load
//! behaves as browsers do.

use std::time::Duration;

use serde::Deserialize;

/// Delay after the first failed attempt.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Maximum delay, in addition to `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Maximum `Retry-After` that is respected.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// Body of a response that acknowledges a registration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Registered {
    /// Registration id in hexadecimal.
    pub id: String,
    /// Receipt number.
    pub receipt: String,
}

/// Result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Registered.
    Registered(Registered),
    /// Unknown or temporary failure: retry with the same key.
    Again {
        /// Status, if there was a response.
        status: Option<u16>,
        /// `Retry-After` of the response.
        retry_after: Duration,
    },
    /// Rejected for good, with this status.
    Refused(u16),
}

impl Verdict {
    /// No response: connection failed, broken off or timed out.
    pub const SILENCE: Self = Self::Again {
        status: None,
        retry_after: Duration::ZERO,
    };

    /// Classifies a response by status, `Retry-After` (in seconds) and body.
    #[must_use]
    pub fn of(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        match status {
            200 | 201 => serde_json::from_slice(body).map_or(Self::SILENCE, Self::Registered),
            408 | 429 | 500.. => {
                let seconds = retry_after.and_then(|asked| asked.trim().parse().ok());
                let asked = Duration::from_secs(seconds.unwrap_or_default());
                Self::Again {
                    status: Some(status),
                    retry_after: asked.min(LONGEST_RETRY_AFTER),
                }
            }
            _ => Self::Refused(status),
        }
    }
}

/// Returns the delay after `tries` failed attempts (from 1): exponential with jitter, plus `retry_after`. `chance` is
/// random.
#[must_use]
pub fn pause(tries: u32, retry_after: Duration, chance: u8) -> Duration {
    let doubled = FIRST_WAIT * 2u32.pow(tries.clamp(1, 11) - 1);
    retry_after
        + doubled
            .min(LONGEST_WAIT)
            .mul_f32(0.5 + f32::from(chance) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_one_only_with_its_receipt() {
        let body = br#"{"id":"00","receipt":"7K3M9","received_at":"2026-11-21T00:00:00Z"}"#;
        for status in [200, 201] {
            let verdict = Verdict::of(status, None, body);
            assert!(matches!(verdict, Verdict::Registered(kept) if kept.receipt == "7K3M9"));
        }
        assert_eq!(Verdict::of(201, None, &body[..20]), Verdict::SILENCE);
    }

    #[test]
    fn what_passes_is_tried_again_and_what_stays_is_not() {
        for status in [408, 429, 500, 502, 503, 504] {
            let asked = Verdict::of(status, Some("2"), b"");
            let again = Verdict::Again {
                status: Some(status),
                retry_after: Duration::from_secs(2),
            };
            assert_eq!(asked, again);
        }
        for status in [303, 400, 404, 409, 413, 422] {
            assert_eq!(
                Verdict::of(status, Some("2"), b""),
                Verdict::Refused(status)
            );
        }
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        let asked = Duration::from_secs(2);
        assert_eq!(pause(1, Duration::ZERO, 0), Duration::from_millis(500));
        assert_eq!(pause(2, Duration::ZERO, 255), Duration::from_secs(2));
        assert_eq!(pause(1, asked, 255), Duration::from_secs(3));
        assert_eq!(pause(u32::MAX, asked, 255), asked + LONGEST_WAIT);
    }
}
