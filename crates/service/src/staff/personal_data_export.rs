//! Exports all data stored about one person as a ZIP file: answers with the labels of their fields, the consent text,
//! corrections and the photo.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};
use strum::Display;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use jornada_domain::history::{Correction, RegistrationHistory};
use jornada_domain::{Campaign, Field, LocalizedText};

/// Name of the file with the answers inside the ZIP file.
pub const ANSWERS_FILE: &str = "registration.json";

/// The photo of an export. Its text is the value of `photo.state`.
#[derive(Debug, Display)]
#[strum(serialize_all = "lowercase")]
pub enum ExportedPhoto {
    /// The registration has no photo, or it was erased at the end of its retention.
    None,
    /// The photo as it was uploaded.
    #[strum(serialize = "whole")]
    Intact(Bytes),
    /// Not found in the object store.
    Missing,
    /// The stored object was altered.
    Altered,
}

/// All data stored about one person.
#[derive(Debug)]
pub struct PersonalDataExport<'a> {
    /// Campaign of the registration.
    pub campaign: &'a Campaign,
    /// The registration with its history.
    pub history: &'a RegistrationHistory,
    /// Answers by field name, including fields that the campaign no longer has.
    pub answers: BTreeMap<String, String>,
    /// The consent text that the person accepted.
    pub consent: Option<LocalizedText>,
    /// The photo or its absence.
    pub photo: ExportedPhoto,
    /// Whether staff have not decided yet if it becomes a registration.
    pub is_disputed: bool,
}

/// Writes the ZIP file with mode 0600. Never overwrites a file. After a failure, an incomplete file may remain.
pub fn write_zip(path: &Path, export: &PersonalDataExport<'_>) -> io::Result<()> {
    let mut create = OpenOptions::new();
    let file = create.write(true).create_new(true).mode(0o600).open(path)?;
    let mut zip = ZipWriter::new(file);
    let options = SimpleFileOptions::default();
    zip.start_file(ANSWERS_FILE, options)?;
    let json = serde_json::to_vec_pretty(&export.to_json())?;
    zip.write_all(&json)?;
    if let (ExportedPhoto::Intact(bytes), Some(known)) = (&export.photo, export.history.photo()) {
        zip.start_file(format!("photo.{}", known.format.extension()), options)?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.sync_all()
}

impl PersonalDataExport<'_> {
    /// Returns the content of [`ANSWERS_FILE`].
    fn to_json(&self) -> Value {
        let (campaign, record) = (self.campaign, self.history);
        let registration = &record.registration;
        let photo = record.photo();
        json!({
            "campaign": { "id": campaign.id.as_str(), "title": campaign.title },
            "receipt": registration.id.receipt().to_string(),
            "received_at": registration.received_at.to_string(),
            "in_review": self.is_disputed,
            "kept_until": {
                "answers": campaign.answers_expire_at().map(|end| end.to_string()),
                "photo": photo.and(campaign.photos_expire_at()).map(|end| end.to_string()),
            },
            "answers": self.answers_json(),
            "no_longer_asked": self.retired_answers_json(),
            "consent": { "version": record.consent, "words": self.consent },
            "corrections": record.corrections.iter().map(correction_json).collect::<Vec<_>>(),
            "photo": photo.map(|photo| json!({ "bytes": photo.bytes, "state": self.photo.to_string() })),
            "photo_erased_at": record.erased.as_ref().map(|photo| photo.at.to_string()),
        })
    }

    /// Returns the answers to the current fields, in their order.
    fn answers_json(&self) -> Vec<Value> {
        let fields = self
            .campaign
            .fields
            .iter()
            .filter(|field| !field.is_photo());
        let answer = |field: &Field| {
            json!({
                "field": field.name,
                "label": field.label,
                "answer": self.answers.get(&field.name),
            })
        };
        fields.map(answer).collect()
    }

    fn retired_answers_json(&self) -> Vec<Value> {
        let left = self.answers.iter();
        let left = left.filter(|(name, _)| self.campaign.field(name).is_none());
        left.map(|(name, text)| json!({ "field": name, "answer": text }))
            .collect()
    }
}

/// Leaves out who made the correction: the export holds data about the person, not about the staff.
fn correction_json(correction: &Correction) -> Value {
    let changes = correction.changes.iter();
    let changes: Vec<_> = changes
        .map(
            |changed| json!({ "field": changed.field, "was": changed.before, "is": changed.after }),
        )
        .collect();
    json!({
        "at": correction.at.to_string(),
        "reason": correction.reason,
        "changes": changes,
    })
}
