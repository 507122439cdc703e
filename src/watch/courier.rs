//! Sends the mails of the outbox until the server accepts them. Several watchers share what was announced, so that one
//! of them sends; each has its own outbox, so that any of them can take over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::board::Board;
use super::knowledge;
use super::ledger::incidents::Incident;
use super::ledger::mail_kind::Kind;
use super::ledger::outbox::{self, Mail};
use super::ledger::{Ledger, incidents};
use super::mail::Letter;
use super::metrics::Metrics;
use super::patience::{Pause, Pauses};
use super::post::{NotTaken, Post};
use super::setting::WatchConfig;
use super::share::{Lead, Share, Words};
use super::told::Told;

/// Polling interval of the outbox.
const TICK: Duration = Duration::from_millis(250);

/// Task that sends mails.
#[derive(Debug)]
pub struct Courier {
    /// Settings.
    pub config: Arc<WatchConfig>,
    /// Local store with the outbox.
    pub ledger: Ledger,
    /// State shared with the other watchers.
    pub share: Option<Share>,
    /// Leadership of this watcher, and whether Redis answers.
    pub lead: watch::Receiver<(Lead, bool)>,
    /// Result of the last round.
    pub board: watch::Receiver<Board>,
    /// Transport for mails.
    pub post: Post,
    /// Metrics.
    pub metrics: Metrics,
}

