//! All that is kept of one person, as a file for them: answers under the words of the questions, what was agreed to, how
//! it was corrected, and the photo.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::domain::record::{Correction, Record};
use crate::domain::{Campaign, Localized};

/// The name of the answers within the file.
pub const ANSWERS: &str = "registration.json";

/// Writes the zip, for its owner alone; a file that is there is not written over.
///
/// # Errors
/// When it cannot be written; what there is of it may be incomplete.
pub fn write(
    path: &Path,
    campaign: &Campaign,
    record: &Record,
    consent: Option<&Localized>,
    photo: Option<&[u8]>,
) -> io::Result<()> {
    let mut create = OpenOptions::new();
    let file = create.write(true).create_new(true).mode(0o600).open(path)?;
    let mut zip = ZipWriter::new(file);
    let options = SimpleFileOptions::default();
    zip.start_file(ANSWERS, options)?;
    let told = serde_json::to_vec_pretty(&described(campaign, record, consent))?;
    zip.write_all(&told)?;
    if let (Some(bytes), Some(known)) = (photo, record.photo()) {
        zip.start_file(format!("photo.{}", known.extension), options)?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.sync_all()
}

/// Everything but the photo itself.
fn described(campaign: &Campaign, record: &Record, consent: Option<&Localized>) -> Value {
    let registration = &record.registration;
    let answers = campaign.fields.iter().enumerate();
    let answers = answers.filter(|(_, field)| !field.is_photo());
    let answers: Vec<_> = answers
        .map(|(place, field)| {
            json!({
                "field": field.name,
                "label": words(&field.label),
                "answer": registration.answers.get(place),
            })
        })
        .collect();
    json!({
        "campaign": { "id": campaign.id.as_str(), "title": words(&campaign.title) },
        "receipt": registration.id.receipt().to_string(),
        "received_at": registration.received_at.to_string(),
        "kept_until": {
            "answers": campaign.answers_end().map(|end| end.to_string()),
            "photo": campaign.photos_end().map(|end| end.to_string()),
        },
        "answers": answers,
        "consent": { "version": record.consent, "words": consent.map(words) },
        "corrections": record.corrections.iter().map(corrected).collect::<Vec<_>>(),
        "photo": record.photo().map(|photo| json!({ "bytes": photo.bytes })),
        "photo_erased_at": record.erased.as_ref().map(|photo| photo.at.to_string()),
    })
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
