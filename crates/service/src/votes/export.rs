//! Exports votes as CSV or NDJSON, for the command line and the API.

use std::io::{self, Write};

use serde_json::{Map, Value};
use strum::Display;

use crate::csv_guard::{Separator, csv_settings, guarded};
use jornada_domain::{Campaign, Vote};

/// File format of an export. Its text is the extension of the file, and the name in audit entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display)]
#[strum(serialize_all = "lowercase")]
pub enum VoteExportFormat {
    /// CSV with a header line. Cells that a spreadsheet would run are guarded.
    #[strum(serialize = "csv")]
    Csv(Separator),
    /// One JSON object per line.
    Ndjson,
}

impl VoteExportFormat {
    /// Writes the header, if the format has one.
    pub fn write_header(self, campaign: &Campaign, out: impl Write) -> io::Result<()> {
        let Self::Csv(separator) = self else {
            return Ok(());
        };
        let names = campaign.fields.iter().map(|field| &*field.name);
        let mut out = csv_settings(separator).from_writer(out);
        out.write_record(["id", "received_at", "door"].into_iter().chain(names))?;
        out.flush()
    }

    /// Writes votes of the campaign.
    pub fn write_votes<'a>(
        self,
        campaign: &Campaign,
        votes: impl IntoIterator<Item = &'a Vote>,
        mut out: impl Write,
    ) -> io::Result<()> {
        match self {
            Self::Csv(separator) => {
                let mut out = csv_settings(separator).from_writer(out);
                for vote in votes {
                    out.write_record(columns(campaign, vote))?;
                }
                out.flush()
            }
            Self::Ndjson => {
                for vote in votes {
                    serde_json::to_writer(&mut out, &json_object(campaign, vote))?;
                    writeln!(out)?;
                }
                Ok(())
            }
        }
    }
}

fn columns(campaign: &Campaign, vote: &Vote) -> impl Iterator<Item = String> {
    let door: &str = vote.door.into();
    let fixed = [
        vote.id.to_string(),
        vote.received_at.to_string(),
        door.to_owned(),
    ];
    let answers = (0..campaign.fields.len()).map(|field| {
        let text = vote.answers.get(field).unwrap_or_default();
        guarded(text).into_owned()
    });
    fixed.into_iter().chain(answers)
}

fn json_object(campaign: &Campaign, vote: &Vote) -> Map<String, Value> {
    let door: &str = vote.door.into();
    let answers = vote.answers.named(campaign);
    let answers = answers.map(|(name, text)| (name.to_owned(), text.into()));
    Map::from_iter([
        ("id".to_owned(), vote.id.to_string().into()),
        (
            "received_at".to_owned(),
            vote.received_at.to_string().into(),
        ),
        ("door".to_owned(), door.into()),
        ("answers".to_owned(), Value::Object(answers.collect())),
    ])
}
