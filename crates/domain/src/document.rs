//! Numbers of identity documents: Colombian cédulas, and foreign passports with letters.
//! Dots, commas, spaces and hyphens only group the digits and are removed.

use super::text;
use super::validation_error::ValidationError;

/// Normalises a document number to 4–20 upper-case ASCII letters and digits, with at least one digit. Fails with
/// [`ValidationError::NotADocument`] for any other format.
pub fn parse(raw: &str) -> Result<String, ValidationError> {
    let number: String = text::normalise(raw)?
        .chars()
        .filter(|c| !matches!(c, '.' | ' ' | '-' | ','))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let known = number.chars().all(|c| c.is_ascii_alphanumeric());
    let digits = number.chars().any(|c| c.is_ascii_digit());
    if known && digits && (4..=20).contains(&number.len()) {
        Ok(number)
    } else {
        Err(ValidationError::NotADocument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouping_is_dropped_and_letters_are_upper_case() {
        assert_eq!(parse(" 1.234.567.890 ").as_deref(), Ok("1234567890"));
        assert_eq!(parse("ab-12 34").as_deref(), Ok("AB1234"));
    }

    #[test]
    fn other_shapes_are_refused() {
        for raw in [
            "",
            "12",
            "ABCDEF",
            "12345678901234567890 1",
            "12;34",
            "١٢٣٤٥",
        ] {
            assert_eq!(parse(raw), Err(ValidationError::NotADocument), "{raw}");
        }
    }
}
