//! Links from a workbook to photo pages. Written as formulas, since Excel limits real links to 65,530 per sheet.

use rust_xlsxwriter::{Formula, Worksheet, XlsxError};

use super::{PHOTO, Subject};
use crate::domain::RegistrationId;

/// Excel's limit of a text inside a formula, in characters.
const LONGEST: usize = 255;

/// Length of an id in characters.
const ID: usize = 32;

/// Writes links to photo pages; holds the text before and after the id.
pub(super) struct Link {
    before: String,
    after: String,
    /// Text of the cell. `None` if the URL is too long for a formula: it is then written as text.
    words: Option<&'static str>,
}

impl Link {
    pub(super) fn of(subject: &Subject) -> Self {
        let page = subject.registrations_page();
        if page.chars().count() + ID + PHOTO.len() > LONGEST {
            return Self {
                before: page,
                after: PHOTO.to_owned(),
                words: None,
            };
        }
        let words = subject.lang.pick("Ver foto", "See photo");
        Self {
            before: format!("HYPERLINK(\"{}", page.replace('"', "\"\"")),
            after: format!("{PHOTO}\",\"{words}\")"),
            words: Some(words),
        }
    }

    pub(super) fn write(
        &self,
        sheet: &mut Worksheet,
        (row, col): (u32, u16),
        id: &RegistrationId,
    ) -> Result<(), XlsxError> {
        let text = [&self.before, id.to_string().as_str(), &self.after].concat();
        match self.words {
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
