//! Recipients of the mails: who has accepted which mail, and whom the mail server refuses.

use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::read_timestamp;
use crate::transport::{DeliveryError, SmtpStep};

/// Minimum time between two notices about one recipient, in milliseconds.
const NOTICE_INTERVAL_MS: i64 = 24 * 3_600_000;
/// Time after which a recipient is given up whose mailbox delays a mail that another recipient has, in milliseconds.
const DELAY_LIMIT_MS: i64 = 5 * 24 * 3_600_000;

/// State of a mail for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRecipient {
    pub address: String,
    pub accepted: bool,
    /// Refused permanently. Final as soon as another recipient has accepted the mail; until then the fault may be in
    /// the settings or in the server, and the mail is retried.
    pub refused: bool,
}

/// A recipient whom the mail server refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecipient {
    pub address: String,
    /// First refusal since the last accepted mail.
    pub since: Timestamp,
    /// Step of the delivery, as in [`SmtpStep`].
    pub step: String,
    /// Reply code; `None` if the mail was delayed until it was given up.
    pub code: Option<u16>,
}

/// Returns the recipients of a mail in the order of the settings. Empty before its first attempt.
pub fn list_for_mail(tx: &Transaction, mail: i64) -> rusqlite::Result<Vec<MailRecipient>> {
    let mut statement = tx.prepare_cached(
        "SELECT address, accepted_at, refused_at FROM mail_recipients WHERE mail = ?1 ORDER BY place",
    )?;
    let read = |row: &Row| {
        Ok(MailRecipient {
            address: row.get("address")?,
            accepted: row.get::<_, Option<i64>>("accepted_at")?.is_some(),
            refused: row.get::<_, Option<i64>>("refused_at")?.is_some(),
        })
    };
    statement.query_map([mail], read)?.collect()
}

/// Adds the recipients of a mail that has none.
pub fn insert_for_mail(
    tx: &Transaction,
    mail: i64,
    addresses: &[String],
) -> rusqlite::Result<Vec<MailRecipient>> {
    let known = list_for_mail(tx, mail)?;
    if !known.is_empty() {
        return Ok(known);
    }
    let mut statement = tx.prepare_cached(
        "INSERT OR IGNORE INTO mail_recipients (mail, address, place) VALUES (?1, ?2, ?3)",
    )?;
    for (place, address) in (0_i64..).zip(addresses) {
        statement.execute(params![mail, address, place])?;
    }
    list_for_mail(tx, mail)
}

/// Forgets recipients that are no longer in the settings. Returns the mails that may have waited for them alone.
pub fn keep_only(tx: &Transaction, addresses: &[String]) -> rusqlite::Result<Vec<i64>> {
    let known = serde_json::to_string(addresses).unwrap_or_default();
    tx.execute(
        "DELETE FROM mail_recipients WHERE accepted_at IS NULL
             AND address NOT IN (SELECT value FROM json_each(?1))",
        [&known],
    )?;
    tx.execute(
        "DELETE FROM recipients WHERE address NOT IN (SELECT value FROM json_each(?1))",
        [&known],
    )?;
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT mail FROM mail_recipients JOIN mails ON id = mail WHERE settled_at IS NULL",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Returns the recipients for whom an earlier mail of this kind about an incident of this mail still waits.
pub fn list_waiting_for_earlier(
    tx: &Transaction,
    mail: i64,
    kind: &str,
) -> rusqlite::Result<Vec<String>> {
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT r.address FROM mail_recipients r
             JOIN mails m ON m.id = r.mail
             JOIN mail_incidents i ON i.mail = m.id
         WHERE m.kind = ?2 AND m.settled_at IS NULL AND m.id <> ?1
             AND r.accepted_at IS NULL AND r.refused_at IS NULL
             AND i.incident IN (SELECT incident FROM mail_incidents WHERE mail = ?1)",
    )?;
    statement
        .query_map(params![mail, kind], |row| row.get(0))?
        .collect()
}

