//! What the door can say; the site has words and a status for each.

use crate::domain::FieldRefusal;
use crate::photo::inspect::PhotoRefusal;

/// Why a submission is not read.
#[derive(Debug)]
pub enum Error {
    /// There is no memory for it.
    Busy,
    /// It does not keep to its own format.
    Malformed(&'static str),
    /// It is of another type.
    MediaType {
        /// Whether JSON would be taken.
        json: bool,
    },
    /// A photo that is none.
    Photo {
        /// Its field.
        field: String,
        /// Why.
        refusal: PhotoRefusal,
    },
    /// Answers that are none.
    Refused(Vec<FieldRefusal>),
    /// It took too long.
    BodyTimeout,
    /// Too many bytes of text.
    TextTooLarge,
    /// Too many bytes.
    TooLarge,
}
