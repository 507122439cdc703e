//! Writes a report as a workbook, row by row in constant memory. The library keeps rows in an unnamed temporary file
//! and compresses it into the workbook at the end.

use std::io::Write;

use jiff::Timestamp;
use jiff::tz::Offset;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::columns::{Column, offset};
use super::link::Link;
use super::sheet_name::sheet_name;
use super::totals::{Totals, total_line};
use super::{ReportError, Subject};
use crate::domain::Registration;

/// Excel's limit of rows per sheet, heading included.
pub const SHEET_ROWS: u32 = 1_048_576;

/// Minimum rows per sheet: heading, one registration, empty row, totals.
const LEAST_ROWS: u32 = 4;

/// Bytes of text from which a sheet may exceed the 4 GiB of a ZIP entry without ZIP64, markup included.
const LARGE: usize = 2 << 30;

/// Compression level. Compared with the library's default (6) a report takes 60 % of the time and is 10 % larger
/// (`benches/report`).
const COMPRESSION: u8 = 2;

/// Writer of a workbook.
pub struct Xlsx {
    subject: Subject,
    columns: Vec<Column>,
    workbook: Workbook,
    sheet: Worksheet,
    /// Number of the current sheet, from 1.
    number: usize,
    /// Next row of the current sheet, from 0.
    row: u32,
    sheet_rows: u32,
    /// Bytes of text in the current sheet.
    text: usize,
    rows: u64,
    bold: Format,
    link: Link,
    totals: Option<Totals>,
}

impl Xlsx {
    /// Starts the first sheet. After `sheet_rows` rows (at most [`SHEET_ROWS`]) the report continues on a new sheet.
    pub fn new(subject: Subject, sheet_rows: u32) -> Result<Self, ReportError> {
        let mut workbook = Workbook::new();
        workbook.set_zip_compression_level(COMPRESSION);
        let mut xlsx = Self {
            columns: Column::of(&subject.campaign),
            sheet: workbook.new_worksheet_with_constant_memory()?,
            workbook,
            number: 1,
            row: 0,
            sheet_rows: sheet_rows.max(LEAST_ROWS),
            text: 0,
            rows: 0,
            bold: Format::new().set_bold(),
            link: Link::of(&subject),
            totals: subject.selection.value.is_none().then(Totals::default),
            subject,
        };
        xlsx.head()?;
        Ok(xlsx)
    }

    /// Sets name, headings, widths and formats of a new sheet, which must precede its rows.
    fn head(&mut self) -> Result<(), XlsxError> {
        let Subject { campaign, lang, .. } = &self.subject;
        let list = lang.pick("Lista", "List");
        let wanted = self.subject.selection.value.as_deref().unwrap_or(list);
        let name = sheet_name(wanted, list, self.number);
        let heading = self.bold.clone().set_border_bottom(FormatBorder::Thin);
        // A column format costs nothing per cell.
        let time = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        let link = Format::new().set_hyperlink();
        let sheet = &mut self.sheet;
        sheet.set_name(name)?.set_freeze_panes(1, 0)?;
        sheet.set_repeat_rows(0, 0)?.set_landscape();
        for (col, column) in (0..).zip(&self.columns) {
            let width = column.width(campaign, *lang);
            sheet.set_column_width(col, u32::try_from(width).unwrap_or(u32::MAX))?;
            match column {
                Column::Local | Column::Utc => sheet.set_column_format(col, &time)?,
                Column::Photo => sheet.set_column_format(col, &link)?,
                Column::Receipt | Column::Answer(_) => sheet,
            };
            sheet.write_string_with_format(0, col, column.label(campaign, *lang), &heading)?;
        }
        self.row = 1;
        Ok(())
    }

