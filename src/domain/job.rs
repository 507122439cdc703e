//! A report that is made in the background: what was asked for, how far it is, and the file once there is one.
//! No state can say "done" without the file.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CampaignId, Lang, Selection};

/// How long a job and its file are kept after its end.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How old a file may be that is handed out again: whoever gets it has an hour left.
pub const REUSED: SignedDuration = SignedDuration::from_hours(23);

/// The kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A workbook of Excel (ECMA-376).
    Xlsx,
    /// Comma-separated values (RFC 4180), UTF-8.
    Csv,
}

impl Format {
    /// The format that a file name's extension asks for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        [Self::Xlsx, Self::Csv]
            .into_iter()
            .find(|format| format.extension() == extension)
    }

    /// What a file's name ends with, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// What was asked for. Two that are equal are the same file, as long as nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Whose registrations.
    pub campaign: CampaignId,
    /// Which of them.
    pub selection: Selection,
    /// The kind of file.
    pub format: Format,
    /// The language of its labels.
    pub lang: Lang,
    /// Scheme and host that its links begin with, without a slash at the end.
    pub base: String,
}

/// From what a file was made: as long as it is the same, so is the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Registrations of the selection, counted before they were read.
    pub rows: u64,
    /// How often registrations of the campaign were corrected or deleted.
    pub revision: u64,
}

/// A finished file in the object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobFile {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// What became of a job so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// For an instance to take it.
    Waiting,
    /// An instance is at it, or was a moment ago.
    Running,
    /// There is the file.
    Done(JobFile),
    /// There is none, and there will not be one.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
}

impl JobState {
    /// The word in the store and in answers to programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done(_) => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads its [`name`](Self::name); done needs the file.
    #[must_use]
    pub fn parse(name: &str, file: Option<JobFile>) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Failed, Self::Cancelled]
            .into_iter()
            .chain(file.map(Self::Done))
            .find(|state| state.name() == name)
    }

    /// Whether it may still change.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// A report that is made in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name in addresses.
    pub id: Uuid,
    /// What was asked for.
    pub wanted: Wanted,
    /// Who asked for it (`account:ID` or `token:NAME`): they see it.
    pub askers: Vec<String>,
    /// What became of it.
    pub state: JobState,
    /// Rows done.
    pub rows: u64,
    /// From what it is made, once that is counted.
    pub basis: Option<Basis>,
    /// How often it was begun. Whoever begins it holds it by this number, until somebody begins it again.
    pub attempt: u32,
    /// How many of these attempts ended without a word, or with a failure.
    pub lost: u32,
    /// When it was asked for.
    pub made_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Job {
    /// A job that nobody has begun.
    #[must_use]
    pub fn new(id: Uuid, wanted: Wanted, asker: String, now: Timestamp) -> Self {
        Self {
            id,
            wanted,
            askers: vec![asker],
            state: JobState::Waiting,
            rows: 0,
            basis: None,
            attempt: 0,
            lost: 0,
            made_at: now,
            ended_at: None,
        }
    }

    /// The file, if it is done.
    #[must_use]
    pub fn file(&self) -> Option<JobFile> {
        match self.state {
            JobState::Done(file) => Some(file),
            _ => None,
        }
    }

    /// Whether its file is still what somebody gets who asks for the same now.
    #[must_use]
    pub fn is_current(&self, basis: Basis, now: Timestamp) -> bool {
        let is_young = |ended: Timestamp| now.duration_since(ended) < REUSED;
        self.file().is_some() && self.basis == Some(basis) && self.ended_at.is_some_and(is_young)
    }

    /// When it and its file are removed, once it has ended.
    #[must_use]
    pub fn kept_until(&self) -> Option<Timestamp> {
        self.ended_at.map(|ended| ended + KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(basis: Basis, ended: Timestamp) -> Job {
        let wanted = Wanted {
            campaign: CampaignId::parse("vacunacion").unwrap(),
            selection: Selection::of("Cali"),
            format: Format::Csv,
            lang: Lang::Es,
            base: "http://localhost".into(),
        };
        let mut job = Job::new(Uuid::nil(), wanted, "token:prueba".into(), ended);
        job.basis = Some(basis);
        job.ended_at = Some(ended);
        job.state = JobState::Done(JobFile {
            bytes: 1,
            sha256: [1; 32],
        });
        job
    }

    #[test]
    fn a_file_is_current_until_something_changes_or_it_is_old() {
        let basis = Basis {
            rows: 5,
            revision: 2,
        };
        let ended = Timestamp::from_second(1_795_000_000).unwrap();
        let job = done(basis, ended);
        assert!(job.is_current(basis, ended));
        assert!(!job.is_current(Basis { rows: 6, ..basis }, ended));
        let corrected = Basis {
            revision: 3,
            ..basis
        };
        assert!(!job.is_current(corrected, ended));
        assert!(!job.is_current(basis, ended + REUSED));
        let mut failed = job;
        failed.state = JobState::Failed;
        assert!(!failed.is_current(basis, ended));
    }

    #[test]
    fn done_is_read_with_a_file_alone() {
        let file = JobFile {
            bytes: 1,
            sha256: [1; 32],
        };
        let states = [
            JobState::Waiting,
            JobState::Running,
            JobState::Done(file),
            JobState::Failed,
            JobState::Cancelled,
        ];
        for state in states {
            assert_eq!(JobState::parse(state.name(), Some(file)), Some(state));
        }
        assert_eq!(JobState::parse("done", None), None);
        assert_eq!(JobState::parse("ready", Some(file)), None);
    }
}
