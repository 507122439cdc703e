//! Writes a report as a workbook, row by row in constant memory. The rows are compressed as they come, into an unnamed
//! temporary file; the library makes everything around them, and at the end both become one file.

use std::fs::File;
use std::io::{self, Cursor, Write};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::columns::{Column, utc_offset};
use super::list_sheet::{ListSheet, SheetFrame, bold, entry_name};
use super::photo_link::PhotoLink;
use super::sheet_rows::SheetRows;
use super::totals_sheet::TotalsSheet;
use super::{ReportError, ReportSpec};
use jornada_domain::Registration;

/// Excel's limit of rows per sheet, heading included.
pub const SHEET_ROWS: u32 = 1_048_576;

/// Minimum rows per sheet: heading, one registration, empty row, totals.
const MIN_ROWS: u32 = 4;

/// Bytes of rows that are compressed at once.
const BLOCK: usize = 64 * 1024;

/// Compression level of the rows, a compromise of time and size (`docs/performance.md`).
const COMPRESSION_LEVEL: i64 = 2;

/// Writer of a workbook.
pub struct XlsxWriter {
    subject: ReportSpec,
    columns: Vec<Column>,
    /// Sheets of the list, compressed, without the rest of the workbook.
    file: ZipWriter<File>,
    /// Rows that are not compressed yet.
    rows: SheetRows,
    frame: SheetFrame,
    /// Complete sheets.
    complete: Vec<ListSheet>,
    /// Number of the current sheet's rows, heading included.
    sheet_rows: u32,
    max_sheet_rows: u32,
    /// Number of registrations.
    total: u64,
    link: PhotoLink,
    totals: Option<TotalsSheet>,
}

impl XlsxWriter {
    /// Starts the first sheet. After `max_sheet_rows` rows (at most [`SHEET_ROWS`]) the report continues on a new sheet.
    pub fn new(subject: ReportSpec, max_sheet_rows: u32) -> Result<Self, ReportError> {
        let columns = Column::for_campaign(&subject.campaign);
        let first = ListSheet {
            number: 1,
            rows: 1,
            total: None,
        };
        let all = subject.selection.tally_value.is_none();
        let mut xlsx = Self {
            frame: first.frame(&subject, &columns)?,
            columns,
            file: ZipWriter::new(tempfile::tempfile()?),
            rows: SheetRows::default(),
            complete: Vec::new(),
            sheet_rows: 1,
            max_sheet_rows: max_sheet_rows.max(MIN_ROWS),
            total: 0,
            link: PhotoLink::new(&subject),
            totals: all.then(TotalsSheet::default),
            subject,
        };
        xlsx.start_sheet()?;
        Ok(xlsx)
    }

