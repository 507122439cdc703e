//! A list as a workbook, row by row in constant memory: rows go to an unnamed temporary file of the library,
//! which is compressed into the workbook at the end.

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

/// Rows of one sheet, headings included, that Excel opens.
pub const SHEET_ROWS: u32 = 1_048_576;

/// Headings, one registration, the gap and the totals: fewer rows make no sheet.
const LEAST_ROWS: u32 = 4;

/// Bytes of text from which a sheet may pass the 4 GiB of a plain ZIP entry, with room for what is written around it.
const LARGE: usize = 2 << 30;

/// Level of compression: a report takes 0.6 of the time that it takes with the library's own (6), for a file a tenth
/// larger (`benches/report.rs`).
const COMPRESSION: u8 = 2;

/// A list being written as a workbook.
pub struct Xlsx {
    subject: Subject,
    columns: Vec<Column>,
    workbook: Workbook,
    sheet: Worksheet,
    /// Number of the sheet being written, from 1.
    number: usize,
    /// The next row of it, from 0.
    row: u32,
    sheet_rows: u32,
    /// Bytes of text in it.
    text: usize,
    rows: u64,
    bold: Format,
    link: Link,
    totals: Option<Totals>,
}

impl Xlsx {
    /// Begins the first sheet. A sheet takes `sheet_rows` rows ([`SHEET_ROWS`]) before the list goes on in the next.
    ///
    /// # Errors
    /// When there can be no temporary file.
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

    /// Name, headings, widths and formats of a new sheet: all that must stand before its rows.
    fn head(&mut self) -> Result<(), XlsxError> {
        let Subject { campaign, lang, .. } = &self.subject;
        let list = lang.pick("Lista", "List");
        let wanted = self.subject.selection.value.as_deref().unwrap_or(list);
        let name = sheet_name(wanted, list, self.number);
        let heading = self.bold.clone().set_border_bottom(FormatBorder::Thin);
        // A format of the column costs nothing per cell.
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
    /// # Errors
    /// When the workbook takes no more. A full disk is a panic of the library: run it where one is caught.
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

    /// Rows so far, headings and totals not counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the totals and compresses all into `out`.
    ///
    /// # Errors
    /// When the workbook or `out` take no more.
    pub fn finish(mut self, out: impl Write + Send) -> Result<(), ReportError> {
        if self.row + 2 > self.sheet_rows {
            self.turn()?;
        }
        // One row is left empty: a filter or sorting by hand ends there, and leaves the totals alone.
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

    /// Goes on in a new sheet.
    fn turn(&mut self) -> Result<(), ReportError> {
        self.close()?;
        self.number += 1;
        Ok(self.head()?)
    }

    /// Gives the sheet to the workbook and puts an empty one in its place.
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

/// Days since 1899-12-30, the time of day as their fraction: a date of Excel, which knows no zones.
fn serial(moment: Timestamp, offset: Offset) -> f64 {
    let seconds = moment.as_duration().as_secs_f64() + f64::from(offset.seconds());
    25_569.0 + seconds / 86_400.0
}
