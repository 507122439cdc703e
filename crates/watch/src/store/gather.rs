//! Grouping of incidents that happen within a short time into one mail.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::mail_kind::MailKind;

/// Adds an incident to the mail that is still collecting, or creates one.
pub(super) fn queue_incident(
    tx: &Transaction,
    kind: MailKind,
    incident: i64,
    group: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let gathering: Option<i64> = tx
        .query_row(
            "SELECT id FROM mails WHERE kind = ?1 AND settled_at IS NULL AND message IS NULL
                 AND attempts = 0 AND gathers_until > ?2 ORDER BY id DESC LIMIT 1",
            params![kind.as_ref(), now.as_millisecond()],
            |row| row.get(0),
        )
        .optional()?;
    let mail = match gathering {
        Some(mail) => mail,
        None => insert_mail(tx, kind, now + group)?,
    };
    add_to_mail(tx, mail, incident)
}

pub(super) fn insert_mail(
    tx: &Transaction,
    kind: MailKind,
    gathers_until: Timestamp,
) -> rusqlite::Result<i64> {
    tx.execute(
        "INSERT INTO mails (kind, gathers_until) VALUES (?1, ?2)",
        params![kind.as_ref(), gathers_until.as_millisecond()],
    )?;
    Ok(tx.last_insert_rowid())
}

pub(super) fn add_to_mail(tx: &Transaction, mail: i64, incident: i64) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO mail_incidents (mail, incident) VALUES (?1, ?2)",
        params![mail, incident],
    )?;
    Ok(())
}
