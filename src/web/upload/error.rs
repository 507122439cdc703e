//! Why a submission could not be read.

use crate::domain::FieldError;
use crate::photo::inspect::InspectionError;
use crate::web::budget::BudgetExhausted;

/// Why a submission could not be read.
#[derive(Debug)]
pub enum UploadError {
    /// No memory is free for it.
    Busy,
    /// It breaks its own format; how.
    Malformed(&'static str),
    /// Neither multipart nor, where it is accepted, JSON.
    MediaType {
        /// Whether JSON is accepted.
        json: bool,
    },
    /// An invalid photo.
    Photo {
        /// Name of the field.
        field: String,
        /// Reason.
        refusal: InspectionError,
    },
    /// A field that came more than once.
    Refused(FieldError),
    /// The body did not arrive in time.
    BodyTimeout,
    /// The texts have too many bytes.
    TextTooLarge,
    /// The body has too many bytes.
    TooLarge,
}

impl From<BudgetExhausted> for UploadError {
    fn from(_: BudgetExhausted) -> Self {
        Self::Busy
    }
}
