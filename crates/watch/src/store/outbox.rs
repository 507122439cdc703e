//! Mails that are not yet accepted by the SMTP server. A mail collects what happens within a short time, is written
//! once, and every attempt sends the same bytes under the same Message-ID.

use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::gather::{add_to_mail, insert_mail};
use super::incidents::{Incident, list_for_mail};
use super::mail_kind::MailKind;

/// Maximum number of mails per pass.
const MAX_MAILS_PER_PASS: u32 = 100;

/// Unsent mail.
#[derive(Clone, Debug)]
pub struct OutboxMail {
    pub id: i64,
    pub kind: MailKind,
    /// Message-ID, once written.
    pub message_id: Option<String>,
    /// Bytes written for an earlier attempt.
    pub message: Option<Vec<u8>>,
    /// Incidents it reports.
    pub incidents: Vec<Incident>,
}

/// Queues a reminder about incidents, unless one is queued already.
pub fn queue_reminder(tx: &Transaction, incidents: &[i64], now: Timestamp) -> rusqlite::Result<()> {
    let waits: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM mails WHERE kind = 'reminder' AND settled_at IS NULL)",
        [],
        |row| row.get(0),
    )?;
    if waits || incidents.is_empty() {
        return Ok(());
    }
    let mail = insert_mail(tx, MailKind::Reminder, now)?;
    let mut incidents = incidents.iter();
    incidents.try_for_each(|one| add_to_mail(tx, mail, *one))
}

/// Returns mails that have finished collecting, oldest first, up to 100.
pub fn list_due(tx: &Transaction, now: Timestamp) -> rusqlite::Result<Vec<OutboxMail>> {
    let mut statement = tx.prepare_cached(
        "SELECT * FROM mails WHERE settled_at IS NULL AND gathers_until <= ?1 ORDER BY id LIMIT ?2",
    )?;
    let rows = statement.query_map(params![now.as_millisecond(), MAX_MAILS_PER_PASS], read_mail)?;
    let mut mails = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for mail in &mut mails {
        mail.incidents = list_for_mail(tx, mail.id)?;
    }
    Ok(mails)
}

fn read_mail(row: &Row) -> rusqlite::Result<OutboxMail> {
    let kind: String = row.get("kind")?;
    Ok(OutboxMail {
        id: row.get("id")?,
        kind: kind.parse().unwrap_or(MailKind::Resolved),
        message_id: row.get("message_id")?,
        message: row.get("message")?,
        incidents: Vec::new(),
    })
}

/// Stores the content of a mail before the first attempt, so that every attempt sends the same.
pub fn freeze(
    tx: &Transaction,
    mail: i64,
    message_id: &str,
    message: &[u8],
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE mails SET message_id = ?2, message = ?3 WHERE id = ?1",
        params![mail, message_id, message],
    )?;
    Ok(())
}

/// Records a failed attempt.
pub fn record_failure(tx: &Transaction, mail: i64) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE mails SET attempts = attempts + 1 WHERE id = ?1",
        [mail],
    )?;
    Ok(())
}

/// Records that a mail was accepted, and what the administrator was notified of.
pub fn record_sent(
    tx: &Transaction,
    mail: i64,
    kind: MailKind,
    incidents: &[i64],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let assignments = match kind {
        MailKind::Raised => "told_raised = ?2, told_at = ?2",
        MailKind::Reminder => "told_at = ?2",
        MailKind::Resolved => "told_resolved = ?2",
    };
    let mut statement =
        tx.prepare_cached(&format!("UPDATE incidents SET {assignments} WHERE id = ?1"))?;
    for incident in incidents {
        statement.execute(params![incident, now.as_millisecond()])?;
    }
    close(tx, mail, true, now)
}

/// Closes a mail: sent, or nothing left to report.
pub fn close(tx: &Transaction, mail: i64, sent: bool, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE mails SET settled_at = ?2, sent = ?3 WHERE id = ?1",
        params![mail, now.as_millisecond(), sent],
    )?;
    Ok(())
}

/// Returns the number of unsent mails.
pub fn count_unsent(tx: &Transaction) -> rusqlite::Result<i64> {
    tx.query_row(
        "SELECT count(*) FROM mails WHERE settled_at IS NULL",
        [],
        |row| row.get(0),
    )
}

