//! Restores the targets at start from the local store, with the incidents that are still open.

use jiff::Timestamp;

use super::incident::Alarm;
use super::ledger::incidents::{self, Incident, Resolve};
use super::ledger::{Ledger, history};
use super::setting::{WatchConfig, Watched};
use super::target::{Target, key};

/// Restores the targets. Ends incidents of URLs that are no longer in the settings.
pub async fn recall(ledger: &Ledger, config: &WatchConfig) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for (watched, one) in config.watched.iter().enumerate() {
        let url = one.url.to_string();
        let known = ledger
            .write(move |tx| history::remembered(tx, &url))
            .await?;
        targets.extend(known.into_iter().map(|(address, instance)| Target {
            instance,
            ..Target::new(watched, Some(address), &config.rules)
        }));
    }
    let mut over = Vec::new();
    for incident in ledger.write(incidents::open).await? {
        if !reopen(&mut targets, config, &incident) {
            over.push(incident.id);
        }
    }
    let (now, group) = (Timestamp::now(), config.group);
    ledger
        .write(move |tx| {
            over.into_iter().try_for_each(|id| {
                let end = Resolve {
                    id,
                    until: now,
                    falls: 1,
                    gone: true,
                };
                incidents::resolve(tx, &end, group, now)
            })
        })
        .await?;
    Ok(targets)
}

/// Reattaches an open incident to its target. Returns `false` if the target is no longer watched.
fn reopen(targets: &mut Vec<Target>, config: &WatchConfig, incident: &Incident) -> bool {
    let alarm = Alarm::raised(&config.rules, incident.since);
    let known = targets
        .iter_mut()
        .find(|one| one.key(&config.watched[one.watched]) == incident.target);
    if let Some(target) = known.filter(|one| one.incident.is_none()) {
        target.alarm = alarm;
        target.incident = Some(incident.id);
        return true;
    }
    let Some((watched, one)) = of_url(&config.watched, &incident.target) else {
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
        alarm,
        incident: Some(incident.id),
        ..Target::new(watched, address, &config.rules)
    });
    true
}

fn of_url<'a>(watched: &'a [Watched], target: &str) -> Option<(usize, &'a Watched)> {
    let url = target.split(' ').next().unwrap_or_default();
    watched
        .iter()
        .enumerate()
        .find(|(_, one)| one.url.as_str() == url)
}
