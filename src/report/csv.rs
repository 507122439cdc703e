//! Writes a report as CSV: RFC 4180 with CRLF, UTF-8 with a byte order mark, without which Excel assumes Latin-1.
//! Has no totals row, since programs would read it as a registration.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

use super::columns::{Column, offset};
use super::{PHOTO, ReportError, Subject};
use crate::domain::Registration;

/// Buffer size in bytes.
const BUFFER: usize = 64 * 1024;

/// Format of local times: `2026-11-21 08:03:04`, which spreadsheets parse.
const LOCAL: DateTimePrinter = DateTimePrinter::new().separator(b' ').precision(Some(0));
/// Format of UTC times: RFC 3339 with milliseconds; the caller appends `Z`.
const UTC: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Writer of a CSV report.
#[derive(Debug)]
pub struct Csv<W: Write> {
    columns: Vec<Column>,
    zone: TimeZone,
    /// URL prefix of a photo page, before the id.
    page: String,
    out: ::csv::Writer<W>,
    rows: u64,
}

impl<W: Write> Csv<W> {
    /// Writes byte order mark and header.
    pub fn new(subject: &Subject, mut out: W) -> Result<Self, ReportError> {
        out.write_all("\u{FEFF}".as_bytes())?;
        let mut out = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::CRLF)
            .buffer_capacity(BUFFER)
            .from_writer(out);
        let columns = Column::of(&subject.campaign);
        let labels = columns
            .iter()
            .map(|column| column.label(&subject.campaign, subject.lang));
        out.write_record(labels.map(|label| guarded(label).into_owned()))
            .map_err(io::Error::from)?;
        Ok(Self {
            columns,
            zone: subject.campaign.time_zone.clone(),
            page: subject.registrations_page(),
            out,
            rows: 0,
        })
    }

    /// Writes one registration.
    pub fn write(&mut self, registration: &Registration) -> Result<(), ReportError> {
        for column in &self.columns {
            let cell = self.cell(*column, registration);
            let written = self.out.write_field(cell.as_bytes());
            written.map_err(io::Error::from)?;
        }
        let ended = self.out.write_record(None::<&[u8]>);
        ended.map_err(io::Error::from)?;
        self.rows += 1;
        Ok(())
    }

    fn cell<'a>(&self, column: Column, registration: &'a Registration) -> Cow<'a, str> {
        match column {
            Column::Receipt => registration.id.receipt().to_string().into(),
            Column::Local => self.clock(column, &LOCAL, registration).into(),
            Column::Utc => (self.clock(column, &UTC, registration) + "Z").into(),
            Column::Answer(place) => guarded(registration.answers.get(place).unwrap_or_default()),
            Column::Photo if registration.photo.is_some() => {
                let id = registration.id.to_string();
                [&self.page, id.as_str(), PHOTO].concat().into()
            }
            Column::Photo => Cow::default(),
        }
    }

    fn clock(&self, column: Column, as_text: &DateTimePrinter, of: &Registration) -> String {
        let offset = offset(column, of.received_at, &self.zone);
        as_text.datetime_to_string(&offset.to_datetime(of.received_at))
    }

    /// Returns the number of rows so far, without the header.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Flushes the buffer.
    pub fn finish(mut self) -> Result<(), ReportError> {
        Ok(self.out.flush()?)
    }
}

/// Prefixes a text with an apostrophe if a spreadsheet would run it as a formula (OWASP, "CSV Injection").
pub(crate) fn guarded(text: &str) -> Cow<'_, str> {
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
