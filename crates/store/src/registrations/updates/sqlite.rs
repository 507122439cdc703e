//! Corrections and deletions in SQLite, each in one transaction of the write thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::{UpdateOutcome, delta};
use crate::deltas::{self, Delta};
use crate::error::{Result, StoreError};
use crate::registrations::sqlite::{COLUMNS, registration};
use crate::sqlite::convert::{number, photo_ref, time};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::history::{
    AnswerChange, Correction, Deletion, DeletionCause, ErasedPhoto, RegistrationHistory,
};
use jornada_domain::person_name::SearchedName;
use jornada_domain::{Campaign, CampaignId, RegistrationId};

impl SqliteStore {
    pub(crate) async fn history(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<RegistrationHistory>> {
        let campaign = Arc::clone(campaign);
        let read = move |connection: &mut Connection| read_history(connection, &campaign, id);
        self.readers.read(read).await
    }

    pub(crate) async fn correct(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        corrected: &RegistrationHistory,
        correction: &Correction,
        alias: Option<RegistrationId>,
    ) -> Result<UpdateOutcome> {
        let correction = correction.clone();
        let delta = delta(campaign, read, Some(corrected));
        let step = SqliteUpdate::new(&campaign.id, read, delta);
        let value = corrected.registration.tally_value.clone();
        let name = campaign.searched_name(&corrected.registration.answers);
        let correct = move |connection: &Connection| {
            step.correct(connection, &correction, (&value, &name), alias)
        };
        self.writer.write(correct).await
    }

    pub(crate) async fn add_alias(
        &self,
        _: &CampaignId,
        alias: RegistrationId,
        owner: RegistrationId,
    ) -> Result<bool> {
        let add = move |connection: &Connection| {
            let may_take = may_take_alias(connection, alias, owner)?;
            if may_take {
                insert_alias(connection, alias, owner)?;
            }
            Ok(may_take)
        };
        self.writer.write(add).await
    }

    pub(crate) async fn delete(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        deletion: &Deletion,
    ) -> Result<UpdateOutcome> {
        let delta = delta(campaign, read, None);
        let step = SqliteUpdate::new(&campaign.id, read, delta);
        let deletion = deletion.clone();
        let delete = move |connection: &Connection| step.delete(connection, &deletion);
        self.writer.write(delete).await
    }
}

/// Returns whether an id may become an alias: it is free, or is one of this registration already.
fn may_take_alias(
    connection: &Connection,
    alias: RegistrationId,
    owner: RegistrationId,
) -> Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM registrations WHERE id = ?1) \
               AND NOT EXISTS (SELECT 1 FROM tombstones WHERE id = ?1) \
               AND NOT EXISTS (SELECT 1 FROM claims WHERE id = ?1 AND owner <> ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row((alias.as_bytes(), owner.as_bytes()), |row| row.get(0))?)
}

fn insert_alias(
    connection: &Connection,
    alias: RegistrationId,
    owner: RegistrationId,
) -> Result<()> {
    let sql = "INSERT INTO claims (id, owner) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute((alias.as_bytes(), owner.as_bytes()))?;
    Ok(())
}

/// Reads the state of a photo that was erased at `at`.
fn read_erased_photo(
    connection: &Connection,
    id: RegistrationId,
    at: Option<i64>,
) -> Result<Option<ErasedPhoto>> {
    let Some(at) = at else {
        return Ok(None);
    };
    let sql = "SELECT photo_sha256, photo_extension, photo_bytes FROM erased_photos WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let unremoved = statement.query_row([id.as_bytes()], |row| Ok(photo_ref(row, 0)));
    Ok(Some(ErasedPhoto {
        at: time(at)?,
        pending_deletion: unremoved.optional()?.transpose()?,
    }))
}

