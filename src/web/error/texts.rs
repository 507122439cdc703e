//! Texts of all errors: what is wrong and how to fix it.

use jiff::Timestamp;
use jornada_runtime::messages;

use super::photo::photo_message;
use super::{Error, retry_seconds};
use jornada_domain::{Campaign, Lang};

impl Error {
    /// Returns the problem type for programs; part of version 1 of the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Photo { error, .. } if error.is_too_large() => "too-large",
            Self::TextTooLarge => "too-large",
            other => other.into(),
        }
    }

    /// Returns a short title.
    pub fn title(&self, lang: Lang) -> &'static str {
        let name: &str = self.into();
        messages::for_language(lang.tag()).get(&format!("error-{name}"))
    }

    /// Returns what is wrong and how to fix it.
    pub fn detail(&self, lang: Lang) -> String {
        match self {
            Self::NotOpen {
                campaign,
                closes_at,
            } => describe_period(campaign, *closes_at, lang),
            Self::RegistrationDeleted(deletion) => {
                let reason = deletion.reason.as_str();
                text!(lang, "error-registration-removed-detail", reason = reason)
            }
            Self::Malformed(what) => what.detail(lang).to_owned(),
            Self::NoSuchTally(ids) => {
                text!(lang, "error-no-such-tally-detail", ids = ids.join(", "))
            }
            Self::Photo { error, .. } => photo_message(error, lang),
            Self::RateLimited(wait) => {
                let seconds = retry_seconds(*wait);
                text!(lang, "error-too-many-requests-detail", seconds = seconds)
            }
            Self::AlreadyRegistered { by_key: true } => {
                text!(lang, "error-already-registered-by-key-detail").to_owned()
            }
            Self::VoteTokenRequired => text!(lang, "error-unauthorized-votes-detail").to_owned(),
            Self::BatchMediaType => {
                text!(lang, "error-unsupported-media-type-votes-detail").to_owned()
            }
            Self::MediaType { json: true } => {
                text!(lang, "error-unsupported-media-type-json-detail").to_owned()
            }
            other => {
                let name: &str = other.into();
                let text = messages::for_language(lang.tag()).get(&format!("error-{name}-detail"));
                text.to_owned()
            }
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
    if campaign.is_vote() {
        return text!(
            lang,
            "error-not-open-votes-detail",
            opens = opens,
            closes = closes
        );
    }
    text!(
        lang,
        "error-not-open-detail",
        opens = opens,
        closes = closes
    )
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn the_time_to_wait_is_singular_or_plural() {
        let detail =
            |seconds, lang| Error::RateLimited(SignedDuration::from_secs(seconds)).detail(lang);
        assert!(detail(1, Lang::Es).contains("Espere 1 segundo e intente"));
        assert!(detail(2, Lang::Es).contains("Espere 2 segundos e intente"));
        assert!(detail(1, Lang::En).contains("Wait 1 second and"));
        assert!(detail(3_600, Lang::En).contains("Wait 3600 seconds and"));
    }
}
