//! Targets of the watcher: one per address of each name. An address that its name no longer has is still watched for a
//! while, because names lose the addresses of instances that died.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};

use super::alert::AlertState;
use super::probe::{ProbeOutcome, ProbeResult};
use super::setting::{WatchRules, WatchedUrl};

/// Maximum number of watched addresses per name.
pub const MAX_ADDRESSES: usize = 32;

/// One address of one watched name.
#[derive(Clone, Debug)]
pub struct Target {
    /// Index of its URL in the settings.
    pub watched: usize,
    /// `None` until the name was resolved.
    pub address: Option<SocketAddr>,
    /// Name that the instance reported.
    pub instance: Option<String>,
    pub alert: AlertState,
    /// Local key of the open incident.
    pub incident_key: Option<i64>,
    pub last_result: Option<ProbeResult>,
    /// Start of the current run of healthy probes.
    pub up_since: Option<Timestamp>,
    /// When its name lost this address.
    pub lost_since: Option<Timestamp>,
}

impl Target {
    /// Creates a target without history.
    pub fn new(watched: usize, address: Option<SocketAddr>, rules: &WatchRules) -> Self {
        Self {
            watched,
            address,
            instance: None,
            alert: AlertState::new(rules),
            incident_key: None,
            last_result: None,
            up_since: None,
            lost_since: None,
        }
    }

    /// Applies the result of a probe.
    pub fn apply_outcome(&mut self, outcome: ProbeOutcome, now: Timestamp) {
        let is_up = outcome.result == ProbeResult::Healthy;
        self.up_since = is_up.then(|| self.up_since.unwrap_or(now));
        self.instance = outcome.instance.or(self.instance.take());
        self.last_result = Some(outcome.result);
    }

    /// Returns the key in the local store and among watchers.
    pub fn key(&self, watched: &WatchedUrl) -> String {
        key(watched, self.address)
    }

    /// Returns the name for people.
    pub fn label(&self, watched: &WatchedUrl) -> String {
        match (&self.instance, self.address) {
            (Some(instance), _) => instance.clone(),
            (None, Some(address)) if watched.name != address.to_string() => {
                format!("{} ({})", watched.name, address.ip())
            }
            (None, _) => watched.name.clone(),
        }
    }
}

/// Returns the key of an address behind a URL, in the local store and among watchers.
pub fn key(watched: &WatchedUrl, address: Option<SocketAddr>) -> String {
    match address {
        Some(address) => format!("{} {address}", watched.url),
        None => watched.url.to_string(),
    }
}

/// Updates the targets of one name to its current addresses. A new address replaces one that is gone: an instance that
/// restarted elsewhere is the same target. Returns the targets that are no longer watched.
pub fn update_addresses(
    targets: &mut Vec<Target>,
    watched: usize,
    found: &BTreeSet<SocketAddr>,
    rules: &WatchRules,
    now: Timestamp,
) -> Vec<Target> {
    let mut fresh = found.clone();
    for target in targets.iter_mut().filter(|one| one.watched == watched) {
        let known = target.address.is_some_and(|known| fresh.remove(&known));
        target.lost_since = (!known).then(|| target.lost_since.unwrap_or(now));
    }
    for address in fresh {
        let mut own = targets.iter_mut().filter(|one| one.watched == watched);
        if let Some(target) = own.find(|one| one.lost_since.is_some()) {
            target.address = Some(address);
            target.lost_since = None;
        } else if count_targets(targets, watched) < MAX_ADDRESSES {
            targets.push(Target::new(watched, Some(address), rules));
        }
    }
    if count_targets(targets, watched) == 0 {
        targets.push(Target::new(watched, None, rules));
    }
    remove_lost(targets, watched, rules.lost_period, now)
}

fn count_targets(targets: &[Target], watched: usize) -> usize {
    targets.iter().filter(|one| one.watched == watched).count()
}

