//! Validation errors of answers, and their texts for users.
//! One variant per reason. The HTTP status is chosen elsewhere.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// Reason why a submission or correction was rejected, without user input. Its text is a metric label and a key in the
/// store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum RejectionReason {
    /// [`ValidationError::Missing`].
    Missing,
    /// [`ValidationError::ConsentMissing`].
    ConsentMissing,
    /// [`ValidationError::TooShort`].
    TooShort,
    /// [`ValidationError::TooLong`].
    TooLong,
    /// [`ValidationError::ControlCharacter`].
    ControlCharacter,
    /// [`ValidationError::NoLetter`].
    NoLetter,
    /// [`ValidationError::NotADocument`], [`ValidationError::NotInADocument`].
    NotADocument,
    /// [`ValidationError::UnknownPlace`].
    UnknownPlace,
    /// [`ValidationError::NotAnOption`].
    NotAnOption,
    /// [`ValidationError::NotInRange`].
    NotInRange,
    /// [`ValidationError::UnknownField`].
    #[strum(serialize = "not-asked")]
    UnknownField,
    /// [`ValidationError::Repeated`].
    Repeated,
    /// [`ValidationError::TooManyCorrections`].
    #[strum(serialize = "too-often")]
    TooManyCorrections,
    /// The request could not be read.
    Unreadable,
    /// The photo was rejected.
    Photo,
    /// The campaign was not open.
    NotOpen,
    /// The identity is registered with other content.
    AlreadyRegistered,
    /// The registration had been deleted.
    Deleted,
}

/// Reason why an answer is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationError {
    /// A required answer is missing or empty.
    Missing,
    /// The required consent was not given.
    ConsentMissing,
    /// Shorter than the campaign allows.
    TooShort {
        /// Minimum length, in characters.
        min: usize,
    },
    /// Longer than the campaign allows.
    TooLong {
        /// Maximum length, in characters.
        max: usize,
    },
    /// Control, direction or invisible characters.
    ControlCharacter,
    /// A counted answer without a letter or digit.
    NoLetter,
    /// Not a valid document number.
    NotADocument,
    /// A document number with a character that cannot be part of one.
    NotInADocument {
        /// The character.
        character: char,
    },
    /// A place that is not in the campaign's list.
    UnknownPlace {
        /// Most similar listed names, best first; may be empty.
        nearest: Vec<String>,
    },
    /// Not one of the options.
    NotAnOption {
        /// Most similar values, best first; may be empty.
        nearest: Vec<String>,
    },
    /// Not a whole number of the range.
    NotInRange {
        /// Lowest number.
        min: i64,
        /// Highest number.
        max: i64,
    },
    /// The campaign has no such field.
    UnknownField,
    /// The same field was sent more than once.
    Repeated,
    /// The registration has the maximum number of corrections.
    TooManyCorrections {
        /// Maximum number of corrections.
        max: usize,
    },
    /// A vote that is not a JSON object.
    NotAnObject,
    /// A value that is neither a text nor a number.
    NotAText,
    /// A text that is not in the encoding that its part names, UTF-8 by default.
    UnreadableText,
    /// An idempotency key of another form.
    BadKey,
}

impl ValidationError {
    /// Returns the code for programs, part of version 1 of the contract.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "required",
            Self::ConsentMissing => "consent_required",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "control_character",
            Self::NoLetter => "no_letter",
            Self::NotADocument | Self::NotInADocument { .. } => "not_a_document",
            Self::UnknownPlace { .. } => "unknown_place",
            Self::NotAnOption { .. } => "not_an_option",
            Self::NotInRange { .. } => "not_in_range",
            Self::UnknownField => "unknown_field",
            Self::Repeated => "repeated",
            Self::TooManyCorrections { .. } => "too_many_corrections",
            Self::NotAnObject => "not_an_object",
            Self::NotAText => "not_a_text",
            Self::UnreadableText => "unreadable_text",
            Self::BadKey => "bad_key",
        }
    }

    /// Returns the reason that is counted.
    pub fn reason(&self) -> RejectionReason {
        match self {
            Self::Missing => RejectionReason::Missing,
            Self::ConsentMissing => RejectionReason::ConsentMissing,
            Self::TooShort { .. } => RejectionReason::TooShort,
            Self::TooLong { .. } => RejectionReason::TooLong,
            Self::ControlCharacter => RejectionReason::ControlCharacter,
            Self::NoLetter => RejectionReason::NoLetter,
            Self::NotADocument | Self::NotInADocument { .. } => RejectionReason::NotADocument,
            Self::UnknownPlace { .. } => RejectionReason::UnknownPlace,
            Self::NotAnOption { .. } => RejectionReason::NotAnOption,
            Self::NotInRange { .. } => RejectionReason::NotInRange,
            Self::UnknownField => RejectionReason::UnknownField,
            Self::Repeated => RejectionReason::Repeated,
            Self::TooManyCorrections { .. } => RejectionReason::TooManyCorrections,
            Self::NotAnObject | Self::NotAText | Self::UnreadableText | Self::BadKey => {
                RejectionReason::Unreadable
            }
        }
    }
}

/// A validation error and its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field as in the campaign file, or as sent, cut to 40 characters, if there is no such field.
    pub field: String,
    /// Validation error.
    pub error: ValidationError,
}

impl FieldError {
    /// Creates an error of a field; removes control characters from its name.
    pub fn new(field: &str, error: ValidationError) -> Self {
        Self {
            field: field.chars().filter(|c| !c.is_control()).take(40).collect(),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_permanent_names() {
        let names = RejectionReason::VARIANTS.iter().map(<&str>::from);
        let expected = "missing consent-missing too-short too-long control-character no-letter not-a-document unknown-place \
                        not-an-option not-in-range not-asked repeated too-often unreadable photo not-open already-registered deleted";
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected);
    }
}
