//! Sends the mails of the outbox until the server accepts them for each recipient. Several watchers share what was
//! announced, so that one of them sends; each has its own outbox, so that any of them can take over. A mail that one
//! recipient has is delivered to the others by the same watcher, whoever leads by then.

mod delivery;

use std::time::Duration;

use derive_more::Deref;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::notification::NotificationState;
use super::retry::RetrySchedule;
use super::shared_state::{Leadership, SharedNotifications, SharedState};
use super::snapshot::StatusSnapshot;
use super::store::incidents::{self, Incident};
use super::store::mail_kind::MailKind;
use super::store::outbox::{self, OutboxMail};
use super::store::recipients;
use super::sync;
use super::transport::MailTransport;
use super::watcher::Watcher;
use jornada_runtime::background;
use jornada_runtime::metrics::gauge_value;

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
        if let Err(error) = self.forget_recipients().await {
            tracing::error!("{failure}: {error:#}");
        }
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
        let mut due = self.list_due().await?;
        let announced = notifications.as_mut();
        if !leadership.sends_mails() || !self.announce(announced, leadership, &due).await {
            due.retain(OutboxMail::is_partly_delivered);
        }
        self.send_all(due, schedule, notifications).await?;
        let counts = |tx: &rusqlite::Transaction| {
            Ok((
                outbox::count_unsent(tx)?,
                recipients::list_refused(tx)?.len(),
            ))
        };
        let (waiting, refused) = self.store.run_transaction(counts).await?;
        self.metrics.outbox.set(waiting);
        self.metrics.refused.set(gauge_value(refused));
        Ok(())
    }

    /// Forgets the recipients that were removed from the settings.
    async fn forget_recipients(&self) -> anyhow::Result<()> {
        let addresses = self.config.mail.addresses();
        self.store
            .run_transaction(move |tx| {
                let waited = recipients::keep_only(tx, &addresses)?;
                outbox::settle_all(tx, waited, Timestamp::now())
            })
            .await
    }

    /// Returns the mails to send, and closes those that have lost their news.
    async fn list_due(&self) -> anyhow::Result<Vec<OutboxMail>> {
        let now = Timestamp::now();
        self.store
            .run_transaction(move |tx| {
                let late = recipients::give_up(tx, now)?;
                outbox::settle_all(tx, late, now)?;
                let due = outbox::list_due(tx, now)?;
                let (due, empty): (Vec<_>, Vec<_>) =
                    due.into_iter().partition(OutboxMail::has_news);
                for mail in empty {
                    outbox::close(tx, mail.id, false, now)?;
                }
                Ok(due)
            })
            .await
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
        for incident in raised.flat_map(OutboxMail::incidents_to_report) {
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
}
