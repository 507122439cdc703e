//! Cells of CSV files, as reports and the record of the staff write them, that a spreadsheet must not run.

use std::borrow::Cow;

/// Keeps a spreadsheet from running a text as a formula (OWASP, "CSV Injection"): an apostrophe before it.
#[must_use]
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
