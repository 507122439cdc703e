//! Sends the mails of the outbox until the server accepts them. Several watchers share what was announced, so that one
//! of them sends; each has its own outbox, so that any of them can take over.

use std::time::{Duration, Instant};

use derive_more::Deref;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::mail::MailContent;
use super::notification::NotificationState;
use super::retry::{RetryDelay, RetrySchedule};
use super::shared_state::{Leadership, SharedNotifications, SharedState};
use super::snapshot::StatusSnapshot;
use super::store::incidents;
use super::store::incidents::Incident;
use super::store::mail_kind::MailKind;
use super::store::outbox::{self, OutboxMail};
use super::sync;
use super::transport::{DeliveryError, MailTransport};
use super::watcher::Watcher;
use jornada_runtime::background;

/// Polling interval of the outbox.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Task that sends mails.
#[derive(Debug, Deref)]
pub struct Mailer {
    #[deref]
    pub watcher: Watcher,
    pub shared_state: Option<SharedState>,
    pub transport: MailTransport,
}

impl Mailer {
    /// Sends mails until `stop`. A mail that is being sent may finish.
    pub async fn run(self, stop: CancellationToken) {
        let mut schedule = RetrySchedule::default();
        let failure = "cannot process the outbox";
        let mut polling = background::every(POLL_INTERVAL, &stop);
        while polling
            .attempt_uncancelled(failure, self.process_outbox(&mut schedule))
            .await
        {}
    }

    async fn process_outbox(&self, schedule: &mut RetrySchedule) -> anyhow::Result<()> {
        let (leadership, reachable) = *self.leadership.borrow();
        let snapshot = self.snapshot.borrow().clone();
        if snapshot.finished_at.is_none() {
            // Before the first round the number of healthy instances is unknown.
            return Ok(());
        }
        let mut notifications = None;
        if let Some(shared_state) = self.shared_state.as_ref().filter(|_| reachable) {
            notifications = sync::sync(shared_state, &self.watcher, &snapshot, leadership).await?;
        }
        if leadership.sends_mails() {
            self.queue_reminder(&snapshot).await?;
        }
        let now = Timestamp::now();
        let store = &self.store;
        let due = store.run_transaction(move |tx| outbox::list_due(tx, now));
        let (empty, due): (Vec<_>, Vec<_>) = due
            .await?
            .into_iter()
            .partition(|mail| incidents_to_report(mail).is_empty());
        for mail in empty {
            let closed = store.run_transaction(move |tx| outbox::close(tx, mail.id, false, now));
            closed.await?;
        }
        let announced = notifications.as_mut();
        if leadership.sends_mails() && self.announce(announced, leadership, &due).await {
            self.send_all(due, schedule, notifications).await?;
        }
        let waiting = self.store.run_transaction(outbox::count_unsent).await?;
        self.metrics.outbox.set(waiting);
        Ok(())
    }

    /// Queues one reminder about everything that is down, when the first incident is due for one.
    async fn queue_reminder(&self, snapshot: &StatusSnapshot) -> anyhow::Result<()> {
        if snapshot.maintenance.is_some() {
            return Ok(());
        }
        let (now, every) = (Timestamp::now(), self.config.reminder_interval);
        self.store
            .run_transaction(move |tx| {
                let mut down = incidents::list_open(tx)?;
                down.retain(|one| one.reported_at.is_some());
                let is_time = |at: Timestamp| now.duration_since(at) >= every;
                let is_due = |one: &Incident| one.last_reported_at.is_some_and(is_time);
                if down.iter().any(is_due) {
                    let keys: Vec<_> = down.iter().map(|one| one.id).collect();
                    outbox::queue_reminder(tx, &keys, now)?;
                }
                Ok(())
            })
            .await
    }

    /// Announces to the other watchers what is about to be sent. Returns `false` if another watcher leads or was
    /// faster.
    async fn announce(
        &self,
        notifications: Option<&mut SharedNotifications>,
        leadership: Leadership,
        due: &[OutboxMail],
    ) -> bool {
        let (Some(shared_state), Some(notifications), Leadership::Leader) =
            (&self.shared_state, notifications, leadership)
        else {
            return true;
        };
        let raised = due.iter().filter(|mail| mail.kind == MailKind::Raised);
        for incident in raised.flat_map(incidents_to_report) {
            let published = notifications.get(&incident.target);
            if published.is_some_and(|(state, _)| state.id == incident.shared_id) {
                continue;
            }
            let state = NotificationState::sending(incident, Timestamp::now());
            let published = shared_state.publish(notifications, &incident.target, state, true);
            match published.await {
                Ok(true) => {}
                Ok(false) => return false,
                // A duplicate is better than no mail.
                Err(_) => return true,
            }
        }
        true
    }

