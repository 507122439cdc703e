//! Last notification of the administrator about one target, shared by the watchers of a system. Each watcher detects an
//! outage itself and queues a mail; the shared state tells it whether the mail still has news.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::store::incidents::{Incident, PeerNotification};

/// Tolerance between two watchers about the end of an outage.
const END_TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// Last notification about one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationState {
    /// Id of the incident, the same for all watchers.
    pub id: String,
    #[serde(rename = "word")]
    pub stage: NotificationStage,
    /// Start and end of the incident.
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    /// Time of the notification.
    pub at: Timestamp,
}

/// Stage of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationStage {
    /// A watcher has started to send that the target is down; delivery is not confirmed.
    Sending,
    /// Reported as down.
    Raised,
    /// Reported as back.
    Resolved,
}

impl NotificationState {
    /// Returns the state to publish before the mail about an incident is sent.
    pub fn sending(incident: &Incident, now: Timestamp) -> Self {
        Self {
            id: incident.shared_id.clone(),
            stage: NotificationStage::Sending,
            since: incident.since,
            until: None,
            at: now,
        }
    }

    /// Returns the state to publish after a notification, or `None` if it adds nothing to the `published` one.
    pub fn next_after(published: Option<&Self>, incident: &Incident) -> Option<Self> {
        let raised_at = incident.reported_at?;
        let own = published.filter(|published| published.id == incident.shared_id);
        if own.is_none() && published.is_some_and(|published| published.since > incident.since) {
            return None;
        }
        let (stage, at) = match incident.recovery_reported_at {
            Some(at) => (NotificationStage::Resolved, at),
            None => (
                NotificationStage::Raised,
                incident.last_reported_at.unwrap_or(raised_at),
            ),
        };
        let is_more = match (own, stage) {
            // Resolved and reported before any other watcher knew of it: nothing to publish.
            (None, stage) => stage == NotificationStage::Raised,
            (Some(own), NotificationStage::Raised) => match own.stage {
                NotificationStage::Sending => true,
                NotificationStage::Raised => own.at < at,
                NotificationStage::Resolved => false,
            },
            (Some(own), _) => own.stage != NotificationStage::Resolved,
        };
        is_more.then(|| Self {
            id: incident.shared_id.clone(),
            stage,
            since: incident.since,
            until: incident.until,
            at,
        })
    }
}

/// Derives the news for a watcher's own incident from the last notification about its target. `recovery_period` is that
/// of the rules.
pub fn derive_news(
    state: &NotificationState,
    incident: &Incident,
    recovery_period: SignedDuration,
) -> Option<PeerNotification> {
    let is_own = state.id == incident.shared_id;
    // The notification is about a later outage: the incident is obsolete.
    if !is_own && incident.until.is_some_and(|until| until < state.since) {
        let at = Some(state.at);
        return Some(PeerNotification::new(&incident.shared_id, at, at));
    }
    let (raised_at, resolved_at) = match state.stage {
        NotificationStage::Sending => (None, None),
        NotificationStage::Raised => (Some(state.at), None),
        NotificationStage::Resolved => {
            let slack = END_TOLERANCE.min(recovery_period / 2);
            let covers = |until| incident.since <= until + slack;
            if !is_own && !state.until.is_some_and(covers) {
                return None;
            }
            (Some(state.at), incident.until.map(|_| state.at))
        }
    };
    let news = PeerNotification::new(&state.id, raised_at, resolved_at);
    is_news(&news, incident).then_some(news)
}

