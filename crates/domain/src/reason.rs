//! Reasons given by the staff for corrections, deletions and closures.

use super::text;
use super::validation_error::ValidationError;

/// Minimum length of a reason, in characters.
pub const MIN_REASON: usize = 4;
/// Maximum length of a reason, in characters.
pub const MAX_REASON: usize = 300;

/// Normalises and validates a reason.
pub fn parse(typed: &str) -> Result<String, ValidationError> {
    let reason = text::normalise(typed)?;
    match reason.chars().count() {
        0 => Err(ValidationError::Missing),
        letters if letters < MIN_REASON => Err(ValidationError::TooShort { min: MIN_REASON }),
        letters if letters > MAX_REASON => Err(ValidationError::TooLong { max: MAX_REASON }),
        _ => Ok(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_bounds_and_no_tricks() {
        for (typed, refusal) in [
            ("", ValidationError::Missing),
            ("  ", ValidationError::Missing),
            ("fin", ValidationError::TooShort { min: 4 }),
            ("fin\u{7}al", ValidationError::ControlCharacter),
            ("a\u{202E}bcdef", ValidationError::ControlCharacter),
            (&"á".repeat(301), ValidationError::TooLong { max: 300 }),
        ] {
            assert_eq!(parse(typed), Err(refusal), "{typed:?}");
        }
        assert_eq!(parse(&"ñ".repeat(300)), Ok("ñ".repeat(300)));
    }
}
