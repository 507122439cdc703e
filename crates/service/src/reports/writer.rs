//! Thread that writes one report from the batches it receives, pausing while requests are being served.

use std::fs::File;
use std::io::{self, Seek, Write};

use tokio::sync::mpsc;

use super::csv::CsvWriter;
use super::progress::Progress;
use super::throttle::Throttle;
use super::xlsx::{SHEET_ROWS, XlsxWriter};
use super::{FinishedReport, ReportError, ReportSpec};
use jornada_domain::Registration;
use jornada_domain::job::ReportFormat;

/// Message to the writing thread. If the channel closes without [`WriterMessage::End`], the report is cancelled.
pub(super) enum WriterMessage {
    Rows(Vec<Registration>),
    End { read: u64, expected: u64 },
}

/// Writer of a report in any format.
enum ReportWriter {
    Xlsx(Box<XlsxWriter>),
    Csv(Box<CsvWriter<File>>),
}

impl ReportWriter {
    fn write_report(&mut self, registration: &Registration) -> Result<(), ReportError> {
        match self {
            Self::Xlsx(xlsx) => xlsx.write(registration),
            Self::Csv(csv) => csv.write(registration),
        }
    }

    fn rows(&self) -> u64 {
        match self {
            Self::Xlsx(xlsx) => xlsx.rows(),
            Self::Csv(csv) => csv.rows(),
        }
    }
}

/// Writes the report; the body of the writing thread.
pub(super) fn write(
    subject: ReportSpec,
    format: ReportFormat,
    mut inbox: mpsc::Receiver<WriterMessage>,
    progress: &Progress,
    mut throttle: Throttle,
) -> Result<FinishedReport, ReportError> {
    // Unnamed: no other process can open it, and the system deletes it even after `kill -9`.
    let mut file = tempfile::tempfile()?;
    let mut list = match format {
        ReportFormat::Xlsx => ReportWriter::Xlsx(Box::new(XlsxWriter::new(subject, SHEET_ROWS)?)),
        ReportFormat::Csv => {
            ReportWriter::Csv(Box::new(CsvWriter::new(&subject, file.try_clone()?)?))
        }
    };
    let (read, expected) = loop {
        match inbox.blocking_recv().ok_or(ReportError::Cancelled)? {
            WriterMessage::Rows(batch) => {
                for row in &batch {
                    list.write_report(row)?;
                    throttle.pause_if_due();
                }
                progress.set_rows(list.rows());
            }
            WriterMessage::End { read, expected } => break (read, expected),
        }
    };
    let written = list.rows();
    if written != read || written < expected {
        return Err(ReportError::RowsMissing {
            expected,
            read,
            written,
        });
    }
    match list {
        ReportWriter::Xlsx(xlsx) => xlsx.finish(AbortableFile {
            file: &file,
            inbox: &inbox,
            throttle,
        })?,
        ReportWriter::Csv(csv) => csv.finish()?,
    }
    file.rewind()?;
    let bytes = file.metadata()?.len();
    Ok(FinishedReport {
        file,
        bytes,
        rows: written,
    })
}

/// A file that rejects writes once the report is cancelled, since compressing a long report takes seconds.
struct AbortableFile<'a> {
    file: &'a File,
    inbox: &'a mpsc::Receiver<WriterMessage>,
    throttle: Throttle,
}

impl Write for AbortableFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.throttle.pause_if_due();
        if self.inbox.is_closed() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::throttle::ForegroundLoad;

    #[test]
    fn once_nobody_waits_the_file_takes_nothing_more() {
        let (outbox, inbox) = mpsc::channel(1);
        let file = tempfile::tempfile().unwrap();
        let mut watched = AbortableFile {
            file: &file,
            inbox: &inbox,
            throttle: Throttle::new(ForegroundLoad::default()),
        };
        watched.write_all(b"some").unwrap();
        drop(outbox);
        let refused = watched.write_all(b"more").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(file.metadata().unwrap().len(), 4);
    }
}
