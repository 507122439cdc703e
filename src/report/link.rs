//! Links of a workbook to the pages of photos. They are formulas: of real links Excel takes 65,530 a sheet.

use rust_xlsxwriter::{Formula, Worksheet, XlsxError};

use super::{PHOTO, Subject};
use crate::domain::RegistrationId;

/// Longest text inside a formula that Excel takes, in characters.
const LONGEST: usize = 255;

/// How many characters an id has.
const ID: usize = 32;

/// What stands around the id in each link.
pub(super) struct Link {
    before: String,
    after: String,
    /// What the cell shows; none when the address is too long for a formula, and stands there as text.
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
