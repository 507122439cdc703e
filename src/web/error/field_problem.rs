//! An error of one field of a form, a vote or a query.

use serde::Serialize;
use utoipa::ToSchema;

use super::answer::answer_message;
use jornada_domain::{FieldError, Lang};

/// Error of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Name of the field as in the campaign.
    pub field: String,
    /// Code of the problem for programs, such as `required` or `unknown_field`.
    #[schema(value_type = String)]
    pub code: &'static str,
    /// Problem and how to fix it.
    pub message: String,
}

impl FieldProblem {
    /// Describes validation errors.
    pub fn from_field_errors(errors: &[FieldError], lang: Lang) -> Vec<Self> {
        let describe = |error: &FieldError| Self {
            field: error.field.clone(),
            code: error.error.code(),
            message: answer_message(&error.error, lang),
        };
        errors.iter().map(describe).collect()
    }
}
