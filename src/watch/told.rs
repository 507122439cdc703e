//! What the administrator was notified of about one target, shared by the watchers of a system. Each watcher detects an
//! outage itself and queues a mail; the shared state tells it whether the mail still has news.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ledger::incidents::{Incident, Learned};

/// Tolerance between two watchers about the end of an outage.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// Last notification about one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Id of the incident, the same for all watchers.
    pub id: String,
    /// Stage of the notification.
    #[serde(rename = "word")]
    pub word: Word,
    /// Start of the incident.
    pub since: Timestamp,
    /// End of the incident.
    pub until: Option<Timestamp>,
    /// Time of the notification.
    pub at: Timestamp,
}

/// Stage of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// A watcher has started to send that the target is down; delivery is not confirmed.
    Sending,
    /// Reported as down.
    Raised,
    /// Reported as back.
    Resolved,
}

impl Told {
    /// Returns the state to publish before the mail about an incident is sent.
    #[must_use]
    pub fn sending(incident: &Incident, now: Timestamp) -> Self {
        Self {
            id: incident.shared.clone(),
            word: Word::Sending,
            since: incident.since,
            until: None,
            at: now,
        }
    }

    /// Returns the state to publish after this watcher has notified, if it adds to the `standing` one.
    #[must_use]
    pub fn after(standing: Option<&Self>, incident: &Incident) -> Option<Self> {
        let raised_at = incident.told_raised?;
        let own = standing.filter(|told| told.id == incident.shared);
        if own.is_none() && standing.is_some_and(|told| told.since > incident.since) {
            return None;
        }
        let (word, at) = match incident.told_resolved {
            Some(at) => (Word::Resolved, at),
            None => (Word::Raised, incident.told_at.unwrap_or(raised_at)),
        };
        let is_more = match own {
            Some(told) => match (told.word, word) {
                (Word::Sending, _) | (Word::Raised, Word::Resolved) => true,
                (Word::Raised, Word::Raised) => told.at < at,
                (Word::Raised | Word::Resolved, _) => false,
            },
            // Resolved and reported before any other watcher knew of it: nothing to publish.
            None => word == Word::Raised,
        };
        is_more.then(|| Self {
            id: incident.shared.clone(),
            word,
            since: incident.since,
            until: incident.until,
            at,
        })
    }
}

/// Derives the news for a watcher's own incident from the last notification about its target. `quiet` is the recovery
/// period of the rules.
#[must_use]
pub fn learn(told: &Told, incident: &Incident, quiet: SignedDuration) -> Option<Learned> {
    let learned = |raised, resolved| {
        Some(Learned {
            shared: told.id.clone(),
            raised,
            resolved,
        })
    };
    // The notification is about a later outage: the incident is obsolete.
    let is_old = incident.until.is_some_and(|until| until < told.since);
    if is_old && told.id != incident.shared {
        return Some(Learned {
            shared: incident.shared.clone(),
            raised: Some(told.at),
            resolved: Some(told.at),
        });
    }
    let learned = match told.word {
        Word::Sending => learned(None, None),
        Word::Raised => learned(Some(told.at), None),
        Word::Resolved => {
            let slack = SLACK.min(quiet / 2);
            let same = told.id == incident.shared;
            let within = told
                .until
                .is_some_and(|until| incident.since <= until + slack);
            if !same && !within {
                return None;
            }
            learned(Some(told.at), incident.until.map(|_| told.at))
        }
    };
    learned.filter(|learned| is_news(learned, incident))
}