/// Deletes closed mails and reported incidents older than `before`, and all but the last 10,000 incidents.
pub fn prune(tx: &Transaction, before: Timestamp) -> rusqlite::Result<()> {
    let before = before.as_millisecond();
    tx.execute("DELETE FROM mails WHERE settled_at < ?1", [before])?;
    tx.execute(
        "DELETE FROM incidents WHERE told_resolved IS NOT NULL
             AND (until < ?1 OR id <= (SELECT max(id) FROM incidents) - 10000)",
        [before],
    )?;
    tx.execute(
        "DELETE FROM mail_incidents WHERE mail NOT IN (SELECT id FROM mails)",
        [],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::notification::tests::at;
    use crate::probe::ProbeResult;
    use crate::store::incidents;
    use crate::store::incidents::{IncidentEnd, NewIncident};
    use crate::store::tests::temporary_store;

    const GROUP: SignedDuration = SignedDuration::from_secs(3);

    fn raised(name: &str, since: i64) -> NewIncident {
        NewIncident {
            shared_id: name.into(),
            target: format!("http://{name}/readyz"),
            label: name.into(),
            is_instance: true,
            since: at(since),
            probe_result: ProbeResult::Refused,
            cut_off: false,
        }
    }

    fn labels(mails: &[OutboxMail]) -> Vec<Vec<&str>> {
        let all = mails.iter().map(|mail| mail.incidents.iter());
        all.map(|own| own.map(|one| one.label.as_str()).collect())
            .collect()
    }

    #[test]
    fn simultaneous_incidents_share_a_mail() {
        let (_folder, store) = temporary_store();
        let due = store.run_transaction_blocking(|tx| {
            incidents::raise(tx, &raised("a", 0), GROUP, at(10))?;
            incidents::raise(tx, &raised("b", 2), GROUP, at(12))?;
            incidents::raise(tx, &raised("c", 4), GROUP, at(14))?;
            assert!(list_due(tx, at(12))?.is_empty(), "it still gathers");
            list_due(tx, at(20))
        });
        assert_eq!(labels(&due.unwrap()), [vec!["a", "b"], vec!["c"]]);
    }

    #[test]
    fn an_unsent_mail_keeps_its_bytes() {
        let (_folder, store) = temporary_store();
        store
            .run_transaction_blocking(|tx| {
                let incident = incidents::raise(tx, &raised("a", 0), GROUP, at(10))?;
                let mail = list_due(tx, at(20))?.remove(0);
                freeze(tx, mail.id, "<1@x>", b"bytes")?;
                record_failure(tx, mail.id)?;
                let again = list_due(tx, at(30))?.remove(0);
                assert_eq!(again.message.as_deref(), Some(&b"bytes"[..]));
                assert_eq!(count_unsent(tx)?, 1);
                record_sent(tx, mail.id, MailKind::Raised, &[incident], at(31))?;
                assert_eq!(count_unsent(tx)?, 0);
                let told = incidents::list_open(tx)?.remove(0);
                assert_eq!(
                    (told.reported_at, told.last_reported_at),
                    (Some(at(31)), Some(at(31)))
                );
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn only_one_reminder_is_queued() {
        let (_folder, store) = temporary_store();
        let waits = store.run_transaction_blocking(|tx| {
            let incident = incidents::raise(tx, &raised("a", 0), GROUP, at(10))?;
            queue_reminder(tx, &[incident], at(20))?;
            queue_reminder(tx, &[incident], at(30))?;
            queue_reminder(tx, &[], at(30))?;
            count_unsent(tx)
        });
        assert_eq!(waits.unwrap(), 2, "what raised it, and one reminder");
    }

    #[test]
    fn only_reported_recoveries_are_pruned() {
        let (_folder, store) = temporary_store();
        let left = store.run_transaction_blocking(|tx| {
            for (name, told) in [("told", true), ("untold", false)] {
                let id = incidents::raise(tx, &raised(name, 0), GROUP, at(0))?;
                let end = IncidentEnd {
                    id,
                    until: at(5),
                    outages: 1,
                    address_removed: false,
                };
                incidents::resolve(tx, &end, GROUP, at(15))?;
                if told {
                    for mail in list_due(tx, at(99))? {
                        record_sent(tx, mail.id, mail.kind, &[id], at(20))?;
                    }
                }
            }
            prune(tx, at(1_000))?;
            Ok((incidents::list_latest(tx)?.len(), count_unsent(tx)?))
        });
        assert_eq!(left.unwrap(), (1, 2));
    }
}