fn read_history(
    connection: &mut Connection,
    campaign: &Campaign,
    id: RegistrationId,
) -> Result<Option<RegistrationHistory>> {
    // Both statements must see the same version.
    let transaction = connection.transaction()?;
    let sql = format!(
        "SELECT {COLUMNS}, version, consent, photo_erased_at FROM registrations WHERE id = ?1 AND campaign = ?2"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut rows = statement.query((id.as_bytes(), campaign.id.as_str()))?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let version: i64 = row.get("version")?;
    let sql = "SELECT at, by, reason, changes FROM corrections WHERE id = ?1 ORDER BY version";
    let mut corrections = transaction.prepare_cached(sql)?;
    let corrections = corrections.query_map([id.as_bytes()], |row| Ok(read_correction(row)))?;
    Ok(Some(RegistrationHistory {
        registration: registration(campaign, row)?,
        version: version.unsigned_abs(),
        corrections: corrections.map(|row| row?).collect::<Result<_, _>>()?,
        consent: row.get("consent")?,
        erased: read_erased_photo(&transaction, id, row.get("photo_erased_at")?)?,
    }))
}

/// Reads `at, by, reason, changes`.
fn read_correction(row: &Row<'_>) -> Result<Correction> {
    let changes = serde_json::from_str(row.get_ref(3)?.as_str().unwrap_or_default());
    let changes: Vec<_> = changes.map_err(|_| StoreError::malformed("correction"))?;
    let one = |(field, before, after)| AnswerChange {
        field,
        before,
        after,
    };
    Ok(Correction {
        at: time(row.get(0)?)?,
        by: row.get(1)?,
        reason: row.get(2)?,
        changes: changes.into_iter().map(one).collect(),
    })
}

/// One update of the version that was read.
struct SqliteUpdate {
    id: [u8; 16],
    campaign: String,
    version: i64,
    delta: Delta,
}

impl SqliteUpdate {
    fn new(campaign: &CampaignId, read: &RegistrationHistory, delta: Delta) -> Self {
        Self {
            id: *read.registration.id.as_bytes(),
            campaign: campaign.as_str().to_owned(),
            version: number(read.version),
            delta,
        }
    }

    fn registration(&self) -> RegistrationId {
        RegistrationId::from_bytes(self.id)
    }

    fn correct(
        &self,
        connection: &Connection,
        correction: &Correction,
        (value, name): (&str, &SearchedName),
        alias: Option<RegistrationId>,
    ) -> Result<UpdateOutcome> {
        if let Some(alias) = alias
            && !may_take_alias(connection, alias, self.registration())?
        {
            return Ok(UpdateOutcome::AliasTaken);
        }
        // A merge patch (RFC 7396): answers to fields that the campaign no longer has remain.
        let sql = "UPDATE registrations \
                   SET value = ?4, answers = json_patch(answers, ?5), name = ?6, words = ?7, \
                   version = version + 1 \
                   WHERE id = ?1 AND campaign = ?2 AND version = ?3";
        let patch = to_json(&merge_patch(correction))?;
        let mut statement = connection.prepare_cached(sql)?;
        let words = name.words.join(" ");
        let (id, campaign, version) = (self.id, &self.campaign, self.version);
        let known = (id, campaign, version, value, patch, &name.folded, words);
        if statement.execute(known)? == 0 {
            return Ok(UpdateOutcome::Stale);
        }
        self.insert_correction(connection, correction)?;
        if let Some(alias) = alias {
            insert_alias(connection, alias, self.registration())?;
        }
        deltas::sqlite::append(connection, &self.delta)?;
        self.increment_revision(connection)
    }

    /// Stores the correction with the previous answers.
    fn insert_correction(&self, connection: &Connection, correction: &Correction) -> Result<()> {
        let changes = correction.changes.iter();
        let changes: Vec<_> = changes
            .map(|change| (&change.field, &change.before, &change.after))
            .collect();
        let sql = "INSERT INTO corrections (id, version, at, by, reason, changes) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        connection.prepare_cached(sql)?.execute((
            self.id,
            self.version + 1,
            correction.at.as_millisecond(),
            &correction.by,
            &correction.reason,
            to_json(&changes)?,
        ))?;
        Ok(())
    }

    fn delete(&self, connection: &Connection, deletion: &Deletion) -> Result<UpdateOutcome> {
        let is_false = deletion.cause == DeletionCause::FalseEntry;
        // The tombstone first: it copies columns of the row that it replaces.
        let sql = "INSERT INTO tombstones \
                   (id, campaign, value, at, by, reason, cause, digest, photo_sha256, photo_extension, photo_bytes) \
                   SELECT id, campaign, value, ?4, ?5, ?6, ?7, iif(?8, digest, NULL), \
                   photo_sha256, photo_extension, photo_bytes \
                   FROM registrations WHERE id = ?1 AND campaign = ?2 AND version = ?3";
        let buried = connection.prepare_cached(sql)?.execute((
            self.id,
            &self.campaign,
            self.version,
            deletion.at.as_millisecond(),
            &deletion.by,
            &deletion.reason,
            <&str>::from(deletion.cause),
            is_false,
        ))?;
        if buried == 0 {
            return Ok(UpdateOutcome::Stale);
        }
        for table in ["registrations", "corrections"] {
            let sql = format!("DELETE FROM {table} WHERE id = ?1");
            connection.prepare_cached(&sql)?.execute([self.id])?;
        }
        if deletion.cause.frees_number() {
            let sql = "DELETE FROM claims WHERE owner = ?1";
            connection.prepare_cached(sql)?.execute([self.id])?;
        }
        deltas::sqlite::append(connection, &self.delta)?;
        self.increment_revision(connection)
    }

    fn increment_revision(&self, connection: &Connection) -> Result<UpdateOutcome> {
        let sql = "INSERT INTO revisions (campaign, revision) VALUES (?1, 1) \
                   ON CONFLICT (campaign) DO UPDATE SET revision = revision + 1";
        connection.prepare_cached(sql)?.execute([&self.campaign])?;
        Ok(UpdateOutcome::Updated)
    }
}

/// Builds the merge patch: changed answers, and null for deleted ones.
fn merge_patch(correction: &Correction) -> BTreeMap<&str, Option<&str>> {
    let changes = correction.changes.iter();
    changes
        .map(|changed| (changed.field.as_str(), changed.after.as_deref()))
        .collect()
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| StoreError::malformed("correction"))
}