fn is_news(learned: &Learned, incident: &Incident) -> bool {
    learned.shared != incident.shared
        || (learned.raised.is_some() && incident.told_raised.is_none())
        || learned.raised > incident.told_at
        || (learned.resolved.is_some() && incident.told_resolved.is_none())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::watch::probe::Seen;

    const QUIET: SignedDuration = SignedDuration::from_secs(10);

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    pub(crate) fn incident(shared: &str, since: i64, until: Option<i64>) -> Incident {
        Incident {
            id: 1,
            shared: shared.into(),
            target: "http://app1:4100/readyz 10.0.0.1:4100".into(),
            label: "app1".into(),
            is_instance: true,
            since: at(since),
            seen: Seen::Refused,
            cut_off: false,
            until: until.map(at),
            falls: 1,
            gone: false,
            told_raised: None,
            told_at: None,
            told_resolved: None,
        }
    }

    fn told(id: &str, word: Word, since: i64, until: Option<i64>) -> Told {
        Told {
            id: id.into(),
            word,
            since: at(since),
            until: until.map(at),
            at: at(100),
        }
    }

    #[test]
    fn an_unconfirmed_notification_only_shares_the_id() {
        let own = incident("own", 1, None);
        let learned = learn(&told("other", Word::Sending, 0, None), &own, QUIET).unwrap();
        assert_eq!((learned.shared.as_str(), learned.raised), ("other", None));
        let same = incident("other", 1, None);
        assert_eq!(
            learn(&told("other", Word::Sending, 0, None), &same, QUIET),
            None
        );
    }

    #[test]
    fn notifications_of_others_are_not_repeated() {
        let own = incident("own", 3, None);
        let learned = learn(&told("other", Word::Raised, 0, None), &own, QUIET).unwrap();
        assert_eq!((learned.raised, learned.resolved), (Some(at(100)), None));
        let over = incident("own", 3, Some(20));
        let learned = learn(&told("other", Word::Resolved, 0, Some(21)), &over, QUIET).unwrap();
        assert_eq!(learned.resolved, Some(at(100)));
        let learned = learn(&told("other", Word::Resolved, 0, Some(21)), &own, QUIET).unwrap();
        assert_eq!(learned.resolved, None, "here it still goes on");
    }

    #[test]
    fn a_new_outage_is_reported() {
        let own = incident("own", 40, None);
        assert_eq!(
            learn(&told("other", Word::Resolved, 0, Some(21)), &own, QUIET),
            None
        );
    }

    #[test]
    fn an_obsolete_outage_is_not_reported() {
        let old = incident("own", 0, Some(10));
        let learned = learn(&told("other", Word::Raised, 50, None), &old, QUIET).unwrap();
        assert_eq!(learned.shared, "own");
        assert!(learned.raised.is_some() && learned.resolved.is_some());
    }

    #[test]
    fn a_notification_is_published_once() {
        let mut own = incident("own", 0, None);
        let sending = Told::sending(&own, at(1));
        assert_eq!(Told::after(Some(&sending), &own), None, "nothing told yet");
        own.told_raised = Some(at(2));
        own.told_at = Some(at(2));
        let raised = Told::after(Some(&sending), &own).unwrap();
        assert_eq!((raised.word, raised.at), (Word::Raised, at(2)));
        assert_eq!(
            Told::after(None, &own),
            Some(raised.clone()),
            "after Redis was emptied"
        );
        assert_eq!(Told::after(Some(&raised), &own), None);
        own.told_at = Some(at(9));
        let reminded = Told::after(Some(&raised), &own).unwrap();
        assert_eq!((reminded.word, reminded.at), (Word::Raised, at(9)));
        own.until = Some(at(20));
        own.told_resolved = Some(at(21));
        let resolved = Told::after(Some(&reminded), &own).unwrap();
        assert_eq!(resolved.word, Word::Resolved);
        assert_eq!(Told::after(Some(&resolved), &own), None);
        assert_eq!(Told::after(None, &own), None);
    }

    #[test]
    fn a_later_notification_is_not_overwritten() {
        let mut own = incident("own", 0, None);
        own.told_raised = Some(at(2));
        let later = told("other", Word::Raised, 50, None);
        assert_eq!(Told::after(Some(&later), &own), None);
    }
}