fn is_news(news: &PeerNotification, incident: &Incident) -> bool {
    news.shared_id != incident.shared_id
        || (news.raised_at.is_some() && incident.reported_at.is_none())
        || news.raised_at > incident.last_reported_at
        || (news.resolved_at.is_some() && incident.recovery_reported_at.is_none())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::probe::ProbeResult;
    use crate::store::incidents::NewIncident;

    const QUIET: SignedDuration = SignedDuration::from_secs(10);

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    pub(crate) fn incident(shared: &str, since: i64, until: Option<i64>) -> Incident {
        Incident {
            id: 1,
            raised: NewIncident {
                shared_id: shared.into(),
                target: "http://app1:4100/readyz 10.0.0.1:4100".into(),
                label: "app1".into(),
                is_instance: true,
                since: at(since),
                probe_result: ProbeResult::Refused,
                cut_off: false,
            },
            until: until.map(at),
            outages: 1,
            address_removed: false,
            reported_at: None,
            last_reported_at: None,
            recovery_reported_at: None,
        }
    }

    fn told(
        id: &str,
        stage: NotificationStage,
        since: i64,
        until: Option<i64>,
    ) -> NotificationState {
        NotificationState {
            id: id.into(),
            stage,
            since: at(since),
            until: until.map(at),
            at: at(100),
        }
    }

    #[test]
    fn an_unconfirmed_notification_only_shares_the_id() {
        let own = incident("own", 1, None);
        let learned = derive_news(
            &told("other", NotificationStage::Sending, 0, None),
            &own,
            QUIET,
        )
        .unwrap();
        assert_eq!(
            (learned.shared_id.as_str(), learned.raised_at),
            ("other", None)
        );
        let same = incident("other", 1, None);
        assert_eq!(
            derive_news(
                &told("other", NotificationStage::Sending, 0, None),
                &same,
                QUIET
            ),
            None
        );
    }

    #[test]
    fn notifications_of_others_are_not_repeated() {
        let own = incident("own", 3, None);
        let learned = derive_news(
            &told("other", NotificationStage::Raised, 0, None),
            &own,
            QUIET,
        )
        .unwrap();
        assert_eq!(
            (learned.raised_at, learned.resolved_at),
            (Some(at(100)), None)
        );
        let over = incident("own", 3, Some(20));
        let learned = derive_news(
            &told("other", NotificationStage::Resolved, 0, Some(21)),
            &over,
            QUIET,
        )
        .unwrap();
        assert_eq!(learned.resolved_at, Some(at(100)));
        let learned = derive_news(
            &told("other", NotificationStage::Resolved, 0, Some(21)),
            &own,
            QUIET,
        )
        .unwrap();
        assert_eq!(learned.resolved_at, None, "here it still goes on");
    }

    #[test]
    fn a_new_outage_is_reported() {
        let own = incident("own", 40, None);
        assert_eq!(
            derive_news(
                &told("other", NotificationStage::Resolved, 0, Some(21)),
                &own,
                QUIET
            ),
            None
        );
    }

    #[test]
    fn an_obsolete_outage_is_not_reported() {
        let old = incident("own", 0, Some(10));
        let learned = derive_news(
            &told("other", NotificationStage::Raised, 50, None),
            &old,
            QUIET,
        )
        .unwrap();
        assert_eq!(learned.shared_id, "own");
        assert!(learned.raised_at.is_some() && learned.resolved_at.is_some());
    }

    #[test]
    fn a_notification_is_published_once() {
        let mut own = incident("own", 0, None);
        let sending = NotificationState::sending(&own, at(1));
        assert_eq!(
            NotificationState::next_after(Some(&sending), &own),
            None,
            "nothing told yet"
        );
        own.reported_at = Some(at(2));
        own.last_reported_at = Some(at(2));
        let raised = NotificationState::next_after(Some(&sending), &own).unwrap();
        assert_eq!(
            (raised.stage, raised.at),
            (NotificationStage::Raised, at(2))
        );
        assert_eq!(
            NotificationState::next_after(None, &own),
            Some(raised.clone()),
            "after Redis was emptied"
        );
        assert_eq!(NotificationState::next_after(Some(&raised), &own), None);
        own.last_reported_at = Some(at(9));
        let reminded = NotificationState::next_after(Some(&raised), &own).unwrap();
        assert_eq!(
            (reminded.stage, reminded.at),
            (NotificationStage::Raised, at(9))
        );
        own.until = Some(at(20));
        own.recovery_reported_at = Some(at(21));
        let resolved = NotificationState::next_after(Some(&reminded), &own).unwrap();
        assert_eq!(resolved.stage, NotificationStage::Resolved);
        assert_eq!(NotificationState::next_after(Some(&resolved), &own), None);
        assert_eq!(NotificationState::next_after(None, &own), None);
    }

    #[test]
    fn a_later_notification_is_not_overwritten() {
        let mut own = incident("own", 0, None);
        own.reported_at = Some(at(2));
        let later = told("other", NotificationStage::Raised, 50, None);
        assert_eq!(NotificationState::next_after(Some(&later), &own), None);
    }
}
