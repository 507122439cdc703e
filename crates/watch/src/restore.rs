//! Restores the targets at start from the local store, with the incidents that are still open.

use jiff::Timestamp;

use super::alert::AlertState;
use super::setting::{WatchConfig, WatchedUrl};
use super::store::incidents::{self, Incident, IncidentEnd};
use super::store::{WatchStore, history};
use super::target::{Target, key};

/// Restores the targets. Ends incidents of URLs that are no longer in the settings.
pub async fn restore_targets(
    store: &WatchStore,
    config: &WatchConfig,
) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for (watched, one) in config.watched.iter().enumerate() {
        let url = one.url.to_string();
        let known = store
            .run_transaction(move |tx| history::read_addresses(tx, &url))
            .await?;
        targets.extend(known.into_iter().map(|(address, instance)| Target {
            instance,
            ..Target::new(watched, Some(address), &config.rules)
        }));
    }
    let mut ended = Vec::new();
    for incident in store.run_transaction(incidents::list_open).await? {
        if !reattach(&mut targets, config, &incident) {
            ended.push(incident.id);
        }
    }
    let (now, group) = (Timestamp::now(), config.group_period);
    store
        .run_transaction(move |tx| {
            ended.into_iter().try_for_each(|id| {
                let end = IncidentEnd {
                    id,
                    until: now,
                    outages: 1,
                    address_removed: true,
                };
                incidents::resolve(tx, &end, group, now)
            })
        })
        .await?;
    Ok(targets)
}

/// Reattaches an open incident to its target. Returns `false` if the target is no longer watched.
fn reattach(targets: &mut Vec<Target>, config: &WatchConfig, incident: &Incident) -> bool {
    let alert = AlertState::with_open_incident(&config.rules, incident.since);
    let known = targets
        .iter_mut()
        .find(|one| one.key(&config.watched[one.watched]) == incident.target);
    if let Some(target) = known.filter(|one| one.incident_key.is_none()) {
        target.alert = alert;
        target.incident_key = Some(incident.id);
        return true;
    }
    let Some((watched, one)) = find_by_url(&config.watched, &incident.target) else {
        return false;
    };
    let address = incident
        .target
        .rsplit_once(' ')
        .and_then(|(_, address)| address.parse().ok());
    if key(one, address) != incident.target {
        return false;
    }
    targets.push(Target {
        alert,
        incident_key: Some(incident.id),
        ..Target::new(watched, address, &config.rules)
    });
    true
}

fn find_by_url<'a>(watched: &'a [WatchedUrl], target: &str) -> Option<(usize, &'a WatchedUrl)> {
    let url = target.split(' ').next().unwrap_or_default();
    watched
        .iter()
        .enumerate()
        .find(|(_, one)| one.url.as_str() == url)
}
