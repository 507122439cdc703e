//! Exchange of notifications between this watcher and the others through Redis, once per pass of the mailer.

use jiff::{SignedDuration, Timestamp};
use tracing::{debug, info};

use super::board::Board;
use super::ledger::incidents::{self, Incident, Learned, Raise};
use super::ledger::{Ledger, history};
use super::probe::Seen;
use super::setting::WatchRules;
use super::share::{Lead, Share, Words};
use super::told::{self, Told, Word};

/// A resolved incident that the leader has not reported within this time did not exist for the leader.
const UNSHARED: SignedDuration = SignedDuration::from_secs(60);
/// Time for which notifications are published again, in case a crash kept them from Redis.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// Extra time before this watcher reports the recovery from an incident that another watcher raised.
const SETTLING: SignedDuration = SignedDuration::from_secs(5);

/// Synchronises the local store with Redis. Returns the shared notifications, or `None` if Redis is unavailable.
pub async fn exchange(
    share: &Share,
    ledger: &Ledger,
    rules: &WatchRules,
    board: &Board,
    lead: Lead,
) -> anyhow::Result<Option<Words>> {
    let mut notifications = match share.words().await {
        Ok(notifications) => notifications,
        Err(error) => {
            debug!(
                "Redis unavailable, notifications not synchronised: {:?}",
                error.kind()
            );
            return Ok(None);
        }
    };
    share_pause(share, ledger).await?;
    learn(ledger, rules, &notifications, lead).await?;
    publish(share, ledger, &mut notifications).await?;
    if lead == Lead::Leads {
        inherit(ledger, rules, board, &notifications).await?;
        share.prune(&notifications, Timestamp::now()).await.ok();
    }
    Ok(Some(notifications))
}

async fn recent(ledger: &Ledger) -> anyhow::Result<Vec<Incident>> {
    let after = Timestamp::now() - REMEMBERED;
    ledger.write(move |tx| incidents::recent(tx, after)).await
}

/// Imports the notifications of other watchers.
async fn learn(
    ledger: &Ledger,
    rules: &WatchRules,
    words: &Words,
    lead: Lead,
) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let mut news: Vec<(i64, Learned)> = Vec::new();
    for incident in recent(ledger).await? {
        if incident.told_resolved.is_some() {
            continue;
        }
        let standing = words.get(&incident.target).map(|(told, _)| told);
        let learned = standing.and_then(|told| told::learn(told, &incident, rules.quiet));
        let learned = learned.or_else(|| unshared(&incident, standing, lead, now));
        news.extend(learned.map(|learned| (incident.id, learned)));
    }
    if news.is_empty() {
        return Ok(());
    }
    ledger
        .write(move |tx| {
            news.iter()
                .try_for_each(|(id, learned)| incidents::learn(tx, *id, learned))
        })
        .await
}

/// Marks a resolved incident as reported that only this watcher saw while another one led.
fn unshared(
    incident: &Incident,
    standing: Option<&Told>,
    lead: Lead,
    now: Timestamp,
) -> Option<Learned> {
    let until = incident.until?;
    let is_own = standing.is_some_and(|told| told.id == incident.shared);
    let is_long_over = now.duration_since(until) >= UNSHARED;
    let nobody_told = lead == Lead::Waits && incident.told_raised.is_none() && !is_own;
    (is_long_over && nobody_told).then(|| Learned {
        shared: incident.shared.clone(),
        raised: Some(now),
        resolved: Some(now),
    })
}

/// Publishes what this watcher has reported, including what it could not publish while Redis was unavailable.
pub async fn publish(share: &Share, ledger: &Ledger, words: &mut Words) -> anyhow::Result<()> {
    for incident in recent(ledger).await? {
        let standing = words.get(&incident.target).map(|(told, _)| told);
        if let Some(told) = Told::after(standing, &incident)
            && share
                .tell(words, &incident.target, told, false)
                .await
                .is_err()
        {
            return Ok(());
        }
    }
    Ok(())
}

/// Adopts incidents that another watcher reported and whose targets are healthy again: the leader reports the recovery,
/// whoever raised the incident.
async fn inherit(
    ledger: &Ledger,
    rules: &WatchRules,
    board: &Board,
    words: &Words,
) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let known = recent(ledger).await?;
    for (target, (told, _)) in words {
        let is_known = known
            .iter()
            .any(|one| one.shared == told.id || (one.target == *target && one.until.is_none()));
        let standing = board
            .standing(target)
            .filter(|one| one.down_since.is_none());
        let Some((standing, up_since)) = standing.and_then(|one| Some((one, one.up_since?))) else {
            continue;
        };
        let is_back = now.duration_since(up_since) >= rules.quiet + SETTLING;
        if is_known || !is_back || told.word != Word::Raised {
            continue;
        }
        info!(
            "{} is back after an incident that another watcher reported",
            standing.label
        );
        let raised = Raise {
            shared: told.id.clone(),
            target: target.clone(),
            label: standing.label.clone(),
            is_instance: standing.is_instance,
            since: told.since,
            seen: Seen::Broken,
            cut_off: false,
        };
        let (told_at, until) = (told.at, up_since.max(told.since));
        ledger
            .write(move |tx| incidents::inherit(tx, &raised, told_at, until, now))
            .await?;
    }
    Ok(())
}

async fn share_pause(share: &Share, ledger: &Ledger) -> anyhow::Result<()> {
    let known = ledger.write(history::paused).await?;
    let Ok(Some(counts)) = share.pause(known.as_ref()).await else {
        return Ok(());
    };
    if known.as_ref() != Some(&counts) {
        ledger.write(move |tx| history::pause(tx, &counts)).await?;
    }
    Ok(())
}
