//! Requests that cannot be read, and their texts.

use jornada_domain::Lang;
use jornada_http::MalformedBody;

/// Malformed part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Path, query, form or a header, as the framework rejects them.
    Request,
    /// The header `Host`.
    Host,
    /// The body of a submission.
    Body(MalformedBody),
    /// The header `Idempotency-Key`.
    IdempotencyKey,
    /// The hidden field with the key of a form.
    FormKey,
    /// The hidden field of the form that enables a second factor.
    SecondFactorForm,
    /// A day.
    Day,
    /// A range of days whose end is before its beginning.
    DayOrder,
    /// The filter of the audit log.
    AuditFilter,
    /// The separator of a CSV file.
    Separator,
}

impl Malformed {
    /// Returns what is wrong and how to fix it.
    pub(super) fn detail(self, lang: Lang) -> &'static str {
        match self {
            Self::Request => text!(lang, "error-malformed-detail"),
            Self::Host => text!(lang, "malformed-host"),
            Self::Body(body) => describe_body(body, lang),
            Self::IdempotencyKey => text!(lang, "malformed-idempotency-key"),
            Self::FormKey => text!(lang, "malformed-form-key"),
            Self::SecondFactorForm => text!(lang, "malformed-second-factor-form"),
            Self::Day => text!(lang, "malformed-day"),
            Self::DayOrder => text!(lang, "malformed-day-order"),
            Self::AuditFilter => text!(lang, "malformed-audit-filter"),
            Self::Separator => text!(lang, "malformed-separator"),
        }
    }
}

fn describe_body(body: MalformedBody, lang: Lang) -> &'static str {
    match body {
        MalformedBody::Incomplete => text!(lang, "malformed-incomplete"),
        MalformedBody::NoBoundary => text!(lang, "malformed-no-boundary"),
        MalformedBody::UnnamedPart => text!(lang, "malformed-unnamed-part"),
        MalformedBody::TooManyParts => text!(lang, "malformed-too-many-parts"),
        MalformedBody::NotJson => text!(lang, "malformed-not-json"),
        MalformedBody::NotJsonArray => text!(lang, "malformed-not-json-array"),
        MalformedBody::JsonValue => text!(lang, "malformed-json-value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_speaks_both_languages() {
        let bodies = [
            MalformedBody::Incomplete,
            MalformedBody::NoBoundary,
            MalformedBody::UnnamedPart,
            MalformedBody::TooManyParts,
            MalformedBody::NotJson,
            MalformedBody::NotJsonArray,
            MalformedBody::JsonValue,
        ];
        let others = [
            Malformed::Request,
            Malformed::Host,
            Malformed::IdempotencyKey,
            Malformed::FormKey,
            Malformed::SecondFactorForm,
            Malformed::Day,
            Malformed::DayOrder,
            Malformed::AuditFilter,
            Malformed::Separator,
        ];
        for malformed in bodies.map(Malformed::Body).into_iter().chain(others) {
            let texts = [Lang::Es, Lang::En].map(|lang| malformed.detail(lang));
            assert!(texts.iter().all(|text| text.ends_with('.')), "{texts:?}");
            assert_ne!(texts[0], texts[1], "{malformed:?}");
        }
    }

    #[test]
    fn a_request_that_only_reads_is_not_told_that_nothing_was_kept() {
        for malformed in [
            Malformed::Request,
            Malformed::Host,
            Malformed::Day,
            Malformed::DayOrder,
            Malformed::AuditFilter,
            Malformed::Separator,
        ] {
            let spanish = malformed.detail(Lang::Es);
            assert!(!spanish.contains("No se guardó"), "{spanish}");
            assert!(!malformed.detail(Lang::En).contains("kept"));
        }
    }
}
