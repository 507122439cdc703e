//! Validation errors of answers, and their texts for users.
//! One variant per reason. The HTTP status is chosen elsewhere.

use super::lang::Lang;

/// Why an answer is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
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
    NotAsked,
    /// The same field was sent more than once.
    Repeated,
    /// The registration has the maximum number of corrections.
    TooOften {
        /// Maximum number of corrections.
        most: usize,
    },
}

impl Refusal {
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
            Self::NotAsked => "not-asked",
            Self::Repeated => "repeated",
            Self::TooOften { .. } => "too-often",
        }
    }

    /// Returns the text for the user: the problem and how to fix it.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Missing => lang
                .pick("Falta esta respuesta. Complétela.", "This answer is missing. Please fill it in.")
                .into(),
            Self::ConsentMissing => lang
                .pick(
                    "Para registrarse debe marcar la casilla de autorización.",
                    "To register you must tick the consent box.",
                )
                .into(),
            Self::TooShort { min } => lang.pick(
                format!("Escriba al menos {min} letras."),
                format!("Write at least {min} letters."),
            ),
            Self::TooLong { max } => lang.pick(
                format!("Escriba como máximo {max} letras."),
                format!("Write at most {max} letters."),
            ),
            Self::ControlCharacter => lang
                .pick(
                    "Contiene caracteres invisibles o de control. Bórrelo y escríbalo de nuevo.",
                    "It has invisible or control characters. Delete it and type it again.",
                )
                .into(),
            Self::NotADocument => lang
                .pick(
                    "Escriba el número del documento: de 4 a 20 números o letras, por ejemplo 1234567890.",
                    "Write the document number: 4 to 20 digits or letters, for example 1234567890.",
                )
                .into(),
            Self::UnknownPlace { nearest } => unknown_place(nearest, lang),
            Self::NotAnOption => lang
                .pick("Elija una de las opciones.", "Choose one of the options.")
                .into(),
            Self::NotAsked => lang
                .pick("Este formulario no pide este campo. Quítelo.", "This form does not ask for this field. Remove it.")
                .into(),
            Self::Repeated => lang
                .pick("Este campo llegó más de una vez. Envíelo una sola vez.", "This field came more than once. Send it once.")
                .into(),
            Self::TooOften { most } => lang.pick(
                format!("Este registro ya se corrigió {most} veces, que es lo máximo."),
                format!("This registration was corrected {most} times, which is the most."),
            ),
        }
    }
}

fn unknown_place(nearest: &[String], lang: Lang) -> String {
    let names = nearest.join(", ");
    if nearest.is_empty() {
        let words = lang.pick(
            "No está en la lista. Elija un nombre de la lista.",
            "It is not in the list. Choose a name from the list.",
        );
        return words.into();
    }
    lang.pick(
        format!("No está en la lista. ¿Quiso decir: {names}?"),
        format!("It is not in the list. Did you mean: {names}?"),
    )
}

/// A validation error and its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRefusal {
    /// Name of the field as in the campaign file, or as sent, cut to 40 characters, if there is no such field.
    pub field: String,
    /// Validation error.
    pub refusal: Refusal,
}

impl FieldRefusal {
    /// Creates an error of a field; removes control characters from its name.
    #[must_use]
    pub fn new(field: &str, refusal: Refusal) -> Self {
        Self {
            field: field.chars().filter(|c| !c.is_control()).take(40).collect(),
            refusal,
        }
    }
}
