//! A report that is generated in the background: request, progress and finished file.
//! The state `Done` always has a file.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CampaignId, Lang, Selection};

/// Time after its end at which a job and its file are deleted.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Maximum age of a file that is offered again. It is shorter than [`KEPT`], so an hour is left to download it.
pub const REUSED: SignedDuration = SignedDuration::from_hours(23);

/// File format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Excel workbook (ECMA-376).
    Xlsx,
    /// Comma-separated values (RFC 4180), UTF-8.
    Csv,
}

impl Format {
    /// Parses a file name extension.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        [Self::Xlsx, Self::Csv]
            .into_iter()
            .find(|format| format.extension() == extension)
    }

    /// Returns the file name extension, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }
}

/// Request for a report. Equal requests give equal files as long as the data do not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Campaign of the registrations.
    pub campaign: CampaignId,
    /// Selected registrations.
    pub selection: Selection,
    /// File format.
    pub format: Format,
    /// Language of the labels.
    pub lang: Lang,
    /// Scheme and host of the links, without a trailing slash.
    #[serde(rename = "base")]
    pub base: String,
}

/// Version of the data of a report. A finished file is valid as long as it does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Number of selected registrations, counted before they are read.
    pub rows: u64,
    /// Number of corrections and deletions in the campaign.
    pub revision: u64,
}

/// A finished file in the object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobFile {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Queued.
    Waiting,
    /// Claimed by an instance.
    Running,
    /// Finished, with the file.
    Done(JobFile),
    /// Failed for good.
    Failed,
    /// Cancelled by a user.
    Cancelled,
}

impl JobState {
    /// Returns the name in the store and in API responses.
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

    /// Parses a [`name`](Self::name). `done` requires a file.
    #[must_use]
    pub fn parse(name: &str, file: Option<JobFile>) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Failed, Self::Cancelled]
            .into_iter()
            .chain(file.map(Self::Done))
            .find(|state| state.name() == name)
    }

    /// Returns whether the state may still change.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// A report that is generated in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Id in URLs.
    pub id: Uuid,
    /// What was asked for.
    pub wanted: Wanted,
    /// Everyone who requested it and may see it: `account:ID` or `token:NAME`.
    pub askers: Vec<String>,
    /// State.
    pub state: JobState,
    /// Rows written so far.
    pub rows: u64,
    /// Version of the data, known once the rows are counted.
    pub basis: Option<Basis>,
    /// Number of the current attempt. Updates under an older number are rejected.
    pub attempt: u32,
    /// Attempts that failed or stopped sending heartbeats.
    pub lost: u32,
    /// Time of the request.
    pub made_at: Timestamp,
    /// Time at which it ended.
    pub ended_at: Option<Timestamp>,
}

impl Job {
    /// Creates a queued job.
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

    /// Returns the file of a finished job.
    #[must_use]
    pub fn file(&self) -> Option<JobFile> {
        match self.state {
            JobState::Done(file) => Some(file),
            _ => None,
        }
    }

    /// Returns whether the file can answer the same request again: finished, unchanged data, young enough.
    #[must_use]
    pub fn is_current(&self, basis: Basis, now: Timestamp) -> bool {
        let is_young = |ended: Timestamp| now.duration_since(ended) < REUSED;
        self.file().is_some() && self.basis == Some(basis) && self.ended_at.is_some_and(is_young)
    }

    /// Returns when an ended job and its file are deleted.
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
