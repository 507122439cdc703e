//! The record of a job.

use crate::error::Result;
use crate::records::{Fields, InsertableRecord, Record, Table};
use jornada_domain::job::{ReportFile, ReportRequest, SourceVersion};
use jornada_domain::{JobState, ReportJob};

/// Serialises a request. Equal requests have equal texts.
pub(super) fn to_json(request: &ReportRequest) -> String {
    serde_json::to_string(request).expect("a request is always JSON")
}

impl Record for ReportJob {
    const TABLE: Table = Table::new("jobs", "id");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let basis: Option<u64> = fields.take("basis_rows")?;
        let basis = basis.zip(fields.take("basis_revision")?);
        let bytes: Option<u64> = fields.take("file_bytes")?;
        let file = bytes.zip(fields.take("file_sha256")?);
        let file = file.map(|(bytes, sha256)| ReportFile { bytes, sha256 });
        Ok(Self {
            id: fields.take("id")?,
            request: fields.parse("wanted", |json| serde_json::from_str(json).ok())?,
            requesters: fields.take("askers")?,
            state: fields.parse("state", |name| JobState::parse(name, file))?,
            rows: fields.take("rows")?,
            source_version: basis.map(|(rows, revision)| SourceVersion { rows, revision }),
            attempt: fields.take("attempt")?,
            failed_attempts: fields.take("lost")?,
            created_at: fields.take("made_at")?,
            ended_at: fields.take("ended_at")?,
        })
    }
}

impl InsertableRecord for ReportJob {
    /// A new job has no result yet.
    fn to_fields(&self) -> Fields {
        Fields::from([
            ("id", self.id.into()),
            ("campaign", self.request.campaign.as_str().into()),
            ("wanted", to_json(&self.request).into()),
            ("askers", self.requesters[..].into()),
            ("state", <&str>::from(self.state).into()),
            ("rows", self.rows.into()),
            ("attempt", self.attempt.into()),
            ("lost", self.failed_attempts.into()),
            ("made_at", self.created_at.into()),
        ])
    }
}