/// Records that the server accepted a mail for a recipient.
pub fn record_accepted(
    tx: &Transaction,
    mail: i64,
    address: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE mail_recipients SET accepted_at = ?3, refused_at = NULL
         WHERE mail = ?1 AND address = ?2",
        params![mail, address, now.as_millisecond()],
    )?;
    tx.execute(
        "UPDATE recipients SET refused_at = NULL WHERE address = ?1",
        [address],
    )?;
    Ok(())
}

/// Records that the server refused a mail for a recipient permanently.
pub fn record_refused(
    tx: &Transaction,
    mail: i64,
    address: &str,
    error: &DeliveryError,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let step = error.step.unwrap_or(SmtpStep::Hello);
    tx.execute(
        "UPDATE mail_recipients SET refused_at = ?3 WHERE mail = ?1 AND address = ?2",
        params![mail, address, now.as_millisecond()],
    )?;
    note_refused(tx, address, step.as_ref(), error.code, now)
}

fn note_refused(
    tx: &Transaction,
    address: &str,
    step: &str,
    code: Option<u16>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO recipients (address, refused_at, step, code) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (address) DO UPDATE SET
             refused_at = coalesce(refused_at, excluded.refused_at),
             step = excluded.step, code = excluded.code",
        params![address, now.as_millisecond(), step, code],
    )?;
    Ok(())
}

/// Gives up the recipients who have delayed a mail for five days that another one has. Returns these mails.
pub fn give_up(tx: &Transaction, now: Timestamp) -> rusqlite::Result<Vec<i64>> {
    let before = now.as_millisecond() - DELAY_LIMIT_MS;
    let mut statement = tx.prepare_cached(
        "SELECT r.mail, r.address FROM mail_recipients r JOIN mails m ON m.id = r.mail
         WHERE m.settled_at IS NULL AND m.gathers_until < ?1
             AND r.accepted_at IS NULL AND r.refused_at IS NULL
             AND EXISTS (SELECT 1 FROM mail_recipients o WHERE o.mail = r.mail AND o.accepted_at IS NOT NULL)",
    )?;
    let read = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    let late: Vec<(i64, String)> = statement
        .query_map([before], read)?
        .collect::<Result<_, _>>()?;
    for (mail, address) in &late {
        tx.execute(
            "UPDATE mail_recipients SET refused_at = ?3 WHERE mail = ?1 AND address = ?2",
            params![mail, address, now.as_millisecond()],
        )?;
        note_refused(tx, address, SmtpStep::Recipient.as_ref(), None, now)?;
    }
    Ok(late.into_iter().map(|(mail, _)| mail).collect())
}

/// Returns the refused recipients of a mail that another recipient has, and about whom no notice was queued within a
/// day. Marks them as told.
pub(super) fn take_untold(
    tx: &Transaction,
    mail: i64,
    now: Timestamp,
) -> rusqlite::Result<Vec<RefusedRecipient>> {
    let told_before = now.as_millisecond() - NOTICE_INTERVAL_MS;
    let untold = select(
        tx,
        "WHERE refused_at IS NOT NULL AND coalesce(told_at, 0) < ?1 AND address IN
             (SELECT address FROM mail_recipients WHERE mail = ?2 AND refused_at IS NOT NULL)",
        params![told_before, mail],
    )?;
    for one in &untold {
        tx.execute(
            "UPDATE recipients SET told_at = ?2 WHERE address = ?1",
            params![one.address, now.as_millisecond()],
        )?;
    }
    Ok(untold)
}

/// Returns the recipients whom the mail server refuses.
pub fn list_refused(tx: &Transaction) -> rusqlite::Result<Vec<RefusedRecipient>> {
    select(tx, "WHERE refused_at IS NOT NULL", [])
}

fn select(
    tx: &Transaction,
    rest: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<RefusedRecipient>> {
    let mut statement = tx.prepare(&format!("SELECT * FROM recipients {rest} ORDER BY address"))?;
    let read = |row: &Row| {
        Ok(RefusedRecipient {
            address: row.get("address")?,
            since: read_timestamp(row, "refused_at")?,
            step: row.get("step")?,
            code: row.get("code")?,
        })
    };
    statement.query_map(values, read)?.collect()
}
