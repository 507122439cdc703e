//! Exchange of notifications between this watcher and the others through Redis, once per pass of the mailer.

use jiff::{SignedDuration, Timestamp};
use tracing::{debug, info};

use super::notification::{self, NotificationStage, NotificationState};
use super::probe::ProbeResult;
use super::setting::WatchRules;
use super::shared_state::{Leadership, SharedNotifications, SharedState};
use super::snapshot::StatusSnapshot;
use super::store::incidents::{self, Incident, NewIncident, PeerNotification};
use super::store::{WatchStore, history};
use super::watcher::Watcher;

/// Time after which a resolved incident that the leader did not report counts as seen by this watcher only.
const UNSHARED_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
/// Time for which notifications are published again, in case a crash prevented it.
const REPUBLISH_PERIOD: SignedDuration = SignedDuration::from_hours(24);
/// Extra time before this watcher reports the recovery from an incident that another watcher raised.
const STARTUP_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Synchronises the local store with Redis. Returns the shared notifications, or `None` if Redis is unavailable.
pub async fn sync(
    shared_state: &SharedState,
    watcher: &Watcher,
    snapshot: &StatusSnapshot,
    leadership: Leadership,
) -> anyhow::Result<Option<SharedNotifications>> {
    let (store, rules) = (&watcher.store, &watcher.config.rules);
    let mut notifications = match shared_state.read_notifications().await {
        Ok(notifications) => notifications,
        Err(error) => {
            let kind = error.kind();
            debug!("Redis unavailable, notifications not synchronised: {kind:?}");
            return Ok(None);
        }
    };
    sync_maintenance(shared_state, store).await?;
    import(store, rules, &notifications, leadership).await?;
    publish(shared_state, store, &mut notifications).await?;
    if leadership == Leadership::Leader {
        adopt(store, rules, snapshot, &notifications).await?;
        let pruned = shared_state.prune(&notifications, Timestamp::now());
        pruned.await.ok();
    }
    Ok(Some(notifications))
}

async fn recent_incidents(store: &WatchStore) -> anyhow::Result<Vec<Incident>> {
    let after = Timestamp::now() - REPUBLISH_PERIOD;
    let listed = store.run_transaction(move |tx| incidents::list_recent(tx, after));
    listed.await
}

/// Imports the notifications of other watchers.
async fn import(
    store: &WatchStore,
    rules: &WatchRules,
    notifications: &SharedNotifications,
    leadership: Leadership,
) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let mut news: Vec<(i64, PeerNotification)> = Vec::new();
    for incident in recent_incidents(store).await? {
        if incident.recovery_reported_at.is_some() {
            continue;
        }
        let state = notifications.get(&incident.target).map(|(state, _)| state);
        let notification = state
            .and_then(|state| notification::derive_news(state, &incident, rules.recovery_period))
            .or_else(|| dismiss_unshared(&incident, state, leadership, now));
        news.extend(notification.map(|notification| (incident.id, notification)));
    }
    if news.is_empty() {
        return Ok(());
    }
    store
        .run_transaction(move |tx| {
            news.iter()
                .try_for_each(|(id, notification)| incidents::import(tx, *id, notification))
        })
        .await
}

/// Marks a resolved incident as reported that only this watcher saw while another one led.
fn dismiss_unshared(
    incident: &Incident,
    state: Option<&NotificationState>,
    leadership: Leadership,
    now: Timestamp,
) -> Option<PeerNotification> {
    let until = incident.until?;
    let is_own = state.is_some_and(|state| state.id == incident.shared_id);
    let is_long_over = now.duration_since(until) >= UNSHARED_TIMEOUT;
    let is_unreported =
        leadership == Leadership::Standby && incident.reported_at.is_none() && !is_own;
    (is_long_over && is_unreported)
        .then(|| PeerNotification::new(&incident.shared_id, Some(now), Some(now)))
}

/// Publishes what this watcher has reported, including what it could not publish while Redis was unavailable.
pub async fn publish(
    shared_state: &SharedState,
    store: &WatchStore,
    notifications: &mut SharedNotifications,
) -> anyhow::Result<()> {
    for incident in recent_incidents(store).await? {
        let published = notifications.get(&incident.target).map(|(state, _)| state);
        if let Some(state) = NotificationState::next_after(published, &incident)
            && shared_state
                .publish(notifications, &incident.target, state, false)
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
async fn adopt(
    store: &WatchStore,
    rules: &WatchRules,
    snapshot: &StatusSnapshot,
    notifications: &SharedNotifications,
) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let known = recent_incidents(store).await?;
    for (target, (state, _)) in notifications {
        let is_known = known
            .iter()
            .any(|one| one.shared_id == state.id || (one.target == *target && one.until.is_none()));
        let status = snapshot
            .target_status(target)
            .filter(|one| one.down_since.is_none());
        let Some((status, up_since)) = status.and_then(|one| Some((one, one.up_since?))) else {
            continue;
        };
        let is_back = now.duration_since(up_since) >= rules.recovery_period + STARTUP_MARGIN;
        if is_known || !is_back || state.stage != NotificationStage::Raised {
            continue;
        }
        info!(
            "{} is back after an incident that another watcher reported",
            status.label
        );
        let raised = NewIncident {
            shared_id: state.id.clone(),
            target: target.clone(),
            label: status.label.clone(),
            is_instance: status.is_instance,
            since: state.since,
            probe_result: ProbeResult::Broken,
            cut_off: false,
        };
        let (reported_at, until) = (state.at, up_since.max(state.since));
        store
            .run_transaction(move |tx| incidents::adopt(tx, &raised, reported_at, until, now))
            .await?;
    }
    Ok(())
}

async fn sync_maintenance(shared_state: &SharedState, store: &WatchStore) -> anyhow::Result<()> {
    let known = store.run_transaction(history::latest_maintenance).await?;
    let Ok(Some(agreed)) = shared_state.agree_on_maintenance(known.as_ref()).await else {
        return Ok(());
    };
    if known.as_ref() != Some(&agreed) {
        store
            .run_transaction(move |tx| history::set_maintenance(tx, &agreed))
            .await?;
    }
    Ok(())
}
