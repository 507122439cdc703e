//! Writes rows of a sheet as XML (ECMA-376 part 1, 18.3.1). Cells have no reference, which is optional and half of the
//! compressed file otherwise: each cell follows the one to its left.

use std::fmt::Display;
use std::io::Write as _;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Excel's number of 1970-01-01.
const UNIX_EPOCH: i64 = 25_569;
/// Decimals of a date: 0.1 ms.
const PARTS_OF_DAY: i64 = 1_000_000_000;

/// Rows as XML, until they are taken.
#[derive(Debug, Default)]
pub(super) struct SheetRows {
    xml: Vec<u8>,
}

impl SheetRows {
    /// Starts a row; numbered from 1.
    pub(super) fn start_row(&mut self, number: u32) {
        self.write(format_args!("<row r=\"{number}\">"));
    }

    pub(super) fn end_row(&mut self) {
        self.xml.extend_from_slice(b"</row>");
    }

    pub(super) fn write_empty(&mut self) {
        self.xml.extend_from_slice(b"<c/>");
    }

    pub(super) fn write_text(&mut self, text: &str) {
        self.xml.extend_from_slice(b"<c t=\"str\"><v>");
        self.write_escaped(text);
        self.xml.extend_from_slice(b"</v></c>");
    }

    /// Writes a date as days since 1899-12-30, from milliseconds since 1970-01-01 on the clock to show. `style` is the
    /// attribute that names the format.
    pub(super) fn write_date(&mut self, style: &str, milliseconds: i64) {
        let day = UNIX_EPOCH + milliseconds.div_euclid(DAY);
        let part = (milliseconds.rem_euclid(DAY) * PARTS_OF_DAY + DAY / 2) / DAY;
        self.write(format_args!("<c{style}><v>{day}.{part:09}</v></c>"));
    }

    /// Writes a formula with its result, a text.
    pub(super) fn write_formula(&mut self, style: &str, formula: &[&str], result: &str) {
        self.write(format_args!("<c{style} t=\"str\"><f>"));
        for part in formula {
            self.write_escaped(part);
        }
        self.xml.extend_from_slice(b"</f><v>");
        self.write_escaped(result);
        self.xml.extend_from_slice(b"</v></c>");
    }

    /// Returns the bytes so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.xml
    }

    /// Forgets the bytes so far.
    pub(super) fn clear(&mut self) {
        self.xml.clear();
    }

    fn write(&mut self, text: impl Display) {
        write!(self.xml, "{text}").expect("memory takes any text");
    }

    fn write_escaped(&mut self, text: &str) {
        let mut written = 0;
        for (place, c) in text.char_indices() {
            let escaped = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '_' if is_escape(&text.as_bytes()[place..]) => "_x005F_",
                c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {
                    &format!("_x{:04X}_", u32::from(c))
                }
                _ => continue,
            };
            self.xml.extend_from_slice(&text.as_bytes()[written..place]);
            self.xml.extend_from_slice(escaped.as_bytes());
            written = place + c.len_utf8();
        }
        self.xml.extend_from_slice(&text.as_bytes()[written..]);
    }
}

/// Returns whether readers take the beginning of this text for an escaped character: `_xHHHH_`.
fn is_escape(text: &[u8]) -> bool {
    matches!(text, [b'_', b'x', digits @ .., ] if digits.len() > 4
        && digits[..4].iter().all(u8::is_ascii_hexdigit)
        && digits[4] == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut SheetRows)) -> String {
        let mut rows = SheetRows::default();
        write(&mut rows);
        String::from_utf8(rows.xml).unwrap()
    }

    #[test]
    fn text_stays_text() {
        let text = |text: &str| written(|rows| rows.write_text(text));
        assert_eq!(text("a"), "<c t=\"str\"><v>a</v></c>");
        for (given, expected) in [
            ("<b>&\"'", "&lt;b&gt;&amp;\"'"),
            ("José 李 😀", "José 李 😀"),
            ("_x0041_ _x_ _x00G1_", "_x005F_x0041_ _x_ _x00G1_"),
            ("a\u{1}b\n\u{FFFF}", "a_x0001_b_x000A__xFFFF_"),
        ] {
            assert_eq!(text(given), format!("<c t=\"str\"><v>{expected}</v></c>"));
        }
    }

    #[test]
    fn dates_are_exact_to_the_millisecond() {
        let date = |milliseconds| {
            let xml = written(|rows| rows.write_date(" s=\"1\"", milliseconds));
            let number = xml.trim_start_matches("<c s=\"1\"><v>");
            number.trim_end_matches("</v></c>").parse::<f64>().unwrap()
        };
        assert_eq!(
            written(|rows| rows.write_date("", 0)),
            "<c><v>25569.000000000</v></c>"
        );
        for milliseconds in [-1, 0, 1, DAY - 1, DAY, 1_795_264_984_567, 1_795_305_599_999] {
            #[expect(clippy::cast_possible_truncation, reason = "far below the limit")]
            let read = ((date(milliseconds) - 25_569.0) * 86_400_000.0).round() as i64;
            assert_eq!(read, milliseconds);
        }
    }
}
