//! Exports all data stored about one person as a ZIP file: answers with the labels of their fields, the consent text,
//! corrections and the photo.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::domain::record::{Correction, Record};
use crate::domain::{Campaign, Field, Localized};

/// Name of the file with the answers inside the ZIP file.
pub const ANSWERS: &str = "registration.json";

/// The photo of an export.
#[derive(Debug)]
pub enum Picture {
    /// The registration has no photo, or it was erased at the end of its retention.
    None,
    /// The photo as it was uploaded.
    Whole(Bytes),
    /// Not found in the object store.
    Missing,
    /// The stored object was altered.
    Altered,
}

/// All data stored about one person.
#[derive(Debug)]
pub struct Dossier<'a> {
    /// Campaign of the registration.
    pub campaign: &'a Campaign,
    /// The registration with its history.
    pub record: &'a Record,
    /// Answers by field name, including fields that the campaign no longer has.
    pub answers: BTreeMap<String, String>,
    /// The consent text that the person accepted.
    pub consent: Option<Localized>,
    /// The photo or its absence.
    pub picture: Picture,
}

impl Picture {
    /// Returns the value of `photo.state` in the export.
    fn state(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Whole(_) => "whole",
            Self::Missing => "missing",
            Self::Altered => "altered",
        }
    }
}

/// Writes the ZIP file with mode 0600. Never overwrites a file.
///
/// # Errors
/// When the file exists or cannot be written. An incomplete file may remain.
pub fn write(path: &Path, dossier: &Dossier<'_>) -> io::Result<()> {
    let mut create = OpenOptions::new();
    let file = create.write(true).create_new(true).mode(0o600).open(path)?;
    let mut zip = ZipWriter::new(file);
    let options = SimpleFileOptions::default();
    zip.start_file(ANSWERS, options)?;
    let told = serde_json::to_vec_pretty(&dossier.described())?;
    zip.write_all(&told)?;
    if let (Picture::Whole(bytes), Some(known)) = (&dossier.picture, dossier.record.photo()) {
        zip.start_file(format!("photo.{}", known.format.extension()), options)?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.sync_all()
}

impl Dossier<'_> {
    /// Returns the content of [`ANSWERS`].
    fn described(&self) -> Value {
        let (campaign, record) = (self.campaign, self.record);
        let registration = &record.registration;
        let photo = record.photo();
        json!({
            "campaign": { "id": campaign.id.as_str(), "title": words(&campaign.title) },
            "receipt": registration.id.receipt().to_string(),
            "received_at": registration.received_at.to_string(),
            "kept_until": {
                "answers": campaign.answers_end().map(|end| end.to_string()),
                "photo": photo.and(campaign.photos_end()).map(|end| end.to_string()),
            },
            "answers": self.answered(),
            "no_longer_asked": self.no_longer_asked(),
            "consent": { "version": record.consent, "words": self.consent.as_ref().map(words) },
            "corrections": record.corrections.iter().map(corrected).collect::<Vec<_>>(),
            "photo": photo.map(|photo| json!({ "bytes": photo.bytes, "state": self.picture.state() })),
            "photo_erased_at": record.erased.as_ref().map(|photo| photo.at.to_string()),
        })
    }

    /// Returns the answers to the current fields, in their order.
    fn answered(&self) -> Vec<Value> {
        let fields = self
            .campaign
            .fields
            .iter()
            .filter(|field| !field.is_photo());
        let answer = |field: &Field| {
            json!({
                "field": field.name,
                "label": words(&field.label),
                "answer": self.answers.get(&field.name),
            })
        };
        fields.map(answer).collect()
    }

    fn no_longer_asked(&self) -> Vec<Value> {
        let left = self.answers.iter();
        let left = left.filter(|(name, _)| self.campaign.field(name).is_none());
        left.map(|(name, text)| json!({ "field": name, "answer": text }))
            .collect()
    }
}

fn words(words: &Localized) -> Value {
    json!({ "es": words.es, "en": words.en })
}

/// Leaves out who made the correction: the export holds data about the person, not about the staff.
fn corrected(correction: &Correction) -> Value {
    let changes = correction.changes.iter();
    let changes: Vec<_> = changes
        .map(|changed| json!({ "field": changed.field, "was": changed.was, "is": changed.is }))
        .collect();
    json!({
        "at": correction.at.to_string(),
        "reason": correction.reason,
        "changes": changes,
    })
}
