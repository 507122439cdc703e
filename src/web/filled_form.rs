//! A form as a page shows it: empty, or again with what was sent and what is wrong with it.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use super::error::Error;
use super::error::problem::FieldProblem;
use jornada_http::page::render;

/// Values, problems and notice of a form, with the status of the page that shows it.
#[derive(Debug)]
pub struct FilledForm<T> {
    /// Values of the fields.
    pub values: T,
    /// Problems of single fields.
    pub errors: Vec<FieldProblem>,
    /// Problem of the form as a whole.
    pub problem: Option<String>,
    /// Message about the action that led to the page; empty if none.
    pub notice: &'static str,
    /// Status of the page.
    pub status: StatusCode,
    /// Additional header of the page.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl<T> FilledForm<T> {
    /// Creates a form without problems.
    pub fn new(values: T) -> Self {
        Self {
            values,
            errors: Vec::new(),
            problem: None,
            notice: "",
            status: StatusCode::OK,
            header: None,
        }
    }

    /// Creates a form that was rejected because of a problem (422).
    pub fn rejected(values: T, problem: impl Into<String>) -> Self {
        Self {
            problem: Some(problem.into()),
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..Self::new(values)
        }
    }

    /// Creates a form that was rejected because of single fields (422).
    pub fn rejected_fields(values: T, errors: Vec<FieldProblem>) -> Self {
        Self {
            errors,
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..Self::new(values)
        }
    }

    /// Sets the notice.
    #[must_use]
    pub fn with_notice(self, notice: &'static str) -> Self {
        Self { notice, ..self }
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Sets status and additional header to those of an error.
    #[must_use]
    pub fn with_status_of(self, error: &Error) -> Self {
        Self {
            status: error.status(),
            header: error.header(),
            ..self
        }
    }

    /// Returns whether the form was rejected.
    pub fn has_problem(&self) -> bool {
        self.problem.is_some() || !self.errors.is_empty()
    }

    /// Returns the problem of a field.
    pub fn error(&self, field: &str) -> Option<&str> {
        let wrong = self.errors.iter().find(|wrong| wrong.field == field)?;
        Some(&wrong.message)
    }

    /// Renders the page that shows the form.
    pub fn render(&self, page: &impl Template) -> Response {
        let mut response = render(self.status, page);
        response.headers_mut().extend(self.header.clone());
        response
    }
}

impl<T: Default> Default for FilledForm<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}
