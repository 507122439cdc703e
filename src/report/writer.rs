//! Thread that writes one report from the batches it receives, pausing while requests are being served.

use std::fs::File;
use std::io::{self, Seek, Write};

use tokio::sync::mpsc;

use super::csv::Csv;
use super::draft::Progress;
use super::rest::Rest;
use super::xlsx::{SHEET_ROWS, Xlsx};
use super::{Finished, Format, ReportError, Subject};
use crate::domain::Registration;

/// Message to the writing thread. If the channel closes without [`Delivery::End`], the report is cancelled.
pub(super) enum Delivery {
    Rows(Vec<Registration>),
    End { read: u64, least: u64 },
}

/// Writer of a report in any format.
enum List {
    Xlsx(Box<Xlsx>),
    Csv(Box<Csv<File>>),
}

impl List {
    fn write(&mut self, registration: &Registration) -> Result<(), ReportError> {
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
    subject: Subject,
    format: Format,
    mut inbox: mpsc::Receiver<Delivery>,
    progress: &Progress,
    mut rest: Rest,
) -> Result<Finished, ReportError> {
    // Unnamed: no other process can open it, and the system deletes it even after `kill -9`.
    let mut file = tempfile::tempfile()?;
    let mut list = match format {
        Format::Xlsx => List::Xlsx(Box::new(Xlsx::new(subject, SHEET_ROWS)?)),
        Format::Csv => List::Csv(Box::new(Csv::new(&subject, file.try_clone()?)?)),
    };
    let (read, least) = loop {
        match inbox.blocking_recv().ok_or(ReportError::GivenUp)? {
            Delivery::Rows(batch) => {
                for row in &batch {
                    list.write(row)?;
                    rest.take();
                }
                progress.note(list.rows());
            }
            Delivery::End { read, least } => break (read, least),
        }
    };
    let written = list.rows();
    if written != read || written < least {
        return Err(ReportError::Short {
            least,
            read,
            written,
        });
    }
    match list {
        List::Xlsx(xlsx) => xlsx.finish(Watched {
            file: &file,
            inbox: &inbox,
            rest,
        })?,
        List::Csv(csv) => csv.finish()?,
    }
    file.rewind()?;
    let bytes = file.metadata()?.len();
    Ok(Finished {
        file,
        bytes,
        rows: written,
    })
}

/// A file that rejects writes once the report is cancelled, since compressing a long report takes seconds.
struct Watched<'a> {
    file: &'a File,
    inbox: &'a mpsc::Receiver<Delivery>,
    rest: Rest,
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.take();
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
    use crate::report::rest::Others;

    #[test]
    fn once_nobody_waits_the_file_takes_nothing_more() {
        let (outbox, inbox) = mpsc::channel(1);
        let file = tempfile::tempfile().unwrap();
        let mut watched = Watched {
            file: &file,
            inbox: &inbox,
            rest: Rest::new(Others::default()),
        };
        watched.write_all(b"some").unwrap();
        drop(outbox);
        let refused = watched.write_all(b"more").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(file.metadata().unwrap().len(), 4);
    }
}
