//! Numbers as spreadsheets and encoders write them: with decimals or an exponent.

use std::borrow::Cow;

/// Meaning of the last dot or comma among digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// A mark between groups of digits.
    Group,
    /// Decimals that are zero, from this place on.
    Zeros(usize),
    /// Decimals that are not zero, or may be digits of the number; after the mark at this place.
    Unclear(usize),
}

/// Maximum number of digits of a Colombian identity number.
pub(super) const MAX_CEDULA_DIGITS: usize = 10;

/// Maximum number of zeros that an exponent adds.
const MAX_ZEROS: usize = 40;

/// Judges a number of digits with marks between them.
pub(super) fn judge_tail(number: &[char]) -> Tail {
    let is_point = |c: &char| matches!(c, '.' | ',' | '\u{066B}');
    let Some(place) = number.iter().rposition(is_point) else {
        return Tail::Group;
    };
    let (head, decimals) = (&number[..place], &number[place + 1..]);
    let is_plain = decimals.iter().all(char::is_ascii_digit);
    if decimals.is_empty() || !is_plain || head.contains(&number[place]) {
        return Tail::Group;
    }
    let groups: Vec<_> = head
        .split(|c| !c.is_ascii_digit())
        .map(<[char]>::len)
        .collect();
    let is_grouped = groups.len() > 1 && groups[1..].iter().all(|length| *length == 3);
    let is_long = groups.len() == 1 && groups[0] > 3;
    if !is_grouped && !is_long {
        return Tail::Group;
    }
    let is_zero = decimals.iter().all(|digit| *digit == '0');
    let digits = groups.iter().sum::<usize>() + decimals.len();
    match (decimals.len(), is_zero) {
        (1 | 2, true) => Tail::Zeros(place),
        (1 | 2, false) | (_, true) => Tail::Unclear(place),
        _ if is_long && digits > MAX_CEDULA_DIGITS => Tail::Unclear(place),
        _ => Tail::Group,
    }
}

/// Returns the digits of a JSON number (RFC 8259), without point and exponent. `None` if it is negative, no whole number,
/// or longer than any document.
pub fn whole_digits(json: &str) -> Option<Cow<'_, str>> {
    if json.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(json));
    }
    let (mantissa, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimals = decimals.trim_end_matches('0');
    let zeros = exponent.checked_sub(i32::try_from(decimals.len()).ok()?)?;
    let mut digits = format!("{whole}{decimals}");
    if digits.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    if let Ok(zeros) = usize::try_from(zeros) {
        digits.push_str(&"0".repeat(Some(zeros).filter(|zeros| *zeros <= MAX_ZEROS)?));
    } else {
        let cut = usize::try_from(zeros.unsigned_abs()).ok()?;
        let kept = digits.len().checked_sub(cut)?;
        if digits[kept..].bytes().any(|digit| digit != b'0') {
            return None;
        }
        digits.truncate(kept);
    }
    Some(Cow::Owned(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_numbers_are_read_as_that_number_or_refused() {
        for (json, digits) in [
            ("1032456789", Some("1032456789")),
            ("9007199254740993", Some("9007199254740993")),
            ("18446744073709551617", Some("18446744073709551617")),
            ("1032456789.0", Some("1032456789")),
            ("1.032456789e9", Some("1032456789")),
            ("1E+9", Some("1000000000")),
            ("1032456789000e-3", Some("1032456789")),
            ("1032456789.5", None),
            ("103.456", None),
            ("-1032456789", None),
            ("1e-9", None),
            ("1e999999999999", None),
            ("1e30000", None),
        ] {
            assert_eq!(whole_digits(json).as_deref(), digits, "{json}");
        }
    }
}
