//! Numbers of identity documents: Colombian cédulas, and foreign passports with letters. One number has one form, however
//! people and programs write it: marks and spaces between its digits, invisible characters, leading zeros and the kind of
//! the document before it are removed.

mod decimal;
mod label;

use unicode_normalization::UnicodeNormalization;

use super::text;
use super::validation_error::ValidationError;
use decimal::{MAX_CEDULA_DIGITS, Tail, judge_tail};
use label::is_label;

pub use decimal::whole_digits;

/// Maximum length of a number with its kind and marks, in characters.
const MAX_CHARS: usize = 120;

/// Normalises a document number to 4–20 upper-case ASCII letters and digits, with at least one digit and no zero before
/// digits alone. Fails with [`ValidationError::NotInADocument`] for a character of no document, and with
/// [`ValidationError::NotADocument`] for any other format.
pub fn parse(raw: &str) -> Result<String, ValidationError> {
    let symbols = read_symbols(raw)?;
    let mut number = cut_label(&symbols);
    if let Some(end) = find_suffix(number)? {
        number = &number[..end];
    }
    let number = trim_marks(number);
    if let Some(wrong) = number.iter().find(|symbol| symbol.is_only_in_labels()) {
        return Err(wrong.refusal());
    }
    let number = normalise(cut_decimals(number)?);
    let has_digit = number.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit && (4..=20).contains(&number.len()) {
        Ok(number)
    } else {
        Err(ValidationError::NotADocument)
    }
}

/// A character as typed, and what it means.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    typed: char,
    meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// An ASCII capital.
    Letter(char),
    /// An ASCII capital as part of a word before the number: a letter with an accent, or the o of nº.
    LabelLetter(char),
    Digit(char),
    /// Groups digits.
    Mark,
    /// Stands between a word and the number.
    LabelMark,
}

impl Symbol {
    fn letter(self) -> Option<char> {
        match self.meaning {
            Meaning::Letter(letter) | Meaning::LabelLetter(letter) => Some(letter),
            _ => None,
        }
    }

    fn digit(self) -> Option<char> {
        match self.meaning {
            Meaning::Digit(digit) => Some(digit),
            _ => None,
        }
    }

    fn is_mark(self) -> bool {
        matches!(self.meaning, Meaning::Mark | Meaning::LabelMark)
    }

    fn is_only_in_labels(self) -> bool {
        matches!(self.meaning, Meaning::LabelLetter(_) | Meaning::LabelMark)
    }

    fn refusal(self) -> ValidationError {
        let character = self.typed;
        ValidationError::NotInADocument { character }
    }
}

fn read_symbols(raw: &str) -> Result<Vec<Symbol>, ValidationError> {
    let mut symbols = Vec::new();
    for typed in raw.trim().nfc().filter(|c| is_seen(*c)) {
        if symbols.len() == MAX_CHARS {
            return Err(ValidationError::NotADocument);
        }
        // Two letters in one character.
        if typed == '№' {
            let letter = |letter| Symbol {
                typed,
                meaning: Meaning::LabelLetter(letter),
            };
            symbols.extend(['N', 'O'].map(letter));
            continue;
        }
        let symbol = |meaning| Symbol { typed, meaning };
        let refusal = ValidationError::NotInADocument { character: typed };
        symbols.push(read_meaning(typed).map(symbol).ok_or(refusal)?);
    }
    Ok(symbols)
}

/// Returns whether a character is shown. An override from right to left is: it reverses the digits behind it.
fn is_seen(c: char) -> bool {
    c == '\u{202E}' || !text::is_ignorable(c)
}

fn read_meaning(typed: char) -> Option<Meaning> {
    let c = match typed {
        // Full-width forms of ASCII.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(typed) - 0xFEE0)?,
        _ => typed,
    };
    Some(match c {
        '0'..='9' => Meaning::Digit(c),
        'a'..='z' | 'A'..='Z' => Meaning::Letter(c.to_ascii_uppercase()),
        '.' | ',' | '_' | '/' | '·' | '˙' | '‧' | '∙' | '⋅' | '•' | '٫' | '٬' => {
            Meaning::Mark
        }
        'º' | '°' | '˚' => Meaning::LabelLetter('O'),
        ':' | ';' | '#' | '(' | ')' | '[' | ']' | '|' | '=' => Meaning::LabelMark,
        c if c.is_control() => return None,
        c if c.is_whitespace() || text::is_dash(c) || text::is_quote(c) => Meaning::Mark,
        c => Meaning::LabelLetter(accented_letter(c)?),
    })
}