    /// Writes one registration.
    ///
    /// # Panics
    /// The library panics if the disk is full: run it where panics are caught.
    pub fn write(&mut self, registration: &Registration) -> Result<(), ReportError> {
        if self.row == self.sheet_rows {
            self.turn()?;
        }
        let row = self.row;
        for (col, column) in (0..).zip(&self.columns) {
            match *column {
                Column::Receipt => {
                    let number = registration.id.receipt().to_string();
                    self.sheet.write_string(row, col, number)?;
                }
                Column::Local | Column::Utc => {
                    let zone = &self.subject.campaign.time_zone;
                    let moment = registration.received_at;
                    let date = serial(moment, offset(*column, moment, zone));
                    self.sheet.write_number(row, col, date)?;
                }
                Column::Answer(place) => {
                    if let Some(answer) = registration.answers.get(place) {
                        self.text += answer.len();
                        self.sheet.write_string(row, col, answer)?;
                    }
                }
                Column::Photo => {
                    if registration.photo.is_some() {
                        let cell = (row, col);
                        self.link.write(&mut self.sheet, cell, &registration.id)?;
                    }
                }
            }
        }
        if let Some(totals) = &mut self.totals {
            totals.count(&registration.value);
        }
        self.row += 1;
        self.rows += 1;
        Ok(())
    }

    /// Returns the number of rows so far, without headings and totals.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the totals and compresses the workbook into `out`.
    pub fn finish(mut self, out: impl Write + Send) -> Result<(), ReportError> {
        if self.row + 2 > self.sheet_rows {
            self.turn()?;
        }
        // An empty row keeps the totals out of filters and manual sorting.
        total_line(&mut self.sheet, self.row + 1, &self.bold, self.rows)?;
        self.close()?;
        if let Some(totals) = self.totals.take() {
            let name = self.subject.lang.pick("Totales", "Totals");
            let sheet = totals.sheet(name, &self.subject, &self.bold, self.rows)?;
            self.workbook.push_worksheet(sheet);
        }
        self.workbook.set_properties(&self.properties()?);
        self.workbook.save_to_writer(out)?;
        Ok(())
    }

    /// Continues on a new sheet.
    fn turn(&mut self) -> Result<(), ReportError> {
        self.close()?;
        self.number += 1;
        Ok(self.head()?)
    }

    /// Adds the current sheet to the workbook and replaces it by an empty one.
    fn close(&mut self) -> Result<(), XlsxError> {
        let last_column = u16::try_from(self.columns.len() - 1).unwrap_or(u16::MAX);
        self.sheet.autofilter(0, 0, self.row - 1, last_column)?;
        let next = self.workbook.new_worksheet_with_constant_memory()?;
        let sheet = std::mem::replace(&mut self.sheet, next);
        self.workbook.push_worksheet(sheet);
        if std::mem::take(&mut self.text) > LARGE {
            self.workbook.use_zip_large_file(true);
        }
        Ok(())
    }

    fn properties(&self) -> Result<DocProperties, XlsxError> {
        let Subject { campaign, lang, .. } = &self.subject;
        let made_at = ExcelDateTime::from_timestamp(self.subject.made_at.as_second())?;
        let title = campaign.title.get(*lang);
        let value = self.subject.title();
        let rows = self.rows.to_string();
        let words = lang.pick("filas", "rows");
        Ok(DocProperties::new()
            .set_title(format!("{title}: {value}"))
            .set_subject(value)
            .set_category(title)
            .set_comment(format!("{rows} {words}, {:.0}", self.subject.made_at))
            .set_creation_datetime(&made_at)
            .set_custom_property("campaign", campaign.id.as_str())
            .set_custom_property("value", value)
            .set_custom_property("made_at", &made_at)
            .set_custom_property("rows", rows))
    }
}

/// Returns an Excel date: days since 1899-12-30, time of day as fraction, without time zone.
fn serial(moment: Timestamp, offset: Offset) -> f64 {
    let seconds = moment.as_duration().as_secs_f64() + f64::from(offset.seconds());
    25_569.0 + seconds / 86_400.0
}
