//! CSV of reports and exports: the format, and the protection against CSV injection.

use std::borrow::Cow;

/// Returns the settings of a CSV writer: RFC 4180, whose lines end with CRLF.
pub fn csv_settings() -> csv::WriterBuilder {
    let mut settings = csv::WriterBuilder::new();
    settings.terminator(csv::Terminator::CRLF);
    settings
}

/// Prefixes a text with an apostrophe if a spreadsheet would run it as a formula (OWASP, "CSV Injection").
pub fn guarded(text: &str) -> Cow<'_, str> {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if runs {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded() {
        for text in ["=1+1", "+57", "-1", "@x", "\tx", "\rx", "＝1"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        for text in ["José", "O'Brien", "李", "a=b", ""] {
            assert_eq!(guarded(text), text);
        }
    }
}
