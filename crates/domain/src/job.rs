//! A report that is generated in the background: request, progress and finished file.
//! The state `Done` always has a file.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

use super::{CampaignId, Lang, RegistrationSelection};

/// Time after its end at which a job and its file are deleted.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Maximum age of a file that is offered again. It is shorter than [`RETENTION`], so an hour is left to download it.
pub const MAX_REUSE_AGE: SignedDuration = SignedDuration::from_hours(23);

/// File format of a report. Its text is the file name extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ReportFormat {
    /// Excel workbook (ECMA-376).
    Xlsx,
    /// Comma-separated values (RFC 4180), UTF-8.
    Csv,
}

/// Request for a report. Equal requests give equal files as long as the data do not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRequest {
    /// Campaign of the registrations.
    pub campaign: CampaignId,
    /// Selected registrations.
    pub selection: RegistrationSelection,
    /// File format.
    pub format: ReportFormat,
    /// Language of the labels.
    pub lang: Lang,
    /// Scheme and host of the links, without a trailing slash.
    #[serde(rename = "base")]
    pub base_url: String,
}

/// Version of the data of a report. A finished file is valid as long as it does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceVersion {
    /// Number of selected registrations, counted before they are read.
    pub rows: u64,
    /// Number of corrections and deletions in the campaign.
    pub revision: u64,
}

/// A finished file in the object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
}

/// State of a job. Its text is the name in the store and in API responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum JobState {
    /// Queued.
    #[strum(serialize = "waiting")]
    Queued,
    /// Claimed by an instance.
    Running,
    /// Finished, with the file.
    Done(ReportFile),
    /// Failed for good.
    Failed,
    /// Cancelled by a user.
    Cancelled,
}

impl JobState {
    /// Parses a name. `done` requires a file.
    pub fn parse(name: &str, file: Option<ReportFile>) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Failed, Self::Cancelled]
            .into_iter()
            .chain(file.map(Self::Done))
            .find(|state| <&str>::from(state) == name)
    }

    /// Returns whether the state may still change.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// A report that is generated in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportJob {
    /// Id in URLs.
    pub id: Uuid,
    /// Requested report.
    pub request: ReportRequest,
    /// Everyone who requested it and may see it: `account:ID` or `token:NAME`.
    pub requesters: Vec<String>,
    /// State.
    pub state: JobState,
    /// Rows written so far.
    pub rows: u64,
    /// Version of the data, known once the rows are counted.
    pub source_version: Option<SourceVersion>,
    /// Number of the current attempt. Updates under an older number are rejected.
    pub attempt: u32,
    /// Attempts that failed or stopped sending heartbeats.
    pub failed_attempts: u32,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Time at which it ended.
    pub ended_at: Option<Timestamp>,
}

impl ReportJob {
    /// Creates a queued job.
    pub fn new(id: Uuid, request: ReportRequest, requester: String, now: Timestamp) -> Self {
        Self {
            id,
            request,
            requesters: vec![requester],
            state: JobState::Queued,
            rows: 0,
            source_version: None,
            attempt: 0,
            failed_attempts: 0,
            created_at: now,
            ended_at: None,
        }
    }

    /// Returns the file of a finished job.
    pub fn file(&self) -> Option<ReportFile> {
        match self.state {
            JobState::Done(file) => Some(file),
            _ => None,
        }
    }

    /// Returns whether the file can answer the same request again: finished, unchanged data, young enough.
    pub fn is_current(&self, source_version: SourceVersion, now: Timestamp) -> bool {
        let is_young = |ended: Timestamp| now.duration_since(ended) < MAX_REUSE_AGE;
        self.file().is_some()
            && self.source_version == Some(source_version)
            && self.ended_at.is_some_and(is_young)
    }

    /// Returns when an ended job and its file are deleted.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.ended_at.map(|ended| ended + RETENTION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(basis: SourceVersion, ended: Timestamp) -> ReportJob {
        let wanted = ReportRequest {
            campaign: CampaignId::parse("vacunacion").unwrap(),
            selection: RegistrationSelection::for_value("Cali"),
            format: ReportFormat::Csv,
            lang: Lang::Es,
            base_url: "http://localhost".into(),
        };
        let mut job = ReportJob::new(Uuid::nil(), wanted, "token:prueba".into(), ended);
        job.source_version = Some(basis);
        job.ended_at = Some(ended);
        job.state = JobState::Done(ReportFile {
            bytes: 1,
            sha256: [1; 32],
        });
        job
    }

    #[test]
    fn a_file_is_current_until_something_changes_or_it_is_old() {
        let basis = SourceVersion {
            rows: 5,
            revision: 2,
        };
        let ended = Timestamp::from_second(1_795_000_000).unwrap();
        let job = done(basis, ended);
        assert!(job.is_current(basis, ended));
        assert!(!job.is_current(SourceVersion { rows: 6, ..basis }, ended));
        let corrected = SourceVersion {
            revision: 3,
            ..basis
        };
        assert!(!job.is_current(corrected, ended));
        assert!(!job.is_current(basis, ended + MAX_REUSE_AGE));
        let mut failed = job;
        failed.state = JobState::Failed;
        assert!(!failed.is_current(basis, ended));
    }

    #[test]
    fn done_is_read_with_a_file_alone() {
        let file = ReportFile {
            bytes: 1,
            sha256: [1; 32],
        };
        let states = [
            JobState::Queued,
            JobState::Running,
            JobState::Done(file),
            JobState::Failed,
            JobState::Cancelled,
        ];
        for state in states {
            assert_eq!(JobState::parse(state.into(), Some(file)), Some(state));
        }
        assert_eq!(JobState::parse("done", None), None);
        assert_eq!(JobState::parse("ready", Some(file)), None);
    }
}
