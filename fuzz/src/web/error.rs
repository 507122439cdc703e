//! Errors of the multipart parser; the site maps each to a status and a text.

use crate::domain::FieldRefusal;
use crate::photo::inspect::PhotoRefusal;

/// Why an upload is rejected.
#[derive(Debug)]
pub enum Error {
    /// The memory for uploads is used up.
    Busy,
    /// The body does not match its media type.
    Malformed(&'static str),
    /// The media type is not supported.
    MediaType {
        /// Whether JSON is accepted.
        json: bool,
    },
    /// The photo is invalid.
    Photo {
        /// Name of the field.
        field: String,
        /// Cause.
        refusal: PhotoRefusal,
    },
    /// Answers are invalid.
    Refused(Vec<FieldRefusal>),
    /// It took too long.
    Slow,
    /// Too many bytes of text.
    TextTooLarge,
    /// The body is too large.
    TooLarge,
}
