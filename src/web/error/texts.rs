//! Texts of all errors: what is wrong and how to fix it.

use jiff::Timestamp;

use super::photo::photo_message;
use super::{Error, retry_seconds};
use jornada_domain::{Campaign, Lang};

impl Error {
    /// Returns the problem type for programs; part of version 1 of the API.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoSuchPage => "no-such-page",
            Self::MethodNotAllowed | Self::NoProxy => "method-not-allowed",
            Self::WrongHost => "wrong-host",
            Self::NoSuchCampaign => "no-such-campaign",
            Self::NoSuchValue => "no-such-value",
            Self::NoSuchRegistration => "no-such-registration",
            Self::NoSuchReport => "no-such-report",
            Self::RegistrationDeleted(_) => "registration-removed",
            Self::NotOpen { .. } => "not-open",
            Self::Invalid(_) => "invalid-answers",
            Self::Photo { error: refusal, .. } if refusal.is_too_large() => "too-large",
            Self::Photo { .. } => "invalid-photo",
            Self::AlreadyRegistered { .. } => "already-registered",
            Self::PreviouslyDeleted => "registration-deleted",
            Self::TooLarge | Self::TextTooLarge => "too-large",
            Self::MediaType { .. } => "unsupported-media-type",
            Self::Malformed(_) => "malformed",
            Self::BodyTimeout => "timeout",
            Self::Busy | Self::Unavailable(_) => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::InvalidCsrfToken => "stale-form",
            Self::RateLimited(_) => "too-many-requests",
            Self::TooFast(_) => "too-fast",
            Self::HoneypotFilled => "hidden-field",
            Self::FormExpired => "old-form",
            Self::ProofRequired => "proof-of-work",
            Self::NoSuchLink => "no-such-link",
            Self::Internal(_) => "internal",
        }
    }

    /// Returns a short title.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &'static str {
        match self {
            Self::NoSuchPage => text!(lang, "error-no-such-page"),
            Self::MethodNotAllowed | Self::NoProxy => text!(lang, "error-method-not-allowed"),
            Self::WrongHost => text!(lang, "error-wrong-host"),
            Self::NoSuchCampaign => text!(lang, "error-no-such-campaign"),
            Self::NoSuchValue => text!(lang, "error-no-such-value"),
            Self::NoSuchRegistration => text!(lang, "error-no-such-registration"),
            Self::NoSuchReport => text!(lang, "error-no-such-report"),
            Self::NotOpen { .. } => text!(lang, "error-not-open"),
            Self::Invalid(_) => text!(lang, "error-invalid"),
            Self::Photo { .. } => text!(lang, "error-photo"),
            Self::AlreadyRegistered { .. } => text!(lang, "error-already-registered"),
            Self::PreviouslyDeleted | Self::RegistrationDeleted(_) => text!(lang, "error-deleted"),
            Self::TooLarge => text!(lang, "error-too-large"),
            Self::TextTooLarge => text!(lang, "error-text-too-large"),
            Self::MediaType { .. } => text!(lang, "error-media-type"),
            Self::Malformed(_) => text!(lang, "error-malformed"),
            Self::BodyTimeout => text!(lang, "error-body-timeout"),
            Self::Busy | Self::Unavailable(_) => text!(lang, "error-busy"),
            Self::Unauthorized => text!(lang, "error-unauthorized"),
            Self::Forbidden => text!(lang, "error-forbidden"),
            Self::InvalidCsrfToken | Self::FormExpired => text!(lang, "error-form-expired"),
            Self::RateLimited(_) => text!(lang, "error-rate-limited"),
            Self::TooFast(_) => text!(lang, "error-too-fast"),
            Self::HoneypotFilled => text!(lang, "error-honeypot-filled"),
            Self::ProofRequired => text!(lang, "error-proof-required"),
            Self::NoSuchLink => text!(lang, "error-no-such-link"),
            Self::Internal(_) => text!(lang, "error-internal"),
        }
    }

    /// Returns what is wrong and how to fix it.
    #[must_use]
    pub fn detail(&self, lang: Lang) -> String {
        match self {
            Self::NotOpen {
                campaign,
                closes_at,
            } => describe_period(campaign, *closes_at, lang),
            Self::RegistrationDeleted(deletion) => text!(
                lang,
                "error-registration-deleted-detail",
                reason = deletion.reason.as_str()
            ),
            Self::Malformed(what) => text!(lang, "error-malformed-detail", problem = (*what)),
            Self::Photo { error: refusal, .. } => photo_message(refusal, lang),
            Self::RateLimited(wait) => {
                let seconds = retry_seconds(*wait).to_string();
                text!(lang, "error-rate-limited-detail", seconds = seconds)
            }
            other => other.fixed_detail(lang).to_owned(),
        }
    }

    fn fixed_detail(&self, lang: Lang) -> &'static str {
        match self {
            Self::NoSuchPage => text!(lang, "error-no-such-page-detail"),
            Self::WrongHost => text!(lang, "error-wrong-host-detail"),
            Self::MethodNotAllowed | Self::NoProxy => {
                text!(lang, "error-method-not-allowed-detail")
            }
            Self::NoSuchCampaign => text!(lang, "error-no-such-campaign-detail"),
            Self::NoSuchValue => text!(lang, "error-no-such-value-detail"),
            Self::NoSuchReport => text!(lang, "error-no-such-report-detail"),
            Self::NoSuchRegistration => text!(lang, "error-no-such-registration-detail"),
            Self::Invalid(_) => text!(lang, "error-invalid-detail"),
            Self::AlreadyRegistered { by_key: true } => {
                text!(lang, "error-already-registered-by-key-detail")
            }
            Self::AlreadyRegistered { by_key: false } => {
                text!(lang, "error-already-registered-detail")
            }
            Self::PreviouslyDeleted => text!(lang, "error-previously-deleted-detail"),
            Self::TooLarge => text!(lang, "error-too-large-detail"),
            Self::TextTooLarge => text!(lang, "error-text-too-large-detail"),
            Self::MediaType { json: true } => text!(lang, "error-media-type-json-detail"),
            Self::MediaType { json: false } => text!(lang, "error-media-type-detail"),
            Self::BodyTimeout => text!(lang, "error-body-timeout-detail"),
            Self::Busy | Self::Unavailable(_) => text!(lang, "error-busy-detail"),
            Self::Unauthorized => text!(lang, "error-unauthorized-detail"),
            Self::Forbidden => text!(lang, "error-forbidden-detail"),
            Self::TooFast(_) => text!(lang, "error-too-fast-detail"),
            Self::HoneypotFilled => text!(lang, "error-honeypot-filled-detail"),
            Self::FormExpired => text!(lang, "error-form-expired-detail"),
            Self::ProofRequired => text!(lang, "error-proof-required-detail"),
            Self::InvalidCsrfToken => text!(lang, "error-invalid-csrf-token-detail"),
            Self::NoSuchLink => text!(lang, "error-no-such-link-detail"),
            Self::NotOpen { .. }
            | Self::RegistrationDeleted(_)
            | Self::Photo { .. }
            | Self::Malformed(_)
            | Self::RateLimited(_)
            | Self::Internal(_) => text!(lang, "error-internal-detail"),
        }
    }
}

fn describe_period(campaign: &Campaign, closes_at: Timestamp, lang: Lang) -> String {
    let local = |at: Timestamp| {
        at.to_zoned(campaign.time_zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    };
    let (opens, closes) = (local(campaign.opens_at), local(closes_at));
    text!(
        lang,
        "error-not-open-detail",
        opens = opens,
        closes = closes
    )
}
