//! Hands mails over until they are taken. Several watchers of one system share what has been told, so that one of them
//! sends; each keeps its own outbox, so that any of them could.

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

/// How often the outbox is looked into.
const TICK: Duration = Duration::from_millis(250);

/// Who sends.
#[derive(Debug)]
pub struct Courier {
    /// The settings.
    pub config: Arc<WatchConfig>,
    /// Where mails wait.
    pub ledger: Ledger,
    /// What the watchers of the system share.
    pub share: Option<Share>,
    /// Who leads, and whether Redis answers.
    pub lead: watch::Receiver<(Lead, bool)>,
    /// What the last round saw.
    pub board: watch::Receiver<Board>,
    /// How mails leave.
    pub post: Post,
    /// What it counts.
    pub metrics: Metrics,
}

impl Courier {
    /// Sends until it is told to stop; a mail that is on its way may finish.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pauses = Pauses::default();
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            // Before the first round nobody knows how many are left.
            if self.board.borrow().at.is_some()
                && let Err(error) = self.pass(&mut pauses).await
            {
                error!("the outbox cannot be worked on: {error:#}");
            }
        }
    }

    async fn pass(&self, pauses: &mut Pauses) -> anyhow::Result<()> {
        let (lead, reachable) = *self.lead.borrow();
        let board = self.board.borrow().clone();
        let mut words = None;
        if let Some(share) = self.share.as_ref().filter(|_| reachable) {
            words =
                knowledge::exchange(share, &self.ledger, &self.config.rules, &board, lead).await?;
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

    /// Makes one reminder of everything that is down, when it is time for the first of them.
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

    /// Writes down for the others what is about to be sent. `false` when another leads, or has been faster.
    async fn claim(&self, words: Option<&mut Words>, lead: Lead, due: &[Mail]) -> bool {
        let (Some(share), Some(words), Lead::Leads) = (&self.share, words, lead) else {
            return true;
        };
        let raised = due.iter().filter(|mail| mail.kind == Kind::Raised);
        for incident in raised.flat_map(untold) {
            let standing = words.get(&incident.target);
            if standing.is_some_and(|(told, _)| told.id == incident.shared) {
                continue;
            }
            let told = Told::sending(incident, Timestamp::now());
            match share.tell(words, &incident.target, told, true).await {
                Ok(true) => {}
                Ok(false) => return false,
                // Rather twice than not at all.
                Err(_) => return true,
            }
        }
        true
    }

    async fn send_all(
        &self,
        due: Vec<Mail>,
        pauses: &mut Pauses,
        mut words: Option<Words>,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        if pauses.server.is_some_and(|pause| now < pause.until) {
            return Ok(());
        }
        for mail in due {
            // That it is back is told after that it was down.
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
                    if let (Some(share), Some(words)) = (&self.share, words.as_mut()) {
                        knowledge::publish(share, &self.ledger, words).await?;
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
                        "a mail was not taken: {}; again in {seconds} s", failed.why
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

    /// One try.
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
                // Without the domain: it looks like a mail address, and none shall be in a log.
                let message = message_id.split('@').next().unwrap_or_default();
                info!(mail = id, kind = kind.as_str(), message, "a mail was taken");
                Ok(Ok(()))
            }
            Err(failed) => {
                self.ledger.write(move |tx| outbox::failed(tx, id)).await?;
                Ok(Err(failed))
            }
        }
    }

    /// The mail's bytes: those of an earlier try, or new ones, kept before they leave.
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

/// The incidents about which a mail still has something to say.
fn untold(mail: &Mail) -> Vec<&Incident> {
    let all = mail.incidents.iter();
    all.filter(|one| one.is_untold(mail.kind)).collect()
}