fn remove_lost(
    targets: &mut Vec<Target>,
    watched: usize,
    lost_period: SignedDuration,
    now: Timestamp,
) -> Vec<Target> {
    let is_there = |one: &Target| one.watched == watched && one.lost_since.is_none();
    if !targets.iter().any(is_there) {
        return Vec::new();
    }
    let is_gone = |one: &mut Target| {
        let long_gone = |since| now.duration_since(since) >= lost_period;
        one.watched == watched && one.lost_since.is_some_and(long_gone)
    };
    targets.extract_if(.., is_gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: WatchRules = WatchRules {
        failures: 3,
        successes: 2,
        recovery_period: SignedDuration::ZERO,
        lost_period: SignedDuration::from_hours(1),
    };

    fn addresses(ends: &[u8]) -> BTreeSet<SocketAddr> {
        let address = |end: &u8| SocketAddr::from(([10, 0, 0, *end], 4100));
        ends.iter().map(address).collect()
    }

    fn settled(targets: &mut Vec<Target>, ends: &[u8], second: i64) -> (Vec<u8>, usize) {
        settled_by(&RULES, targets, ends, second)
    }

    fn settled_by(
        rules: &WatchRules,
        targets: &mut Vec<Target>,
        ends: &[u8],
        second: i64,
    ) -> (Vec<u8>, usize) {
        let now = Timestamp::from_second(1_800_000_000 + second).unwrap();
        let forgotten = update_addresses(targets, 0, &addresses(ends), rules, now);
        let end = |target: &Target| match target.address {
            Some(SocketAddr::V4(address)) => address.ip().octets()[3],
            _ => 0,
        };
        (targets.iter().map(end).collect(), forgotten.len())
    }

    #[test]
    fn several_addresses_are_several_targets() {
        let mut targets = Vec::new();
        assert_eq!(settled(&mut targets, &[], 0), (vec![0], 0));
        assert_eq!(settled(&mut targets, &[3, 1, 2], 2), (vec![1, 2, 3], 0));
    }

    #[test]
    fn an_address_that_left_its_name_is_still_watched_for_an_hour() {
        let mut targets = Vec::new();
        settled(&mut targets, &[1, 2], 0);
        assert_eq!(settled(&mut targets, &[1], 2), (vec![1, 2], 0));
        assert_eq!(settled(&mut targets, &[1], 3_601), (vec![1, 2], 0));
        assert_eq!(settled(&mut targets, &[1], 3_602), (vec![1], 1));
    }

    #[test]
    fn the_last_address_of_a_name_is_never_forgotten() {
        let mut targets = Vec::new();
        settled(&mut targets, &[1], 0);
        assert_eq!(settled(&mut targets, &[], 9_000), (vec![1], 0));
    }

    #[test]
    fn an_address_may_be_forgotten_as_soon_as_it_left_its_name() {
        let (mut targets, lost_period) = (Vec::new(), SignedDuration::ZERO);
        let rules = WatchRules {
            lost_period,
            ..RULES
        };
        settled_by(&rules, &mut targets, &[1, 2], 0);
        assert_eq!(settled_by(&rules, &mut targets, &[2], 2), (vec![2], 1));
        assert_eq!(settled_by(&rules, &mut targets, &[3], 4), (vec![3], 0));
        assert_eq!(settled_by(&rules, &mut targets, &[], 6), (vec![3], 0));
    }

    #[test]
    fn a_new_address_replaces_a_lost_one() {
        let mut targets = Vec::new();
        settled(&mut targets, &[1, 2], 0);
        targets[0].incident_key = Some(7);
        assert_eq!(settled(&mut targets, &[2], 2).0, [1, 2]);
        assert_eq!(settled(&mut targets, &[2, 9], 4).0, [9, 2]);
        assert_eq!(targets[0].incident_key, Some(7));
    }

    #[test]
    fn the_number_of_addresses_per_name_is_limited() {
        let mut targets = Vec::new();
        let ends: Vec<u8> = (1..=200).collect();
        assert_eq!(settled(&mut targets, &ends, 0).0.len(), MAX_ADDRESSES);
    }
}