/// Returns the capital of a letter with an accent.
fn accented_letter(c: char) -> Option<char> {
    let folded = text::fold(c.encode_utf8(&mut [0; 4]));
    let mut letters = folded.chars();
    let letter = letters.next().filter(char::is_ascii_lowercase)?;
    letters
        .next()
        .is_none()
        .then(|| letter.to_ascii_uppercase())
}

/// Returns what follows the kind of the document and the words for "number". Letters that are glued to the digits are
/// part of the number, as in passports, unless a cédula follows.
fn cut_label(symbols: &[Symbol]) -> &[Symbol] {
    let first_digit = symbols.iter().position(|symbol| symbol.digit().is_some());
    let before = &symbols[..first_digit.unwrap_or(0)];
    for end in (1..=before.len()).rev() {
        let (label, rest) = symbols.split_at(end);
        let next = rest.first().copied();
        if label[end - 1].letter().is_none() || next.is_some_and(|next| next.letter().is_some()) {
            continue;
        }
        let letters: String = label.iter().filter_map(|symbol| symbol.letter()).collect();
        let is_cedula = has_digits_of_cedula(rest);
        // A passport may begin with this letter, but not with a dot behind it.
        let is_n = letters == "N"
            && is_cedula
            && next.is_some_and(|next| matches!(next.typed, '.' | ':' | '#'));
        let is_apart = next.is_some_and(Symbol::is_mark);
        if is_n || ((is_apart || is_cedula) && is_label(&letters)) {
            return rest;
        }
    }
    symbols
}

/// Returns whether these are 6 to 10 digits and marks, as of a cédula.
fn has_digits_of_cedula(symbols: &[Symbol]) -> bool {
    let digits = symbols.iter().filter(|symbol| symbol.digit().is_some());
    let is_number = symbols.iter().all(|symbol| symbol.letter().is_none());
    is_number && (6..=MAX_CEDULA_DIGITS).contains(&digits.count())
}

/// Returns where a cédula ends behind which its kind is written. Fails for other words there, such as a place of issue: they
/// would make another number.
fn find_suffix(symbols: &[Symbol]) -> Result<Option<usize>, ValidationError> {
    let last_digit = symbols.iter().rposition(|symbol| symbol.digit().is_some());
    let end = last_digit.map_or(0, |place| place + 1);
    let (number, behind) = symbols.split_at(end);
    let letters: String = behind.iter().filter_map(|symbol| symbol.letter()).collect();
    let is_apart = behind.first().is_some_and(|symbol| symbol.is_mark());
    if !is_apart || !has_digits_of_cedula(number) {
        return Ok(None);
    }
    if is_label(&letters) {
        return Ok(Some(end));
    }
    let first = behind.iter().find(|symbol| symbol.letter().is_some());
    match first {
        Some(first) if letters.len() > 2 => Err(first.refusal()),
        _ => Ok(None),
    }
}

fn trim_marks(symbols: &[Symbol]) -> &[Symbol] {
    let is_part = |symbol: &Symbol| !symbol.is_mark();
    let first = symbols.iter().position(is_part);
    let last = symbols.iter().rposition(is_part);
    match (first, last) {
        (Some(first), Some(last)) => &symbols[first..=last],
        _ => &[],
    }
}

/// Removes decimals that are zero, as spreadsheets write them. Fails for a number with other decimals, or with an
/// exponent: which number it was is unknown.
fn cut_decimals(number: &[Symbol]) -> Result<&[Symbol], ValidationError> {
    let mut letters = number.iter().filter(|symbol| symbol.letter().is_some());
    if let Some(exponent) = letters.next() {
        let is_alone = letters.next().is_none() && exponent.letter() == Some('E');
        let is_point = |symbol: &Symbol| matches!(symbol.typed, '.' | ',' | '\u{066B}');
        let has_point = number.get(1).is_some_and(is_point);
        return if is_alone && has_point {
            Err(exponent.refusal())
        } else {
            Ok(number)
        };
    }
    let typed = |symbol: &Symbol| {
        symbol.digit().unwrap_or(match symbol.typed {
            '．' => '.',
            '，' => ',',
            typed => typed,
        })
    };
    let typed: Vec<_> = number.iter().map(typed).collect();
    match judge_tail(&typed) {
        Tail::Group => Ok(number),
        Tail::Zeros(place) => Ok(&number[..place]),
        Tail::Unclear(place) => Err(number[place].refusal()),
    }
}

fn normalise(number: &[Symbol]) -> String {
    let parts = number
        .iter()
        .filter_map(|symbol| symbol.letter().or(symbol.digit()));
    let mut number: String = parts.collect();
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        number = number.trim_start_matches('0').to_owned();
    }
    number
}

#[cfg(test)]
mod tests;
