//! Page with the form, the submitted answers and their errors.

use askama::Template;
use jiff::Timestamp;

use crate::web::error::answer::answer_message;
use crate::web::filled_form::FilledForm;
use jornada_domain::answers::CONSENT;
use jornada_domain::{Campaign, Field, FieldKind, FormData, ValidationError};
use jornada_http::page::PageContext;
use jornada_service::admission::{HONEYPOT_FIELD, REVIEW_FIELD, TIMESTAMP_FIELD};

#[derive(Template)]
#[template(path = "form.html")]
pub(super) struct FormPage<'a> {
    pub(super) visit: &'a PageContext,
    pub(super) campaign: &'a Campaign,
    pub(super) key: String,
    /// Signed time at which the form was shown.
    pub(super) shown_at: String,
    /// Whether the person may ask staff to decide about the number.
    pub(super) offers_review: bool,
    pub(super) form: FilledForm<FormData>,
}

impl FormPage<'_> {
    fn title(&self) -> &str {
        self.visit.localized(&self.campaign.title)
    }

    /// Returns the path of the API that takes the form.
    fn api_path(&self) -> String {
        let records = if self.campaign.is_vote() {
            "votes"
        } else {
            "registrations"
        };
        format!("/api/v1/campaigns/{}/{records}", self.campaign.id)
    }

    fn questions(&self) -> impl Iterator<Item = FormField<'_>> {
        self.campaign.fields.iter().map(|field| FormField {
            field,
            value: self.form.values.value(&field.name),
            error: self.form.error(&field.name),
            is_lost: field.is_photo() && self.form.has_problem(),
        })
    }

    /// Returns the label of a field on the page, for the error summary.
    fn field_label(&self, field: &str) -> Option<&str> {
        if field == CONSENT {
            return self.campaign.consent.as_ref().map(|_| self.consent_title());
        }
        let field = self.campaign.field(field)?;
        Some(self.visit.localized(&field.label))
    }

    fn consent_title(&self) -> &'static str {
        text!(self.visit.lang, "form-consent")
    }

    /// Returns whether the campaign has a number that somebody else can have sent before.
    fn may_review(&self) -> bool {
        !self.campaign.is_vote() && self.campaign.fields.iter().any(|field| field.unique)
    }

    fn has_consented(&self) -> bool {
        self.form.values.value(CONSENT) == "true"
    }

    /// Returns when photos are deleted, if the campaign asks for one.
    fn photos_expire_at(&self) -> Option<Timestamp> {
        self.campaign.photo_field()?;
        self.campaign.photos_expire_at()
    }

    fn date_time(&self, at: &Timestamp) -> String {
        self.visit.date_time(at, &self.campaign.time_zone)
    }

    /// Returns the text for an answer that the script finds missing, the same as that of the server.
    fn missing_text(&self, refusal: &ValidationError) -> String {
        answer_message(refusal, self.visit.lang)
    }
}

/// A field as shown.
struct FormField<'a> {
    field: &'a Field,
    value: &'a str,
    error: Option<&'a str>,
    /// Whether a photo may have been chosen, which browsers do not preserve.
    is_lost: bool,
}

impl FormField<'_> {
    /// Returns the ids of hint and error, for `aria-describedby`.
    fn described_by(&self) -> String {
        let name = &self.field.name;
        if self.field.hint.is_some() {
            format!("f-{name}-hint f-{name}-error")
        } else {
            format!("f-{name}-error")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::error::Error;
    use crate::web::error::problem::field_problems;
    use jornada_testkit::campaign::example;
    use jornada_testkit::page::visit;

    fn page(form: &FormData, error: Option<&Error>, address: &str) -> String {
        let (visit, campaign) = (visit(address, "es"), example());
        let page = FormPage {
            visit: &visit,
            campaign: &campaign,
            key: "0123456789abcdef0123456789abcdef".to_owned(),
            shown_at: "1795000000000.00".to_owned(),
            offers_review: false,
            form: FilledForm {
                errors: error.map_or_else(Vec::new, |error| field_problems(error, visit.lang)),
                ..FilledForm::new(form.clone())
            },
        };
        page.render().unwrap()
    }

    #[test]
    fn submitted_text_is_shown_again_and_escaped() {
        let typed = FormData {
            parts: vec![("nombre".into(), "\"><script>alert(1)</script>".into())],
            has_photo: true,
        };
        let refused = example().validate(&typed).unwrap_err();
        let html = page(&typed, Some(&Error::Invalid(refused)), "/");
        assert!(html.contains("<title>Error: "));
        assert!(html.contains("value=\"&#34;&#62;&#60;script&#62;alert(1)"));
        assert!(html.contains("<a href=\"#f-ciudad\">Ciudad: Falta esta respuesta."));
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn a_selected_language_is_preserved() {
        let html = page(&FormData::default(), None, "/?lang=en");
        assert!(html.contains("<html lang=\"en\">"));
        assert!(html.contains("action=\"/c/vacunacion?lang=en\""));
        assert!(html.contains("href=\"/?lang=es\" lang=\"es\""));
    }

    #[test]
    fn nothing_on_a_page_needs_an_inline_script_or_style() {
        let html = page(&FormData::default(), None, "/");
        for forbidden in [" style=", "<style", " onclick=", "<script>", "//"] {
            let found = html.matches(forbidden).count();
            assert_eq!(found, 0, "{forbidden}");
        }
    }
}
