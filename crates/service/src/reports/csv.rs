//! Writes a report as CSV: RFC 4180 with CRLF but for the separator, UTF-8 with a byte order mark, without which Excel
//! assumes Latin-1.
//! Has no totals row, since programs would read it as a registration.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

use super::columns::{Column, utc_offset};
use super::{PHOTO_URL_SUFFIX, ReportError, ReportSpec};
use crate::csv_guard::{csv_settings, guarded};
use jornada_domain::Registration;

/// Buffer size in bytes.
const BUFFER: usize = 64 * 1024;

/// Format of local times: `2026-11-21 08:03:04`, which spreadsheets parse.
const LOCAL: DateTimePrinter = DateTimePrinter::new().separator(b' ').precision(Some(0));
/// Format of UTC times: RFC 3339 with milliseconds; the caller appends `Z`.
const UTC: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Writer of a CSV report.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    columns: Vec<Column>,
    zone: TimeZone,
    /// URL prefix of a photo page, before the id.
    photo_url_prefix: String,
    out: ::csv::Writer<W>,
    rows: u64,
}

impl<W: Write> CsvWriter<W> {
    /// Writes byte order mark and header.
    pub fn new(subject: &ReportSpec, mut out: W) -> Result<Self, ReportError> {
        out.write_all("\u{FEFF}".as_bytes())?;
        let mut out = csv_settings(subject.separator)
            .buffer_capacity(BUFFER)
            .from_writer(out);
        let columns = Column::for_campaign(&subject.campaign);
        let labels = columns
            .iter()
            .map(|column| column.label(&subject.campaign, subject.lang));
        out.write_record(labels.map(|label| guarded(label).into_owned()))
            .map_err(io::Error::from)?;
        Ok(Self {
            columns,
            zone: subject.campaign.time_zone.clone(),
            photo_url_prefix: subject.photo_url_prefix(),
            out,
            rows: 0,
        })
    }

    /// Writes one registration.
    pub fn write(&mut self, registration: &Registration) -> Result<(), ReportError> {
        for column in &self.columns {
            let cell = self.cell_text(*column, registration);
            let written = self.out.write_field(cell.as_bytes());
            written.map_err(io::Error::from)?;
        }
        let ended = self.out.write_record(None::<&[u8]>);
        ended.map_err(io::Error::from)?;
        self.rows += 1;
        Ok(())
    }

    fn cell_text<'a>(&self, column: Column, registration: &'a Registration) -> Cow<'a, str> {
        match column {
            Column::Receipt => registration.id.receipt().to_string().into(),
            Column::LocalTime => self.format_time(column, &LOCAL, registration).into(),
            Column::UtcTime => (self.format_time(column, &UTC, registration) + "Z").into(),
            Column::Answer(place) => guarded(registration.answers.get(place).unwrap_or_default()),
            Column::Photo if registration.photo.is_some() => {
                let (prefix, id) = (&self.photo_url_prefix, registration.id);
                format!("{prefix}{id}{PHOTO_URL_SUFFIX}").into()
            }
            Column::Photo => Cow::default(),
        }
    }

    fn format_time(&self, column: Column, as_text: &DateTimePrinter, of: &Registration) -> String {
        let offset = utc_offset(column, of.received_at, &self.zone);
        as_text.datetime_to_string(&offset.to_datetime(of.received_at))
    }

    /// Returns the number of rows so far, without the header.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Flushes the buffer.
    pub fn finish(mut self) -> Result<(), ReportError> {
        Ok(self.out.flush()?)
    }
}
