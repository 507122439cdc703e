//! Links from a workbook to photo pages. Written as formulas, since Excel limits real links to 65,530 per sheet.

use rust_xlsxwriter::{Formula, Worksheet, XlsxError};

use super::{PHOTO_URL_SUFFIX, ReportSpec};
use jornada_domain::RegistrationId;

/// Excel's limit of a text inside a formula, in characters.
const MAX_FORMULA_TEXT: usize = 255;

/// Length of an id in characters.
const ID_LENGTH: usize = 32;

/// Writes links to photo pages; holds the text before and after the id.
pub(super) struct PhotoLink {
    prefix: String,
    suffix: String,
    /// Text of the cell. `None` if the URL is too long for a formula: it is then written as text.
    label: Option<&'static str>,
}

impl PhotoLink {
    pub(super) fn new(subject: &ReportSpec) -> Self {
        let page = subject.photo_url_prefix();
        if page.chars().count() + ID_LENGTH + PHOTO_URL_SUFFIX.len() > MAX_FORMULA_TEXT {
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

    pub(super) fn write(
        &self,
        sheet: &mut Worksheet,
        (row, col): (u32, u16),
        id: &RegistrationId,
    ) -> Result<(), XlsxError> {
        let text = [&self.prefix, id.to_string().as_str(), &self.suffix].concat();
        match self.label {
            Some(words) => {
                sheet.write_formula(row, col, Formula::new(text).set_result(words))?;
            }
            None => {
                sheet.write_string(row, col, text)?;
            }
        }
        Ok(())
    }
}
