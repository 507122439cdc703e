//! Delivery of mails, to each recipient alone.

use std::time::Instant;

use jiff::Timestamp;
use lettre::Address;
use tracing::{info, warn};

use super::Mailer;
use crate::mail::MailContent;
use crate::retry::{RetryDelay, RetrySchedule};
use crate::shared_state::SharedNotifications;
use crate::store::incidents::Incident;
use crate::store::mail_kind::MailKind;
use crate::store::outbox::{self, OutboxMail};
use crate::store::recipients::{self, MailRecipient};
use crate::sync;
use crate::transport::{DeliveryError, MailSession};

/// A mail as it goes over the wire, with its recipients.
struct PreparedMail {
    message_id: String,
    message: Vec<u8>,
    recipients: Vec<MailRecipient>,
}

/// Result of a pass over the recipients of a mail.
#[derive(Default)]
struct Pass {
    /// A recipient has accepted the mail.
    accepted: bool,
    /// The server takes no mails now.
    server_failed: bool,
}

impl Mailer {
    /// Tries once to send each mail to each recipient who lacks it.
    pub(super) async fn send_all(
        &self,
        due: Vec<OutboxMail>,
        schedule: &mut RetrySchedule,
        mut notifications: Option<SharedNotifications>,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        if due.is_empty() || schedule.server.is_some_and(|delay| now < delay.until) {
            return Ok(());
        }
        let mut session = self.transport.session();
        for mail in due {
            // "Back" is only sent after "down".
            let is_unreported = |one: &Incident| one.has_news_for(MailKind::Raised);
            if mail.kind == MailKind::Resolved && mail.incidents.iter().any(is_unreported) {
                continue;
            }
            let pass = self.send(&mail, schedule, &mut session).await?;
            if let (true, Some(shared_state), Some(notifications)) =
                (pass.accepted, &self.shared_state, notifications.as_mut())
            {
                sync::publish(shared_state, &self.store, notifications).await?;
            }
            if pass.server_failed {
                break;
            }
        }
        session.end().await;
        Ok(())
    }

    /// Tries once to send a mail to each recipient who is due.
    async fn send(
        &self,
        mail: &OutboxMail,
        schedule: &mut RetrySchedule,
        session: &mut MailSession,
    ) -> anyhow::Result<Pass> {
        let (now, id) = (Instant::now(), mail.id);
        let held = self.held_back(mail).await?;
        let had_news = !mail.is_partly_delivered();
        let is_due = |one: &MailRecipient| {
            let delay = schedule.deliveries.get(&(id, one.address.clone()));
            let waits = delay.is_some_and(|delay| now < delay.until);
            let is_over = one.accepted || (one.refused && !had_news);
            !is_over && !waits && !held.contains(&one.address)
        };
        let mut pass = Pass::default();
        if !mail.recipients.is_empty() && !mail.recipients.iter().any(is_due) {
            return Ok(pass);
        }
        let mut prepared = self.prepare(mail).await?;
        prepared.recipients.retain(is_due);
        // Recipients who failed before come last: each failure may take long.
        let is_retry =
            |one: &MailRecipient| schedule.deliveries.contains_key(&(id, one.address.clone()));
        prepared.recipients.sort_by_key(is_retry);
        for one in &prepared.recipients {
            let Some((_, address)) = self.find_recipient(one) else {
                continue;
            };
            if one.refused && pass.accepted {
                continue;
            }
            match self.deliver(&prepared, address, session).await {
                Ok(()) => {
                    self.record_accepted(mail, one, &prepared).await?;
                    schedule.server = None;
                    schedule.deliveries.remove(&(id, one.address.clone()));
                    pass.accepted = true;
                }
                Err(failed) => {
                    self.record_failure(id, one, &failed).await?;
                    self.delay(mail, one, &failed, schedule);
                    if !failed.is_about_recipient() {
                        pass.server_failed = true;
                        break;
                    }
                    schedule.server = None;
                }
            }
        }
        pass.accepted &= had_news;
        Ok(pass)
    }

    /// Returns the recipients to whom a recovery is not yet sent, because they wait for the mail about the outage.
    async fn held_back(&self, mail: &OutboxMail) -> anyhow::Result<Vec<String>> {
        if mail.kind != MailKind::Resolved {
            return Ok(Vec::new());
        }
        let id = mail.id;
        self.store
            .run_transaction(move |tx| {
                recipients::list_waiting_for_earlier(tx, id, MailKind::Raised.as_ref())
            })
            .await
    }

    async fn deliver(
        &self,
        mail: &PreparedMail,
        address: &Address,
        session: &mut MailSession,
    ) -> Result<(), DeliveryError> {
        let sent = session.send(address, &mail.message_id, &mail.message).await;
        let outcome = match &sent {
            Ok(_) => "sent",
            Err(failed) if failed.is_permanent() => "refused",
            Err(_) => "failed",
        };
        self.metrics.mails.with_label_values(&[outcome]).inc();
        sent.map(drop)
    }