impl Courier {
    /// Sends mails until `stop`. A mail that is being sent may finish.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pauses = Pauses::default();
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            // Before the first round the number of healthy instances is unknown.
            if self.board.borrow().at.is_some()
                && let Err(error) = self.pass(&mut pauses).await
            {
                error!("cannot process the outbox, retrying: {error:#}");
            }
        }
    }

    async fn pass(&self, pauses: &mut Pauses) -> anyhow::Result<()> {
        let (lead, reachable) = *self.lead.borrow();
        let board = self.board.borrow().clone();
        let mut words = None;
        if let Some(shared_state) = self.share.as_ref().filter(|_| reachable) {
            words =
                knowledge::exchange(shared_state, &self.ledger, &self.config.rules, &board, lead)
                    .await?;
        }
        if lead.sends() {
            self.remind(&board).await?;
        }
        let now = Timestamp::now();
        let due = self.ledger.write(move |tx| outbox::due(tx, now)).await?;
        let (empty, due): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|mail| untold(mail).is_empty());
        for mail in empty {
            self.ledger
                .write(move |tx| outbox::settle(tx, mail.id, false, now))
                .await?;
        }
        if lead.sends() && self.claim(words.as_mut(), lead, &due).await {
            self.send_all(due, pauses, words).await?;
        }
        let waiting = self.ledger.write(outbox::waiting).await?;
        self.metrics.outbox.set(waiting);
        Ok(())
    }

    /// Queues one reminder about everything that is down, when the first incident is due for one.
    async fn remind(&self, board: &Board) -> anyhow::Result<()> {
        if board.pause.is_some() {
            return Ok(());
        }
        let (now, every) = (Timestamp::now(), self.config.remind);
        self.ledger
            .write(move |tx| {
                let mut down = incidents::open(tx)?;
                down.retain(|one| one.told_raised.is_some());
                let is_time = |at: Timestamp| now.duration_since(at) >= every;
                if down.iter().filter_map(|one| one.told_at).any(is_time) {
                    let keys: Vec<_> = down.iter().map(|one| one.id).collect();
                    outbox::remind(tx, &keys, now)?;
                }
                Ok(())
            })
            .await
    }

    /// Announces to the other watchers what is about to be sent. Returns `false` if another watcher leads or was
    /// faster.
    async fn claim(&self, notifications: Option<&mut Words>, lead: Lead, due: &[Mail]) -> bool {
        let (Some(shared_state), Some(notifications), Lead::Leads) =
            (&self.share, notifications, lead)
        else {
            return true;
        };
        let raised = due.iter().filter(|mail| mail.kind == Kind::Raised);
        for incident in raised.flat_map(untold) {
            let standing = notifications.get(&incident.target);
            if standing.is_some_and(|(told, _)| told.id == incident.shared) {
                continue;
            }
            let told = Told::sending(incident, Timestamp::now());
            match shared_state
                .tell(notifications, &incident.target, told, true)
                .await
            {
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
        due: Vec<Mail>,
        pauses: &mut Pauses,
        mut notifications: Option<Words>,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        if pauses.server.is_some_and(|pause| now < pause.until) {
            return Ok(());
        }
        for mail in due {
            // "Back" is only sent after "down".
            let is_early = mail.kind == Kind::Resolved
                && mail.incidents.iter().any(|one| one.is_untold(Kind::Raised));
            let waits = pauses
                .mails
                .get(&mail.id)
                .is_some_and(|pause| now < pause.until);
            if is_early || waits {
                continue;
            }
            match self.send(&mail).await? {
                Ok(()) => {
                    pauses.server = None;
                    pauses.mails.remove(&mail.id);
                    if let (Some(shared_state), Some(notifications)) =
                        (&self.share, notifications.as_mut())
                    {
                        knowledge::publish(shared_state, &self.ledger, notifications).await?;
                    }
                }
                Err(failed) => {
                    let own = pauses
                        .mails
                        .get(&mail.id)
                        .copied()
                        .filter(|_| failed.for_good);
                    let last = if failed.for_good { own } else { pauses.server };
                    let pause = Pause::after(last, Instant::now());
                    let seconds = (pause.until - Instant::now()).as_secs_f32().round();
                    warn!(
                        mail = mail.id,
                        "cannot send a mail: {}, retrying in {seconds} s", failed.why
                    );
                    if !failed.for_good {
                        pauses.server = Some(pause);
                        return Ok(());
                    }
                    pauses.mails.insert(mail.id, pause);
                }
            }
        }
        Ok(())
    }

    /// Tries once to send a mail.
    async fn send(&self, mail: &Mail) -> anyhow::Result<Result<(), NotTaken>> {
        let (id, kind) = (mail.id, mail.kind);
        let (message_id, message) = self.sealed(mail).await?;
        let sent = self.post.send(&message_id, &message).await;
        let outcome = if sent.is_ok() { "sent" } else { "failed" };
        self.metrics.mails.with_label_values(&[outcome]).inc();
        match sent {
            Ok(_) => {
                let told: Vec<_> = untold(mail).iter().map(|one| one.id).collect();
                let now = Timestamp::now();
                self.ledger
                    .write(move |tx| outbox::sent(tx, id, kind, &told, now))
                    .await?;
                // Log only the local part: the whole id looks like a mail address, and logs contain none.
                let message = message_id.split('@').next().unwrap_or_default();
                info!(
                    mail = id,
                    kind = kind.as_str(),
                    message,
                    "mail accepted by the server"
                );
                Ok(Ok(()))
            }
            Err(failed) => {
                self.ledger.write(move |tx| outbox::failed(tx, id)).await?;
                Ok(Err(failed))
            }
        }
    }

    /// Returns the Message-ID and bytes of an earlier attempt, or creates and stores new ones before the first attempt.
    async fn sealed(&self, mail: &Mail) -> anyhow::Result<(String, Vec<u8>)> {
        if let (Some(id), Some(message)) = (&mail.message_id, &mail.message) {
            return Ok((id.clone(), message.clone()));
        }
        let incidents: Vec<Incident> = untold(mail).into_iter().cloned().collect();
        let letter = Letter {
            kind: Some(mail.kind),
            incidents: &incidents,
            left: self.board.borrow().left(),
            links: &self.config.links,
            watcher: &self.config.instance,
            now: Timestamp::now(),
        };
        let (message_id, message) = letter.write(&self.config.mail)?;
        let (key, id, bytes) = (mail.id, message_id.clone(), message.clone());
        self.ledger
            .write(move |tx| outbox::seal(tx, key, &id, &bytes))
            .await?;
        Ok((message_id, message))
    }
}

/// Returns the incidents about which a mail still has news.
fn untold(mail: &Mail) -> Vec<&Incident> {
    let all = mail.incidents.iter();
    all.filter(|one| one.is_untold(mail.kind)).collect()
}
