//! Journal of acknowledgements, one JSON object per line. A line is written before the registration counts as
//! acknowledged. An incomplete last line is ignored.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// First line: parameters from which the people of the run can be invented again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Name of the run, contained in every text it sends.
    pub run: String,
    /// Id of the campaign.
    pub campaign: String,
    /// Approximate size of each photo.
    pub photo_bytes: usize,
    /// True if requests had no idempotency key.
    pub keyless: bool,
    /// Start of the run.
    pub started_at: Timestamp,
}

/// An acknowledged registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// Number of the person within the run.
    pub number: u32,
    /// Registration id in hexadecimal.
    pub id: String,
    /// Receipt number.
    pub receipt: String,
    /// Expected SHA-256 of the stored photo, in hexadecimal.
    pub sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum JournalLine {
    Run(Heading),
    Acknowledged(JournalRecord),
    Ended { sent: u32 },
}

/// A journal open for writing.
#[derive(Debug)]
pub struct Journal(Mutex<File>);

impl Journal {
    /// Creates a journal. Fails if the file exists.
    pub fn create(path: &Path, heading: Heading) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)?;
        let journal = Self(Mutex::new(file));
        journal.write(&JournalLine::Run(heading))?;
        Ok(journal)
    }

    /// Appends an acknowledgement. If this fails, the registration must not count as acknowledged.
    pub fn record(&self, record: JournalRecord) -> io::Result<()> {
        self.write(&JournalLine::Acknowledged(record))
    }

    /// Appends the number of requests and syncs the file to disk.
    pub fn finish(&self, sent: u32) -> io::Result<()> {
        self.write(&JournalLine::Ended { sent })?;
        self.0.lock().sync_all()
    }

    fn write(&self, line: &JournalLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        // One unbuffered write per line.
        self.0.lock().write_all(&text)
    }
}

/// The contents of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalContents {
    /// First line.
    pub heading: Heading,
    /// All acknowledgements.
    pub acknowledged: Vec<JournalRecord>,
    /// Number of requests; `None` if the run did not finish.
    pub sent: Option<u32>,
}

impl JournalContents {
    /// Reads a journal.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let (mut heading, mut acknowledged, mut sent) = (None, Vec::new(), None);
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        for (number, line) in whole.enumerate() {
            let line = serde_json::from_str(line).ok();
            match line
                .with_context(|| format!("cannot parse line {} of the journal", number + 1))?
            {
                JournalLine::Run(first) => heading = Some(first),
                JournalLine::Acknowledged(record) => acknowledged.push(record),
                JournalLine::Ended { sent: all } => sent = Some(all),
            }
        }
        Ok(Self {
            heading: heading.context("the journal has no heading")?,
            acknowledged,
            sent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading() -> Heading {
        Heading {
            run: "K3F9Q2".into(),
            campaign: "simulacro".into(),
            photo_bytes: 1_000,
            keyless: false,
            started_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn record(number: u32) -> JournalRecord {
        JournalRecord {
            number,
            id: "5f0c8a52b7e94d13a2c46e1b90d7f388".into(),
            receipt: "7K3M9-QXT2V-B8HC".into(),
            sha256: None,
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_up_to_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::create(&path, heading()).unwrap();
        journal.record(record(3)).unwrap();
        let unended = JournalContents::read(&path).unwrap();
        assert_eq!(unended.acknowledged, [record(3)]);
        assert_eq!(unended.sent, None);
        journal.finish(5).unwrap();
        journal.0.lock().write_all(b"{\"ackno").unwrap();
        let contents = JournalContents::read(&path).unwrap();
        assert_eq!(contents.heading, heading());
        assert_eq!(contents.sent, Some(5));
        assert!(
            Journal::create(&path, heading()).is_err(),
            "no journal is written over"
        );
    }

    #[test]
    fn another_file_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        std::fs::write(&path, "{\"ended\":{\"sent\":1}}\nnothing\n").unwrap();
        let error = || JournalContents::read(&path).unwrap_err().to_string();
        assert_eq!(error(), "cannot parse line 2 of the journal");
        std::fs::write(&path, "").unwrap();
        assert_eq!(error(), "the journal has no heading");
    }
}