    async fn send_all(
        &self,
        due: Vec<OutboxMail>,
        schedule: &mut RetrySchedule,
        mut notifications: Option<SharedNotifications>,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        if schedule.server.is_some_and(|delay| now < delay.until) {
            return Ok(());
        }
        for mail in due {
            // "Back" is only sent after "down".
            let is_unreported = |one: &Incident| one.has_news_for(MailKind::Raised);
            let is_early =
                mail.kind == MailKind::Resolved && mail.incidents.iter().any(is_unreported);
            let delay = schedule.mails.get(&mail.id);
            let waits = delay.is_some_and(|delay| now < delay.until);
            if is_early || waits {
                continue;
            }
            match self.send(&mail).await? {
                Ok(()) => {
                    schedule.server = None;
                    schedule.mails.remove(&mail.id);
                    if let (Some(shared_state), Some(notifications)) =
                        (&self.shared_state, notifications.as_mut())
                    {
                        sync::publish(shared_state, &self.store, notifications).await?;
                    }
                }
                Err(failed) => {
                    let last = if failed.permanent {
                        schedule.mails.get(&mail.id).copied()
                    } else {
                        schedule.server
                    };
                    let delay = RetryDelay::after_failure(last, Instant::now());
                    let seconds = (delay.until - Instant::now()).as_secs_f32().round();
                    warn!(
                        mail = mail.id,
                        "cannot send a mail: {}, retrying in {seconds} s", failed.cause
                    );
                    if !failed.permanent {
                        schedule.server = Some(delay);
                        return Ok(());
                    }
                    schedule.mails.insert(mail.id, delay);
                }
            }
        }
        Ok(())
    }

    /// Tries once to send a mail.
    async fn send(&self, mail: &OutboxMail) -> anyhow::Result<Result<(), DeliveryError>> {
        let (id, kind) = (mail.id, mail.kind);
        let (message_id, message) = self.prepare(mail).await?;
        let sent = self.transport.send(&message_id, &message).await;
        let outcome = if sent.is_ok() { "sent" } else { "failed" };
        self.metrics.mails.with_label_values(&[outcome]).inc();
        match sent {
            Ok(_) => {
                let reported: Vec<_> = incidents_to_report(mail).iter().map(|one| one.id).collect();
                let now = Timestamp::now();
                self.store
                    .run_transaction(move |tx| outbox::record_sent(tx, id, kind, &reported, now))
                    .await?;
                // Log only the local part: the whole id looks like a mail address, and logs contain none.
                let message = message_id.split('@').next().unwrap_or_default();
                info!(
                    mail = id,
                    kind = kind.as_ref(),
                    message,
                    "mail accepted by the server"
                );
                Ok(Ok(()))
            }
            Err(failed) => {
                self.store
                    .run_transaction(move |tx| outbox::record_failure(tx, id))
                    .await?;
                Ok(Err(failed))
            }
        }
    }

    /// Returns the Message-ID and bytes of an earlier attempt, or creates and stores new ones before the first attempt.
    async fn prepare(&self, mail: &OutboxMail) -> anyhow::Result<(String, Vec<u8>)> {
        if let (Some(id), Some(message)) = (&mail.message_id, &mail.message) {
            return Ok((id.clone(), message.clone()));
        }
        let incidents: Vec<Incident> = incidents_to_report(mail).into_iter().cloned().collect();
        let content = MailContent {
            kind: Some(mail.kind),
            incidents: &incidents,
            instances: self.snapshot.borrow().count_instances(),
            links: &self.config.links,
            watcher: &self.config.instance,
            now: Timestamp::now(),
        };
        let (message_id, message) = content.write(&self.config.mail)?;
        let (key, id, bytes) = (mail.id, message_id.clone(), message.clone());
        self.store
            .run_transaction(move |tx| outbox::freeze(tx, key, &id, &bytes))
            .await?;
        Ok((message_id, message))
    }
}

/// Returns the incidents about which a mail still has news.
fn incidents_to_report(mail: &OutboxMail) -> Vec<&Incident> {
    let all = mail.incidents.iter();
    all.filter(|one| one.has_news_for(mail.kind)).collect()
}
