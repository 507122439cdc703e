//! Validation errors of answers, and their texts for users.
//! One variant per reason. The HTTP status is chosen elsewhere.

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
    /// Not a valid document number.
    NotADocument,
    /// A place that is not in the campaign's list.
    UnknownPlace {
        /// Most similar listed names, best first; may be empty.
        nearest: Vec<String>,
    },
    /// Not one of the options.
    NotAnOption,
    /// The campaign has no such field.
    UnknownField,
    /// The same field was sent more than once.
    Repeated,
    /// The registration has the maximum number of corrections.
    TooManyCorrections {
        /// Maximum number of corrections.
        max: usize,
    },
}

impl ValidationError {
    /// Returns the reason as a metric label: one of a closed set, without user input.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::ConsentMissing => "consent-missing",
            Self::TooShort { .. } => "too-short",
            Self::TooLong { .. } => "too-long",
            Self::ControlCharacter => "control-character",
            Self::NotADocument => "not-a-document",
            Self::UnknownPlace { .. } => "unknown-place",
            Self::NotAnOption => "not-an-option",
            Self::UnknownField => "not-asked",
            Self::Repeated => "repeated",
            Self::TooManyCorrections { .. } => "too-often",
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
    #[must_use]
    pub fn new(field: &str, error: ValidationError) -> Self {
        Self {
            field: field.chars().filter(|c| !c.is_control()).take(40).collect(),
            error,
        }
    }
}
