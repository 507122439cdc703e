//! Links from a workbook to photo pages. Written as formulas, since Excel limits real links to 65,530 per sheet.

use super::sheet_rows::SheetRows;
use super::{PHOTO_URL_SUFFIX, ReportSpec};

/// Excel's limit of a text inside a formula, in characters.
const MAX_FORMULA_TEXT: usize = 255;

/// Length of a receipt number in characters.
const NUMBER_LENGTH: usize = 16;

/// Writes links to photo pages; holds the text before and after the receipt number. The number is in the row already,
/// so it compresses to almost nothing, unlike the id.
pub(super) struct PhotoLink {
    prefix: String,
    suffix: String,
    /// Text of the cell. `None` if the URL is too long for a formula: it is then written as text.
    label: Option<&'static str>,
}

impl PhotoLink {
    pub(super) fn new(subject: &ReportSpec) -> Self {
        let page = subject.photo_url_prefix();
        if page.chars().count() + NUMBER_LENGTH + PHOTO_URL_SUFFIX.len() > MAX_FORMULA_TEXT {
            return Self {
                prefix: page,
                suffix: PHOTO_URL_SUFFIX.to_owned(),
                label: None,
            };
        }
        let words = text!(subject.lang, "report-see-photo");
        Self {
            prefix: format!("HYPERLINK(\"{}", page.replace('"', "\"\"")),
            suffix: format!("{PHOTO_URL_SUFFIX}\",\"{words}\")"),
            label: Some(words),
        }
    }

    /// Writes the cell of the registration with this receipt number.
    pub(super) fn write(&self, rows: &mut SheetRows, style: &str, number: &str) {
        let parts = [&self.prefix, number, &self.suffix];
        match self.label {
            Some(words) => rows.write_formula(style, &parts, words),
            None => rows.write_text(&parts.concat()),
        }
    }
}
