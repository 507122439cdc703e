//! Mails that are not yet accepted by the SMTP server. A mail collects what happens within a short time, is written
//! once, and every attempt sends the same bytes under the same Message-ID.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::gather::{add_to_mail, insert_mail};
use super::incidents::{Incident, list_for_mail};
use super::mail_kind::MailKind;
use super::recipients::{self, MailRecipient, RefusedRecipient};

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
    /// Refused recipients that a notice is about.
    pub refusals: Vec<RefusedRecipient>,
    /// Recipients; empty before the first attempt.
    pub recipients: Vec<MailRecipient>,
}

impl OutboxMail {
    /// Returns whether a recipient has the mail. Then this watcher delivers it to the others too.
    pub fn is_partly_delivered(&self) -> bool {
        self.recipients.iter().any(|one| one.accepted)
    }

    /// Returns the incidents about which the mail still has news.
    pub fn incidents_to_report(&self) -> Vec<&Incident> {
        let all = self.incidents.iter();
        all.filter(|one| one.has_news_for(self.kind)).collect()
    }

    /// Returns whether the mail still has news for somebody.
    pub fn has_news(&self) -> bool {
        let is_owed = self.kind != MailKind::Reminder && self.is_partly_delivered();
        is_owed || !self.refusals.is_empty() || !self.incidents_to_report().is_empty()
    }
}

/// Queues a reminder about incidents, unless one waits that nobody has. It replaces older ones, whoever lacks them.
pub fn queue_reminder(tx: &Transaction, incidents: &[i64], now: Timestamp) -> rusqlite::Result<()> {
    let waits: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM mails WHERE kind = 'reminder' AND settled_at IS NULL
             AND id NOT IN (SELECT mail FROM mail_recipients WHERE accepted_at IS NOT NULL))",
        [],
        |row| row.get(0),
    )?;
    if waits || incidents.is_empty() {
        return Ok(());
    }
    tx.execute(
        "UPDATE mails SET settled_at = ?1 WHERE kind = 'reminder' AND settled_at IS NULL",
        [now.as_millisecond()],
    )?;
    let mail = insert_mail(tx, MailKind::Reminder, now)?;
    let mut incidents = incidents.iter();
    incidents.try_for_each(|one| add_to_mail(tx, mail, *one))
}

/// Returns mails that have finished collecting, up to 100: first those that nobody has, then oldest first.
pub fn list_due(tx: &Transaction, now: Timestamp) -> rusqlite::Result<Vec<OutboxMail>> {
    let mut statement = tx.prepare_cached(
        "SELECT * FROM mails m WHERE settled_at IS NULL AND gathers_until <= ?1 ORDER BY EXISTS
             (SELECT 1 FROM mail_recipients r WHERE r.mail = m.id AND accepted_at IS NOT NULL), id
         LIMIT ?2",
    )?;
    let rows = statement.query_map(params![now.as_millisecond(), MAX_MAILS_PER_PASS], read_mail)?;
    let mut mails = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for mail in &mut mails {
        mail.incidents = list_for_mail(tx, mail.id)?;
        mail.recipients = recipients::list_for_mail(tx, mail.id)?;
    }
    Ok(mails)
}

fn read_mail(row: &Row) -> rusqlite::Result<OutboxMail> {
    let kind: String = row.get("kind")?;
    let refusals: Option<String> = row.get("refusals")?;
    let refusals = refusals.and_then(|json| serde_json::from_str(&json).ok());
    Ok(OutboxMail {
        id: row.get("id")?,
        kind: kind.parse().unwrap_or(MailKind::Resolved),
        message_id: row.get("message_id")?,
        message: row.get("message")?,
        incidents: Vec::new(),
        refusals: refusals.unwrap_or_default(),
        recipients: Vec::new(),
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

/// Records that a recipient has a mail. The first one makes its incidents reported.
pub fn record_accepted(
    tx: &Transaction,
    mail: &OutboxMail,
    address: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let known = recipients::list_for_mail(tx, mail.id)?;
    if !known.iter().any(|one| one.accepted) {
        let assignments = match mail.kind {
            MailKind::Raised => "told_raised = ?2, told_at = ?2",
            MailKind::Reminder => "told_at = ?2",
            MailKind::Resolved => "told_resolved = ?2",
            MailKind::Refused => "told_at = told_at",
        };
        let update = format!("UPDATE incidents SET {assignments} WHERE id = ?1");
        let mut statement = tx.prepare_cached(&update)?;
        for incident in mail.incidents_to_report() {
            statement.execute(params![incident.id, now.as_millisecond()])?;
        }
    }
    recipients::record_accepted(tx, mail.id, address, now)?;
    settle(tx, mail.id, now)
}

/// Settles mails whose recipients changed.
pub fn settle_all(tx: &Transaction, mails: Vec<i64>, now: Timestamp) -> rusqlite::Result<()> {
    mails.into_iter().try_for_each(|mail| settle(tx, mail, now))
}

/// Makes refusals of a mail final once a recipient has it: queues a notice to the others, and closes the mail if
/// nobody waits for it any more.
pub fn settle(tx: &Transaction, mail: i64, now: Timestamp) -> rusqlite::Result<()> {
    let known = recipients::list_for_mail(tx, mail)?;
    if !known.iter().any(|one| one.accepted) {
        return Ok(());
    }
    let untold = recipients::take_untold(tx, mail, now)?;
    if !untold.is_empty() {
        queue_refusals(tx, untold, now)?;
    }
    if known.iter().all(|one| one.accepted || one.refused) {
        close(tx, mail, true, now)?;
    }
    Ok(())
}

/// Adds refused recipients to the notice that is not yet written, or queues one.
fn queue_refusals(
    tx: &Transaction,
    mut refusals: Vec<RefusedRecipient>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let unwritten = tx
        .query_row(
            "SELECT * FROM mails WHERE kind = ?1 AND settled_at IS NULL AND message IS NULL LIMIT 1",
            [MailKind::Refused.as_ref()],
            read_mail,
        )
        .optional()?;
    let mail = match unwritten {
        Some(mail) => {
            refusals.splice(0..0, mail.refusals);
            mail.id
        }
        None => insert_mail(tx, MailKind::Refused, now)?,
    };
    tx.execute(
        "UPDATE mails SET refusals = ?2 WHERE id = ?1",
        params![mail, serde_json::to_string(&refusals).unwrap_or_default()],
    )?;
    Ok(())
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
    tx.execute(
        "DELETE FROM mail_recipients WHERE mail NOT IN (SELECT id FROM mails)",
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
                incidents::raise(tx, &raised("a", 0), GROUP, at(10))?;
                let mail = list_due(tx, at(20))?.remove(0);
                freeze(tx, mail.id, "<1@x>", b"bytes")?;
                record_failure(tx, mail.id)?;
                let again = list_due(tx, at(30))?.remove(0);
                assert_eq!(again.message.as_deref(), Some(&b"bytes"[..]));
                assert_eq!(count_unsent(tx)?, 1);
                recipients::insert_for_mail(tx, mail.id, &["ana@x".into()])?;
                record_accepted(tx, &mail, "ana@x", at(31))?;
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
                        recipients::insert_for_mail(tx, mail.id, &["ana@x".into()])?;
                        record_accepted(tx, &mail, "ana@x", at(20))?;
                    }
                }
            }
            prune(tx, at(1_000))?;
            Ok((incidents::list_latest(tx)?.len(), count_unsent(tx)?))
        });
        assert_eq!(left.unwrap(), (1, 2));
    }
}
