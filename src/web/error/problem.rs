//! Formats of an error: problem details (RFC 9457) and a page.

use askama::Template;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Error;
use super::photo::photo_message;
use jornada_domain::Lang;
use jornada_http::page::{PageContext, render};
use jornada_photo::inspect::InspectionError;

pub use super::field_problem::FieldProblem;

/// Problem details of RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:jornada:problem:` and the name of the problem; independent of the language.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short title.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// Problem and how to fix it.
    pub detail: String,
    /// Errors of single fields, if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// An error as a page.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    visit: &'a PageContext,
    problem: &'a Problem,
}

impl Problem {
    /// Describes an error.
    pub fn from_error(error: &Error, lang: Lang) -> Self {
        Self {
            kind: format!("urn:jornada:problem:{}", error.name()),
            title: error.title(lang).to_owned(),
            status: error.status().as_u16(),
            detail: error.detail(lang),
            errors: field_problems(error, lang),
        }
    }

    /// Returns the error as `application/problem+json` in this language.
    pub fn into_json(self, lang: Lang) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CONTENT_LANGUAGE, lang.tag()),
            (header::CACHE_CONTROL, "no-store"),
            (header::VARY, "Accept-Language"),
        ];
        (headers, Json(self)).into_response()
    }

    /// Returns the error as a page.
    pub fn into_page(self, visit: &PageContext) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let page = ErrorPage {
            visit,
            problem: &self,
        };
        render(status, &page)
    }
}

/// Returns the errors of the fields.
pub fn field_problems(error: &Error, lang: Lang) -> Vec<FieldProblem> {
    match error {
        Error::Invalid(errors) => FieldProblem::from_field_errors(errors, lang),
        Error::InvalidQuery(problems) => problems.clone(),
        Error::Photo { field, error } => vec![photo_problem(field, error, lang)],
        Error::InvalidBoth {
            errors,
            field,
            photo,
        } => {
            let mut problems = FieldProblem::from_field_errors(errors, lang);
            problems.push(photo_problem(field, photo, lang));
            problems
        }
        _ => Vec::new(),
    }
}

fn photo_problem(field: &str, error: &InspectionError, lang: Lang) -> FieldProblem {
    FieldProblem {
        field: field.to_owned(),
        code: "invalid_photo",
        message: photo_message(error, lang),
    }
}
