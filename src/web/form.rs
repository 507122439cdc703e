//! The form for people: shown with what they typed and what is wrong with it; works without JavaScript.

use askama::Template;

use super::error::problem::FieldProblem;
use super::page::Visit;
use crate::domain::answers::CONSENT;
use crate::domain::{Campaign, Field, Form, Kind, Lang, Refusal};

/// The name of the hidden part that carries the key of this form.
const KEY: &str = "_key";

/// What is wrong with a form: with single fields, or with the whole.
#[derive(Clone, Debug, Default)]
pub struct Wrong {
    /// With fields, in the order in which they are told.
    pub fields: Vec<FieldProblem>,
    /// With the whole.
    pub whole: Option<String>,
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage<'a> {
    visit: &'a Visit,
    campaign: &'a Campaign,
    key: &'a str,
    typed: &'a Form,
    wrong: &'a Wrong,
}

impl FormPage<'_> {
    fn title(&self) -> &str {
        self.campaign.title.get(self.visit.lang)
    }

    fn address(&self) -> String {
        format!("/c/{}", self.campaign.id)
    }

    fn is_wrong(&self) -> bool {
        !self.wrong.fields.is_empty() || self.wrong.whole.is_some()
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
        let wrong = self.wrong.fields.iter().find(|wrong| wrong.field == name);
        wrong.map(|wrong| wrong.message.as_str())
    }

    /// How a field that is on the page is called, for the summary.
    fn name_of(&self, field: &str) -> Option<&str> {
        if field == CONSENT {
            return self.campaign.consent.as_ref().map(|_| self.consent_title());
        }
        let field = self.campaign.field(field)?;
        Some(field.label.get(self.visit.lang))
    }

    fn consent_title(&self) -> &'static str {
        self.visit.lang.pick("Autorización", "Consent")
    }

    fn has_consented(&self) -> bool {
        self.typed.value(CONSENT) == "true"
    }

    /// The words for an answer that the script finds missing: the same as the server's.
    fn missing(&self, refusal: &Refusal) -> String {
        refusal.message(self.visit.lang)
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
    fn label(&self, lang: Lang) -> &str {
        self.field.label.get(lang)
    }

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

#[derive(Template)]
#[template(path = "closed.html")]
struct ClosedPage<'a> {
    visit: &'a Visit,
    campaign: &'a Campaign,
    is_over: bool,
}
