//! CSV of reports and exports: the format, and the protection against CSV injection.

use std::borrow::Cow;

use strum::EnumString;

use jornada_domain::Lang;

/// Separator of the cells of a CSV file. Its text is its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Separator {
    /// As in RFC 4180.
    #[strum(serialize = "comma", serialize = ",")]
    Comma,
    /// As spreadsheets expect where the comma separates decimals.
    #[strum(serialize = "semicolon", serialize = ";")]
    Semicolon,
    /// For pasting into spreadsheets.
    #[strum(serialize = "tab", serialize = "\t")]
    Tab,
}

impl Separator {
    /// Returns the separator that spreadsheets expect in the countries of a language.
    pub fn for_lang(lang: Lang) -> Self {
        match lang {
            Lang::Es => Self::Semicolon,
            Lang::En => Self::Comma,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// Returns the settings of a CSV writer: RFC 4180, whose lines end with CRLF, but for the separator.
pub fn csv_settings(separator: Separator) -> csv::WriterBuilder {
    let mut settings = csv::WriterBuilder::new();
    settings
        .terminator(csv::Terminator::CRLF)
        .delimiter(separator.byte());
    settings
}

/// Puts an apostrophe before each character with which a spreadsheet would begin a formula (OWASP, "CSV Injection").
/// Spreadsheets split a file at other separators than its own, so each separator and line break begins a cell.
pub fn guarded(text: &str) -> Cow<'_, str> {
    let mut guarded = String::new();
    let mut copied = 0;
    let mut begins_cell = true;
    for (place, letter) in text.char_indices() {
        if begins_cell && begins_formula(letter) {
            guarded.push_str(&text[copied..place]);
            guarded.push('\'');
            copied = place;
        }
        begins_cell = ends_cell(letter) || (begins_cell && is_skipped(letter));
    }
    if copied == 0 && guarded.is_empty() {
        return Cow::Borrowed(text);
    }
    guarded.push_str(&text[copied..]);
    Cow::Owned(guarded)
}

/// Signs that begin a formula, with their small and full-width forms.
fn begins_formula(letter: char) -> bool {
    matches!(
        letter,
        '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫'
    )
}

/// Separators, and line breaks (Unicode, UAX #14).
fn ends_cell(letter: char) -> bool {
    matches!(
        letter,
        ',' | ';' | '\t' | '|' | '\u{85}' | '\u{2028}' | '\u{2029}'
    ) || matches!(letter, '\n'..='\r' | '\u{1C}'..='\u{1E}')
}

/// Characters at the beginning of a cell that a spreadsheet drops or does not show: blanks, quotes, control and format
/// characters.
fn is_skipped(letter: char) -> bool {
    letter == '"'
        || letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(letter, '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+57", "'+57"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("＝1", "'＝1"),
            ("﹦1", "'﹦1"),
            ("Ana;=cmd|'/C calc'!A0;", "Ana;'=cmd|'/C calc'!A0;"),
            ("a,+1", "a,'+1"),
            ("a|-1;@x", "a|'-1;'@x"),
            ("a\t\n=1", "a\t\n'=1"),
            (" =1", " '=1"),
            ("a; \"=1", "a; \"'=1"),
            ("\"\" ＠x", "\"\" '＠x"),
            ("\u{FEFF}=1", "\u{FEFF}'=1"),
            ("a\u{2028}=1", "a\u{2028}'=1"),
        ] {
            assert_eq!(guarded(text), expected);
        }
        for text in [
            "José",
            "O'Brien",
            "李",
            "a=b",
            "",
            "a-b, c+d",
            "Ana; Luis",
            "'=1",
            "\"a\"",
        ] {
            assert_eq!(guarded(text), text);
        }
    }

    /// Parses a file as a spreadsheet with this separator.
    fn parse(bytes: &[u8], separator: u8) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(bytes);
        let rows = reader.records().map(|row| row.unwrap());
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    }

    proptest! {
        #[test]
        fn no_dialect_finds_a_formula(
            cells in prop::collection::vec("[a;,|\t\n\r\"' =+@＝－-]{0,12}", 1..5),
            own in prop::sample::select(vec![Separator::Comma, Separator::Semicolon, Separator::Tab]),
        ) {
            let mut out = csv_settings(own).from_writer(Vec::new());
            // Rows begin with a cell of the program, as in every file.
            out.write_record(std::iter::once("1").chain(cells.iter().map(|_| "x"))).unwrap();
            let written: Vec<_> = cells.iter().map(|cell| guarded(cell).into_owned()).collect();
            out.write_record(std::iter::once("1").chain(written.iter().map(String::as_str))).unwrap();
            let bytes = out.into_inner().unwrap();
            for separator in *b",;\t|" {
                for cell in parse(&bytes, separator).iter().flatten() {
                    let first = cell.trim_start_matches(is_skipped).chars().next();
                    prop_assert!(!first.is_some_and(begins_formula), "{cell:?} in {written:?}");
                }
            }
            let own = parse(&bytes, own.byte());
            let back: Vec<_> = own[1][1..].iter().map(|cell| cell.replace('\'', "")).collect();
            let typed: Vec<_> = cells.iter().map(|cell| cell.replace('\'', "")).collect();
            prop_assert_eq!(back, typed);
        }
    }
}
