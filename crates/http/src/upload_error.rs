//! Errors of reading a submission.

use jornada_domain::FieldError;
use jornada_photo::inspect::InspectionError;

/// Why a submission could not be read.
#[derive(Debug)]
pub enum UploadError {
    /// The memory budget of uploads is exhausted.
    Busy,
    /// The body violates its format.
    Malformed(MalformedBody),
    /// Neither multipart nor, if supported, JSON.
    MediaType {
        /// Whether JSON is supported.
        json: bool,
    },
    /// An invalid photo.
    Photo {
        /// Name of the field.
        field: String,
        /// Reason.
        error: InspectionError,
    },
    /// An invalid or repeated text field.
    Refused(FieldError),
    /// The body did not arrive in time.
    BodyTimeout,
    /// The texts have too many bytes.
    TextTooLarge,
    /// The body has too many bytes.
    TooLarge,
}

impl UploadError {
    /// A body that is not JSON, or ends half-way.
    pub(crate) const NOT_JSON: Self = Self::Malformed(MalformedBody::NotJson);
}

/// Returns the error of a JSON body: one that ends half-way is no JSON.
pub(crate) fn not_json(error: UploadError) -> UploadError {
    match error {
        UploadError::Malformed(_) => UploadError::NOT_JSON,
        other => other,
    }
}

/// How a body violates its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MalformedBody {
    /// A multipart body that ends or breaks half-way.
    Incomplete,
    /// A multipart body whose media type has no boundary.
    NoBoundary,
    /// A part without a name.
    UnnamedPart,
    /// More parts than any form has.
    TooManyParts,
    /// Not a JSON object.
    NotJson,
    /// Not a JSON array.
    NotJsonArray,
    /// A JSON value that is neither text, number nor flag.
    JsonValue,
}