    fn start_sheet(&mut self) -> Result<(), ReportError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(COMPRESSION_LEVEL))
            // A sheet of long answers exceeds 4 GiB. The copy in the workbook has this mark only if it does.
            .large_file(true);
        let number = self.complete.len() + 1;
        if number > 1 {
            let sheet = ListSheet {
                number,
                rows: 1,
                total: None,
            };
            self.frame = sheet.frame(&self.subject, &self.columns)?;
        }
        let name = entry_name(number);
        self.file
            .start_file(name, options)
            .map_err(io::Error::from)?;
        self.file.write_all(self.frame.before.as_bytes())?;
        self.sheet_rows = 1;
        Ok(())
    }

    /// Writes one registration.
    pub fn write(&mut self, registration: &Registration) -> Result<(), ReportError> {
        if self.sheet_rows == self.max_sheet_rows {
            self.finish_sheet(None)?;
            self.start_sheet()?;
        }
        self.sheet_rows += 1;
        self.total += 1;
        self.write_row(registration);
        if let Some(totals) = &mut self.totals {
            totals.add(&registration.tally_value);
        }
        if self.rows.as_bytes().len() >= BLOCK {
            self.compress()?;
        }
        Ok(())
    }

    fn write_row(&mut self, registration: &Registration) {
        let number = registration.id.receipt().to_string();
        let rows = &mut self.rows;
        rows.start_row(self.sheet_rows);
        for (column, style) in self.columns.iter().zip(&self.frame.styles) {
            match *column {
                Column::Receipt => rows.write_text(&number),
                Column::LocalTime | Column::UtcTime => {
                    let moment = registration.received_at;
                    let offset = utc_offset(*column, moment, &self.subject.campaign.time_zone);
                    let shown = moment.as_millisecond() + i64::from(offset.seconds()) * 1_000;
                    rows.write_date(style, shown);
                }
                Column::Answer(place) => match registration.answers.get(place) {
                    Some(answer) => rows.write_text(answer),
                    None => rows.write_empty(),
                },
                Column::Photo if registration.photo.is_some() => {
                    self.link.write(rows, style, &number);
                }
                Column::Photo => rows.write_empty(),
            }
        }
        rows.end_row();
    }

    fn compress(&mut self) -> io::Result<()> {
        self.file.write_all(self.rows.as_bytes())?;
        self.rows.clear();
        Ok(())
    }

    /// Returns the number of rows so far, without headings and totals.
    pub fn rows(&self) -> u64 {
        self.total
    }

    /// Completes the current sheet, with the total if it is the last one.
    fn finish_sheet(&mut self, total: Option<u64>) -> Result<(), ReportError> {
        self.compress()?;
        let sheet = ListSheet {
            number: self.complete.len() + 1,
            rows: self.sheet_rows,
            total,
        };
        let frame = sheet.frame(&self.subject, &self.columns)?;
        self.file.write_all(frame.after.as_bytes())?;
        self.complete.push(sheet);
        Ok(())
    }

    /// Writes totals and workbook into `out`.
    pub fn finish(mut self, out: impl Write) -> Result<(), ReportError> {
        if self.sheet_rows + 2 > self.max_sheet_rows {
            self.finish_sheet(None)?;
            self.start_sheet()?;
        }
        self.finish_sheet(Some(self.total))?;
        let around = self.workbook()?;
        let rows = self.file.finish().map_err(io::Error::from)?;
        Ok(join(around, rows, out).map_err(io::Error::from)?)
    }

    /// Returns the workbook with everything but the rows.
    fn workbook(&mut self) -> Result<Vec<u8>, ReportError> {
        let mut workbook = Workbook::new();
        for sheet in &self.complete {
            sheet.add_to(&mut workbook, &self.subject, &self.columns)?;
        }
        if let Some(totals) = self.totals.take() {
            let name = text!(self.subject.lang, "common-totals");
            let sheet = totals.into_sheet(name, &self.subject, &bold(), self.total)?;
            workbook.push_worksheet(sheet);
        }
        workbook.set_properties(&self.properties()?);
        Ok(workbook.save_to_buffer()?)
    }

    fn properties(&self) -> Result<DocProperties, XlsxError> {
        let ReportSpec { campaign, lang, .. } = &self.subject;
        let made_at = ExcelDateTime::from_timestamp(self.subject.requested_at.as_second())?;
        let title = campaign.title.get(*lang);
        let value = self.subject.selected_label();
        let value = value.as_deref().unwrap_or(text!(lang, "common-all"));
        let rows = self.total.to_string();
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

/// Copies a workbook, with the sheets in `rows` instead of its own. Nothing is compressed again.
fn join(around: Vec<u8>, rows: File, out: impl Write) -> zip::result::ZipResult<()> {
    let mut around = ZipArchive::new(Cursor::new(around))?;
    let mut rows = ZipArchive::new(rows)?;
    let mut whole = ZipWriter::new_stream(out);
    for index in 0..around.len() {
        let entry = around.by_index_raw(index)?;
        match rows.index_for_name(&entry.name()?) {
            Some(sheet) => whole.raw_copy_file(rows.by_index_raw(sheet)?)?,
            None => whole.raw_copy_file(entry)?,
        }
    }
    whole.finish()?.into_inner().flush()?;
    Ok(())
}
