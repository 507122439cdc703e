//! Reads registrations from rows.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;

use crate::error::{Result, StoreError};
use crate::registrations::Receipt;
use crate::sqlite::convert;
use crate::sqlite::convert::{photo_ref, time};
use jornada_domain::{Answers, Campaign, Registration};

/// Columns of a registration, in the order in which [`registration`] reads them.
pub(crate) const COLUMNS: &str =
    "id, value, answers, digest, received_at, photo_sha256, photo_extension, photo_bytes";

/// Reads [`COLUMNS`].
pub(crate) fn registration(campaign: &Campaign, row: &rusqlite::Row<'_>) -> Result<Registration> {
    let photo = match row.get_ref(5)? {
        ValueRef::Null => None,
        _ => Some(photo_ref(row, 5)?),
    };
    Ok(Registration {
        id: convert::registration_id(row, 0)?,
        campaign: campaign.id.clone(),
        tally_value: row.get(1)?,
        answers: answers_from_json(campaign, row.get_ref(2)?.as_str().unwrap_or_default())?,
        digest: row.get(3)?,
        received_at: time(row.get(4)?)?,
        photo,
    })
}

/// Reads the answers of a row.
pub(crate) fn answers_from_json(campaign: &Campaign, json: &str) -> Result<Answers> {
    // Field names need no escape in JSON and can be borrowed.
    let answers = serde_json::from_str(json);
    let mut answers: BTreeMap<&str, String> =
        answers.map_err(|_| StoreError::malformed("answers"))?;
    let fields = campaign.fields.iter();
    let answers = fields.map(|field| answers.remove(field.name.as_str()));
    Ok(Answers::from_stored(answers.collect()))
}

/// Reads `id, campaign, value, received_at`.
pub(crate) fn receipt(row: &rusqlite::Row<'_>) -> Result<Receipt> {
    Ok(Receipt {
        id: convert::registration_id(row, 0)?,
        campaign: convert::campaign(row, 1)?,
        tally_value: row.get(2)?,
        received_at: time(row.get(3)?)?,
    })
}
