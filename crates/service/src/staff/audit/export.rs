//! Exports the audit log as CSV or JSON Lines.

use std::io::{self, Write};

use serde_json::{Value, json};
use strum::Display;

use crate::csv_guard::{Separator, csv_settings, guarded};
use jornada_domain::staff::audit::ChainEntry;
use jornada_store::audit::StoredEntry;

/// File format of an export. Its text is the name in audit entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display)]
#[strum(serialize_all = "lowercase")]
pub enum AuditExportFormat {
    /// CSV with a header line.
    #[strum(serialize = "csv")]
    Csv(Separator),
    /// One JSON object per line.
    #[strum(serialize = "jsonl")]
    JsonLines,
}

/// Names of the CSV columns and of the JSON members.
const COLUMNS: [&str; 11] = [
    "seq",
    "at",
    "who",
    "from",
    "request_id",
    "action",
    "campaign",
    "subjects",
    "detail",
    "before",
    "hash",
];

impl AuditExportFormat {
    /// Writes the header, if the format has one.
    pub fn write_header(self, out: impl Write) -> io::Result<()> {
        match self {
            Self::Csv(separator) => {
                let mut out = csv_settings(separator).from_writer(out);
                out.write_record(COLUMNS)?;
                out.flush()
            }
            Self::JsonLines => Ok(()),
        }
    }

    /// Writes a batch of entries.
    pub fn write_entries(self, entries: &[StoredEntry], mut out: impl Write) -> io::Result<()> {
        match self {
            Self::Csv(separator) => {
                let mut out = csv_settings(separator).from_writer(out);
                for found in entries {
                    out.write_record(csv_record(found))?;
                }
                out.flush()
            }
            Self::JsonLines => {
                for found in entries {
                    writeln!(out, "{}", json_object(found))?;
                }
                Ok(())
            }
        }
    }
}

fn csv_record(found: &StoredEntry) -> [String; 11] {
    let mut object = json_object(found);
    if let StoredEntry::Entry(entry) = found {
        object["subjects"] = entry.record.event.subjects.join(" ").into();
        object["detail"] = format_detail(entry).into();
    }
    COLUMNS.map(|column| match &object[column] {
        Value::Null => String::new(),
        Value::String(text) => guarded(text).into_owned(),
        number => number.to_string(),
    })
}

/// Formats the details of an entry in one line: `format=csv, rows=12`.
pub fn format_detail(entry: &ChainEntry) -> String {
    let detail = &entry.record.event.detail;
    let words = detail.iter().map(|(name, text)| format!("{name}={text}"));
    words.collect::<Vec<_>>().join(", ")
}

fn json_object(found: &StoredEntry) -> Value {
    let StoredEntry::Entry(entry) = found else {
        return json!({ "seq": found.seq() });
    };
    let (record, event) = (&entry.record, &entry.record.event);
    json!({
        "seq": entry.seq,
        "at": record.at.to_string(),
        "who": record.actor,
        "from": record.client_ip,
        "request_id": record.request_id,
        "action": event.action.to_string(),
        "campaign": event.campaign.as_ref().map(ToString::to_string),
        "subjects": event.subjects,
        "detail": event.detail,
        "before": data_encoding::HEXLOWER.encode(&entry.previous_hash),
        "hash": data_encoding::HEXLOWER.encode(&entry.hash),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_domain::staff::audit::{
        AuditAction, AuditEvent, AuditRecord, SystemActor, token_subject,
    };

    fn entries() -> [StoredEntry; 2] {
        let event = AuditEvent::new(AuditAction::Report)
            .with_subject(token_subject("=1+1"))
            .with_detail("format", "csv")
            .with_detail("value", "=HYPERLINK(\"x\")");
        let at = jiff::Timestamp::from_second(1_795_000_000).unwrap();
        let mut record = AuditRecord::from_system(SystemActor::System, event, at);
        record.actor = "=cmd".into();
        let entry = ChainEntry {
            seq: 1,
            record,
            previous_hash: [0; 32],
            hash: [255; 32],
        };
        [
            StoredEntry::Entry(Box::new(entry)),
            StoredEntry::Unreadable(2),
        ]
    }

    fn written(format: AuditExportFormat) -> String {
        let mut out = Vec::new();
        format.write_header(&mut out).unwrap();
        format.write_entries(&entries(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_cell_is_executed_as_a_formula() {
        let text = written(AuditExportFormat::Csv(Separator::Comma));
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("seq,at,who,"));
        assert!(
            lines[1].starts_with(
                "1,2026-11-18T11:06:40Z,'=cmd,,,report,,token:=1+1,\"format=csv, value="
            )
        );
        assert!(lines[1].ends_with(&"f".repeat(64)));
        assert_eq!(
            lines[2], "2,,,,,,,,,,",
            "what cannot be read is not passed over"
        );
    }

    #[test]
    fn each_line_is_one_json_object() {
        let text = written(AuditExportFormat::JsonLines);
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let lines: Vec<_> = lines.collect::<Result<_, _>>().unwrap();
        assert_eq!(lines[0]["detail"]["format"], "csv");
        assert_eq!(lines[0]["from"], Value::Null);
        assert_eq!(lines[1], json!({ "seq": 2 }));
    }
}
