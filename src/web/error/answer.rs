//! Texts about rejected answers, in both languages.

use jornada_domain::{Lang, ValidationError};

/// Returns the text for the user: the problem and how to fix it.
#[must_use]
pub fn answer_message(refusal: &ValidationError, lang: Lang) -> String {
    match refusal {
        ValidationError::Missing => lang
            .pick("Falta esta respuesta. Complétela.", "This answer is missing. Please fill it in.")
            .into(),
        ValidationError::ConsentMissing => lang
            .pick(
                "Para registrarse debe marcar la casilla de autorización.",
                "To register you must tick the consent box.",
            )
            .into(),
        ValidationError::TooShort { min } => lang.pick(
            format!("Escriba al menos {min} letras."),
            format!("Write at least {min} letters."),
        ),
        ValidationError::TooLong { max } => lang.pick(
            format!("Escriba como máximo {max} letras."),
            format!("Write at most {max} letters."),
        ),
        ValidationError::ControlCharacter => lang
            .pick(
                "Contiene caracteres invisibles o de control. Bórrelo y escríbalo de nuevo.",
                "It has invisible or control characters. Delete it and type it again.",
            )
            .into(),
        ValidationError::NotADocument => lang
            .pick(
                "Escriba el número del documento: de 4 a 20 números o letras, por ejemplo 1234567890.",
                "Write the document number: 4 to 20 digits or letters, for example 1234567890.",
            )
            .into(),
        ValidationError::UnknownPlace { nearest } => unknown_place(nearest, lang),
        ValidationError::NotAnOption => lang
            .pick("Elija una de las opciones.", "Choose one of the options.")
            .into(),
        ValidationError::UnknownField => lang
            .pick("Este formulario no pide este campo. Quítelo.", "This form does not ask for this field. Remove it.")
            .into(),
        ValidationError::Repeated => lang
            .pick("Este campo llegó más de una vez. Envíelo una sola vez.", "This field came more than once. Send it once.")
            .into(),
        ValidationError::TooManyCorrections { max: most } => lang.pick(
            format!("Este registro ya se corrigió {most} veces, que es lo máximo."),
            format!("This registration was corrected {most} times, which is the most."),
        ),
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