    async fn record_accepted(
        &self,
        mail: &OutboxMail,
        one: &MailRecipient,
        prepared: &PreparedMail,
    ) -> anyhow::Result<()> {
        let (copy, address) = (mail.clone(), one.address.clone());
        self.store
            .run_transaction(move |tx| {
                outbox::record_accepted(tx, &copy, &address, Timestamp::now())
            })
            .await?;
        // Log only the local part: the whole id looks like a mail address, and logs contain none.
        let id = &prepared.message_id;
        info!(
            mail = mail.id,
            recipient = self.place_of(one),
            kind = mail.kind.as_ref(),
            message = id.split('@').next().unwrap_or_default(),
            "mail accepted by the server"
        );
        Ok(())
    }

    async fn record_failure(
        &self,
        mail: i64,
        one: &MailRecipient,
        failed: &DeliveryError,
    ) -> anyhow::Result<()> {
        let (address, failed) = (one.address.clone(), failed.clone());
        self.store
            .run_transaction(move |tx| {
                outbox::record_failure(tx, mail)?;
                if failed.is_permanent() {
                    let now = Timestamp::now();
                    recipients::record_refused(tx, mail, &address, &failed, now)?;
                    outbox::settle(tx, mail, now)?;
                }
                Ok(())
            })
            .await
    }

    /// Delays the next attempt: of this delivery, or of all if the server takes no mails.
    fn delay(
        &self,
        mail: &OutboxMail,
        one: &MailRecipient,
        failed: &DeliveryError,
        schedule: &mut RetrySchedule,
    ) {
        let key = (mail.id, one.address.clone());
        let last = if failed.is_about_recipient() {
            schedule.deliveries.get(&key).copied()
        } else {
            schedule.server
        };
        let delay = RetryDelay::after_failure(last, Instant::now());
        if failed.is_about_recipient() {
            schedule.deliveries.insert(key, delay);
        } else {
            schedule.server = Some(delay);
        }
        let seconds = (delay.until - Instant::now()).as_secs_f32().round();
        let step: Option<&str> = failed.step.as_ref().map(AsRef::as_ref);
        let unless = if failed.is_permanent() {
            " unless another recipient has it"
        } else {
            ""
        };
        warn!(
            mail = mail.id,
            recipient = self.place_of(one),
            step,
            "cannot send a mail: {}, retrying in {seconds} s{unless}",
            failed.cause
        );
    }

    /// Returns the place of a recipient in `JORNADA_MAIL_TO`, from 1, and the address. Logs contain only the place.
    fn find_recipient(&self, one: &MailRecipient) -> Option<(usize, &Address)> {
        let known = (1..).zip(self.config.mail.to.iter().map(|known| &known.email));
        let mut known = known.filter(|(_, address)| address.to_string() == one.address);
        known.next()
    }

    fn place_of(&self, one: &MailRecipient) -> usize {
        self.find_recipient(one).map_or(0, |(place, _)| place)
    }

    /// Returns the Message-ID, bytes and recipients of an earlier attempt, or creates and stores them before the first
    /// attempt.
    async fn prepare(&self, mail: &OutboxMail) -> anyhow::Result<PreparedMail> {
        let (message_id, message) = match (&mail.message_id, &mail.message) {
            (Some(id), Some(message)) => (id.clone(), message.clone()),
            _ => self.write(mail)?,
        };
        if mail.message.is_some() && !mail.recipients.is_empty() {
            return Ok(PreparedMail {
                message_id,
                message,
                recipients: mail.recipients.clone(),
            });
        }
        let mut addresses = self.config.mail.addresses();
        if addresses.len() > mail.refusals.len() {
            addresses.retain(|address| mail.refusals.iter().all(|one| one.address != *address));
        }
        let (key, id, bytes) = (mail.id, message_id.clone(), message.clone());
        let recipients = self
            .store
            .run_transaction(move |tx| {
                outbox::freeze(tx, key, &id, &bytes)?;
                recipients::insert_for_mail(tx, key, &addresses)
            })
            .await?;
        Ok(PreparedMail {
            message_id,
            message,
            recipients,
        })
    }

    fn write(&self, mail: &OutboxMail) -> anyhow::Result<(String, Vec<u8>)> {
        let incidents: Vec<Incident> = mail.incidents_to_report().into_iter().cloned().collect();
        let content = MailContent {
            kind: Some(mail.kind),
            incidents: &incidents,
            refusals: &mail.refusals,
            instances: self.snapshot.borrow().count_instances(),
            links: &self.config.links,
            watcher: &self.config.instance,
            now: Timestamp::now(),
        };
        content.write(&self.config.mail)
    }
}
