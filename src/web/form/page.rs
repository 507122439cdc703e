//! The form as it is shown: with what was typed and what is wrong with it.

use askama::Template;
use jiff::Timestamp;

use crate::admission::{HONEYPOT_FIELD, TIMESTAMP_FIELD};
use crate::domain::answers::CONSENT;
use crate::domain::{Campaign, Field, Form, Kind, Refusal};
use crate::web::error::answer::answer_message;
use crate::web::error::problem::{FieldProblem, Problem};
use crate::web::page::Visit;

#[derive(Template)]
#[template(path = "form.html")]
pub(super) struct FormPage<'a> {
    pub(super) visit: &'a Visit,
    pub(super) campaign: &'a Campaign,
    pub(super) key: &'a str,
    /// When it was shown, signed.
    pub(super) shown: &'a str,
    pub(super) typed: &'a Form,
    pub(super) problem: Option<Problem>,
}

impl FormPage<'_> {
    fn title(&self) -> &str {
        self.visit.read(&self.campaign.title)
    }

    fn is_wrong(&self) -> bool {
        self.problem.is_some()
    }

    fn mistakes(&self) -> &[FieldProblem] {
        self.problem.as_ref().map_or(&[], |problem| &problem.errors)
    }

    /// What is wrong, where no single field is to blame.
    fn trouble(&self) -> Option<&str> {
        let problem = self.problem.as_ref()?;
        problem.errors.is_empty().then_some(problem.detail.as_str())
    }

    fn questions(&self) -> impl Iterator<Item = Question<'_>> {
        self.campaign.fields.iter().map(|field| Question {
            field,
            value: self.typed.value(&field.name),
            error: self.error(&field.name),
            is_lost: field.is_photo() && self.is_wrong(),
        })
    }

    fn error(&self, name: &str) -> Option<&str> {
        let wrong = self.mistakes().iter().find(|wrong| wrong.field == name);
        wrong.map(|wrong| wrong.message.as_str())
    }

    /// How a field that is on the page is called, for the summary.
    fn name_of(&self, field: &str) -> Option<&str> {
        if field == CONSENT {
            return self.campaign.consent.as_ref().map(|_| self.consent_title());
        }
        let field = self.campaign.field(field)?;
        Some(self.visit.read(&field.label))
    }

    fn consent_title(&self) -> &'static str {
        self.visit.lang.pick("Autorización", "Consent")
    }

    fn has_consented(&self) -> bool {
        self.typed.value(CONSENT) == "true"
    }

    /// Until when a photo is kept, where one is asked for.
    fn photos_end(&self) -> Option<Timestamp> {
        self.campaign.photo()?;
        self.campaign.photos_end()
    }

    /// The words for an answer that the script finds missing: the same as the server's.
    fn missing(&self, refusal: &Refusal) -> String {
        answer_message(refusal, self.visit.lang)
    }
}

/// One question as it is shown.
struct Question<'a> {
    field: &'a Field,
    value: &'a str,
    error: Option<&'a str>,
    /// Whether a photo may have been chosen that the browser does not give back.
    is_lost: bool,
}

impl Question<'_> {
    /// What binds a control to its hint and its message.
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
    use crate::domain::campaign::tests::example;
    use crate::web::error::Error;
    use crate::web::page::tests::visit;

    fn page(form: &Form, error: Option<&Error>, address: &str) -> String {
        let (visit, campaign) = (visit(address, "es"), example());
        let page = FormPage {
            visit: &visit,
            campaign: &campaign,
            key: "0123456789abcdef0123456789abcdef",
            shown: "1795000000000.00",
            typed: form,
            problem: error.map(|error| Problem::of(error, visit.lang)),
        };
        page.render().unwrap()
    }

    #[test]
    fn what_was_typed_comes_back_and_cannot_run() {
        let typed = Form {
            parts: vec![("nombre".into(), "\"><script>alert(1)</script>".into())],
            has_photo: true,
        };
        let refused = example().admit(&typed).unwrap_err();
        let html = page(&typed, Some(&Error::Refused(refused)), "/");
        assert!(html.contains("<title>Error: "));
        assert!(html.contains("value=\"&#34;&#62;&#60;script&#62;alert(1)"));
        assert!(html.contains("<a href=\"#f-ciudad\">Ciudad: Falta esta respuesta."));
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn a_language_that_was_chosen_goes_on() {
        let html = page(&Form::default(), None, "/?lang=en");
        assert!(html.contains("<html lang=\"en\">"));
        assert!(html.contains("action=\"/c/vacunacion?lang=en\""));
        assert!(html.contains("href=\"/?lang=es\" lang=\"es\""));
    }

    #[test]
    fn nothing_on_a_page_needs_an_inline_script_or_style() {
        let html = page(&Form::default(), None, "/");
        for forbidden in [" style=", "<style", " onclick=", "<script>", "//"] {
            let found = html.matches(forbidden).count();
            assert_eq!(found, 0, "{forbidden}");
        }
    }
}
