//! Writes a report as a workbook, row by row in constant memory. The library keeps rows in an unnamed temporary file
//! and compresses it into the workbook at the end.

use std::io::Write;

use jiff::Timestamp;
use jiff::tz::Offset;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::columns::{Column, utc_offset};
use super::photo_link::PhotoLink;
use super::sheet_name::sheet_name;
use super::totals_sheet::{TotalsSheet, write_total};
use super::{ReportError, ReportSpec};
use jornada_domain::Registration;

/// Excel's limit of rows per sheet, heading included.
pub const SHEET_ROWS: u32 = 1_048_576;

/// Minimum rows per sheet: heading, one registration, empty row, totals.
const MIN_ROWS: u32 = 4;

/// Bytes of text from which a sheet may exceed the 4 GiB of a ZIP entry without ZIP64, markup included.
const ZIP64_THRESHOLD: usize = 2 << 30;

/// Compression level. Compared with the library's default (6) a report takes 60 % of the time and is 10 % larger
/// (`benches/report`).
const COMPRESSION_LEVEL: u8 = 2;

/// Writer of a workbook.
pub struct XlsxWriter {
    subject: ReportSpec,
    columns: Vec<Column>,
    workbook: Workbook,
    sheet: Worksheet,
    /// Number of the current sheet, from 1.
    sheet_number: usize,
    /// Next row of the current sheet, from 0.
    next_row: u32,
    sheet_rows: u32,
    /// Bytes of text in the current sheet.
    text_bytes: usize,
    rows: u64,
    bold: Format,
    link: PhotoLink,
    totals: Option<TotalsSheet>,
}

impl XlsxWriter {
    /// Starts the first sheet. After `sheet_rows` rows (at most [`SHEET_ROWS`]) the report continues on a new sheet.
    pub fn new(subject: ReportSpec, sheet_rows: u32) -> Result<Self, ReportError> {
        let mut workbook = Workbook::new();
        workbook.set_zip_compression_level(COMPRESSION_LEVEL);
        let mut xlsx = Self {
            columns: Column::for_campaign(&subject.campaign),
            sheet: workbook.new_worksheet_with_constant_memory()?,
            workbook,
            sheet_number: 1,
            next_row: 0,
            sheet_rows: sheet_rows.max(MIN_ROWS),
            text_bytes: 0,
            rows: 0,
            bold: Format::new().set_bold(),
            link: PhotoLink::new(&subject),
            totals: subject
                .selection
                .tally_value
                .is_none()
                .then(TotalsSheet::default),
            subject,
        };
        xlsx.start_sheet()?;
        Ok(xlsx)
    }

    /// Sets name, headings, widths and formats of a new sheet, which must precede its rows.
    fn start_sheet(&mut self) -> Result<(), XlsxError> {
        let ReportSpec { campaign, lang, .. } = &self.subject;
        let list = text!(lang, "report-list");
        let wanted = self.subject.selected_label();
        let name = sheet_name(wanted.as_deref().unwrap_or(list), list, self.sheet_number);
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
                Column::LocalTime | Column::UtcTime => sheet.set_column_format(col, &time)?,
                Column::Photo => sheet.set_column_format(col, &link)?,
                Column::Receipt | Column::Answer(_) => sheet,
            };
            sheet.write_string_with_format(0, col, column.label(campaign, *lang), &heading)?;
        }
        self.next_row = 1;
        Ok(())
    }

    /// Writes one registration.
    ///
    /// # Panics
    /// The library panics if the disk is full: run it where panics are caught.
    pub fn write(&mut self, registration: &Registration) -> Result<(), ReportError> {
        if self.next_row == self.sheet_rows {
            self.start_next_sheet()?;
        }
        let row = self.next_row;
        for (col, column) in (0..).zip(&self.columns) {
            match *column {
                Column::Receipt => {
                    let number = registration.id.receipt().to_string();
                    self.sheet.write_string(row, col, number)?;
                }
                Column::LocalTime | Column::UtcTime => {
                    let zone = &self.subject.campaign.time_zone;
                    let moment = registration.received_at;
                    let date = excel_date(moment, utc_offset(*column, moment, zone));
                    self.sheet.write_number(row, col, date)?;
                }
                Column::Answer(place) => {
                    if let Some(answer) = registration.answers.get(place) {
                        self.text_bytes += answer.len();
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
            totals.add(&registration.tally_value);
        }
        self.next_row += 1;
        self.rows += 1;
        Ok(())
    }

    /// Returns the number of rows so far, without headings and totals.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the totals and compresses the workbook into `out`.
    pub fn finish(mut self, out: impl Write + Send) -> Result<(), ReportError> {
        if self.next_row + 2 > self.sheet_rows {
            self.start_next_sheet()?;
        }
        // An empty row keeps the totals out of filters and manual sorting.
        write_total(&mut self.sheet, self.next_row + 1, &self.bold, self.rows)?;
        self.finish_sheet()?;
        if let Some(totals) = self.totals.take() {
            let name = text!(self.subject.lang, "common-totals");
            let sheet = totals.into_sheet(name, &self.subject, &self.bold, self.rows)?;
            self.workbook.push_worksheet(sheet);
        }
        self.workbook.set_properties(&self.properties()?);
        self.workbook.save_to_writer(out)?;
        Ok(())
    }

    /// Continues on a new sheet.
    fn start_next_sheet(&mut self) -> Result<(), ReportError> {
        self.finish_sheet()?;
        self.sheet_number += 1;
        Ok(self.start_sheet()?)
    }

    /// Adds the current sheet to the workbook and replaces it by an empty one.
    fn finish_sheet(&mut self) -> Result<(), XlsxError> {
        let last_column = u16::try_from(self.columns.len() - 1).unwrap_or(u16::MAX);
        self.sheet
            .autofilter(0, 0, self.next_row - 1, last_column)?;
        let next = self.workbook.new_worksheet_with_constant_memory()?;
        let sheet = std::mem::replace(&mut self.sheet, next);
        self.workbook.push_worksheet(sheet);
        if std::mem::take(&mut self.text_bytes) > ZIP64_THRESHOLD {
            self.workbook.use_zip_large_file(true);
        }
        Ok(())
    }

    fn properties(&self) -> Result<DocProperties, XlsxError> {
        let ReportSpec { campaign, lang, .. } = &self.subject;
        let made_at = ExcelDateTime::from_timestamp(self.subject.requested_at.as_second())?;
        let title = campaign.title.get(*lang);
        let value = self.subject.selected_label();
        let value = value.as_deref().unwrap_or(text!(lang, "common-all"));
        let rows = self.rows.to_string();
        let time = format!("{:.0}", self.subject.requested_at);
        let comment = text!(lang, "report-rows", rows = rows.as_str(), time = time);
        Ok(DocProperties::new()
            .set_title(format!("{title}: {value}"))
            .set_subject(value)
            .set_category(title)
            .set_comment(comment)
            .set_creation_datetime(&made_at)
            .set_custom_property("campaign", campaign.id.as_str())
            .set_custom_property("value", value)
            .set_custom_property("made_at", &made_at)
            .set_custom_property("rows", rows))
    }
}

/// Returns an Excel date: days since 1899-12-30, time of day as fraction, without time zone.
fn excel_date(moment: Timestamp, offset: Offset) -> f64 {
    let seconds = moment.as_duration().as_secs_f64() + f64::from(offset.seconds());
    25_569.0 + seconds / 86_400.0
}
