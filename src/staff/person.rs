//! All that is kept of one person, as a file for them: answers under the words of the questions, what was agreed to, how
//! it was corrected, and the photo.

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

/// The name of the answers within the file.
pub const ANSWERS: &str = "registration.json";

/// What becomes of the photo.
#[derive(Debug)]
pub enum Picture {
    /// There is none, or none any more by what was said.
    None,
    /// It goes into the file.
    Whole(Bytes),
    /// It is not where it should be.
    Missing,
    /// What is there is not what was kept.
    Altered,
}

/// All that is kept of one person.
#[derive(Debug)]
pub struct Dossier<'a> {
    /// Of which campaign.
    pub campaign: &'a Campaign,
    /// The registration with what became of it.
    pub record: &'a Record,
    /// The answers by the names of their questions, also those that are no longer asked.
    pub answers: BTreeMap<String, String>,
    /// The words that were agreed to.
    pub consent: Option<Localized>,
    /// The photo.
    pub picture: Picture,
}

impl Picture {
    /// The word in the file.
    fn state(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Whole(_) => "whole",
            Self::Missing => "missing",
            Self::Altered => "altered",
        }
    }
}

/// Writes the zip, for its owner alone; a file that is there is not written over.
///
/// # Errors
/// When it cannot be written; what there is of it may be incomplete.
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
    /// Everything but the photo itself.
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

    /// Under the words of the questions, in their order.
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

/// Without who did it: that is a name of the staff's, and the person asks for their own data.
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
