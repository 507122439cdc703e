//! State machine that decides when a target is down and when it is back. It uses no clock, network or mail.
//!
//! An incident is raised after several failures in a row, or when the target fails repeatedly within a minute. It is
//! resolved after several successes in a row over some time. So a flapping target causes one incident, and a target
//! that fails again soon after it recovered must stay up longer each time.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::setting::WatchRules;

/// Number of outages within [`FLAPPING_WINDOW`] that raise an incident, however short each was.
const FLAPPING_OUTAGES: usize = 4;
const FLAPPING_WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// An incident this soon after the last one doubles the recovery period.
const REPEAT_WINDOW: SignedDuration = SignedDuration::from_mins(10);
const MAX_RECOVERY_PERIOD: SignedDuration = SignedDuration::from_mins(4);

/// Alert state of one target.
#[derive(Clone, Debug)]
pub struct AlertState {
    phase: AlertPhase,
    /// Starts of the last outages, up to [`FLAPPING_OUTAGES`].
    outages: VecDeque<Timestamp>,
    /// Time for which the target must answer before the incident is resolved.
    recovery_period: SignedDuration,
    resolved_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
enum AlertPhase {
    Healthy,
    Failing {
        since: Timestamp,
        failures: u32,
    },
    Raised {
        since: Timestamp,
        outages: u32,
        recovery: Option<Recovery>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Recovery {
    at: Timestamp,
    successes: u32,
}

/// Event to report to the administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertEvent {
    Raised {
        /// First failure.
        since: Timestamp,
    },
    Resolved {
        /// First success of the recovery.
        until: Timestamp,
        /// Number of outages during the incident, at least 1.
        outages: u32,
    },
}

impl AlertState {
    /// Creates the state of a healthy target.
    pub fn new(rules: &WatchRules) -> Self {
        Self {
            phase: AlertPhase::Healthy,
            outages: VecDeque::with_capacity(FLAPPING_OUTAGES),
            recovery_period: rules.recovery_period,
            resolved_at: None,
        }
    }

    /// Creates the state of a target with an open incident.
    pub fn with_open_incident(rules: &WatchRules, since: Timestamp) -> Self {
        let mut state = Self::new(rules);
        state.phase = AlertPhase::Raised {
            since,
            outages: 1,
            recovery: None,
        };
        state
    }

    /// Records one probe. While paused no incident is raised; a target that is still down afterwards raises one then.
    pub fn observe(
        &mut self,
        rules: &WatchRules,
        is_up: bool,
        paused: bool,
        now: Timestamp,
    ) -> Option<AlertEvent> {
        if is_up {
            self.on_success(rules, now)
        } else {
            self.on_failure(rules, paused, now)
        }
    }

    /// Ends the incident of a target that is no longer watched.
    pub fn end_incident(&mut self, now: Timestamp) -> Option<AlertEvent> {
        match std::mem::replace(&mut self.phase, AlertPhase::Healthy) {
            AlertPhase::Raised { outages, .. } => Some(AlertEvent::Resolved {
                until: now,
                outages,
            }),
            AlertPhase::Healthy | AlertPhase::Failing { .. } => None,
        }
    }

    /// Returns the start of the open incident.
    pub fn raised_since(&self) -> Option<Timestamp> {
        match self.phase {
            AlertPhase::Raised { since, .. } => Some(since),
            AlertPhase::Healthy | AlertPhase::Failing { .. } => None,
        }
    }

    fn on_failure(
        &mut self,
        rules: &WatchRules,
        paused: bool,
        now: Timestamp,
    ) -> Option<AlertEvent> {
        let (since, failures) = match &mut self.phase {
            AlertPhase::Raised {
                outages, recovery, ..
            } => {
                *outages = outages.saturating_add(u32::from(recovery.take().is_some()));
                return None;
            }
            AlertPhase::Healthy => {
                self.record_outage(now);
                (now, 1)
            }
            AlertPhase::Failing { since, failures } => (*since, failures.saturating_add(1)),
        };
        self.phase = AlertPhase::Failing { since, failures };
        let flapping = self.flapping_since(now);
        if paused || (failures < rules.failures && flapping.is_none()) {
            return None;
        }
        self.recovery_period = self.next_recovery_period(rules, now);
        self.outages.clear();
        let outages = if flapping.is_some() {
            FLAPPING_OUTAGES
        } else {
            1
        };
        let since = flapping.unwrap_or(since);
        self.phase = AlertPhase::Raised {
            since,
            outages: u32::try_from(outages).unwrap_or(1),
            recovery: None,
        };
        Some(AlertEvent::Raised { since })
    }

    fn record_outage(&mut self, now: Timestamp) {
        if self.outages.len() == FLAPPING_OUTAGES {
            self.outages.pop_front();
        }
        self.outages.push_back(now);
    }

    /// Returns the first of the last outages if they are frequent enough to count as flapping.
    fn flapping_since(&self, now: Timestamp) -> Option<Timestamp> {
        let first = self.outages.front()?;
        let soon = now.duration_since(*first) <= FLAPPING_WINDOW;
        (self.outages.len() == FLAPPING_OUTAGES && soon).then_some(*first)
    }

    /// Returns the recovery period of an incident that starts now: doubled soon after the last one.
    fn next_recovery_period(&self, rules: &WatchRules, now: Timestamp) -> SignedDuration {
        let is_recent = |at| now.duration_since(at) <= REPEAT_WINDOW;
        if self.resolved_at.is_some_and(is_recent) {
            (self.recovery_period * 2).min(MAX_RECOVERY_PERIOD.max(rules.recovery_period))
        } else {
            rules.recovery_period
        }
    }

    fn on_success(&mut self, rules: &WatchRules, now: Timestamp) -> Option<AlertEvent> {
        let AlertPhase::Raised {
            outages, recovery, ..
        } = &mut self.phase
        else {
            self.phase = AlertPhase::Healthy;
            return None;
        };
        let outages = *outages;
        let recovery = recovery.get_or_insert(Recovery {
            at: now,
            successes: 0,
        });
        recovery.successes = recovery.successes.saturating_add(1);
        let until = recovery.at;
        if recovery.successes < rules.successes || now.duration_since(until) < self.recovery_period
        {
            return None;
        }
        self.phase = AlertPhase::Healthy;
        self.resolved_at = Some(now);
        Some(AlertEvent::Resolved { until, outages })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: WatchRules = WatchRules {
        failures: 3,
        successes: 2,
        recovery_period: SignedDuration::from_secs(10),
        lost_period: SignedDuration::ZERO,
    };
    const AT_ONCE: WatchRules = WatchRules {
        recovery_period: SignedDuration::ZERO,
        lost_period: SignedDuration::ZERO,
        ..RULES
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// Simulates probes two seconds apart (`u`: up, `d`: down) and returns the events with their seconds.
    fn told(rules: &WatchRules, probes: &str) -> Vec<(i64, AlertEvent)> {
        let mut alert = AlertState::new(rules);
        observed(&mut alert, rules, probes, 0)
    }

    fn observed(
        alert: &mut AlertState,
        rules: &WatchRules,
        probes: &str,
        from: i64,
    ) -> Vec<(i64, AlertEvent)> {
        (from..)
            .step_by(2)
            .zip(probes.chars())
            .filter_map(|(second, probe)| {
                let event = alert.observe(rules, probe == 'u', false, at(second))?;
                Some((second, event))
            })
            .collect()
    }

    #[test]
    fn one_outage_raises_once_and_resolves_once() {
        let raised = AlertEvent::Raised { since: at(2) };
        let resolved = AlertEvent::Resolved {
            until: at(14),
            outages: 2,
        };
        assert_eq!(told(&AT_ONCE, "uddddudu"), [(6, raised)]);
        assert_eq!(told(&AT_ONCE, "udddduduuu"), [(6, raised), (16, resolved)]);
    }

    #[test]
    fn two_failures_raise_no_incident() {
        assert_eq!(told(&RULES, "uudduuuudduu"), []);
    }

    #[test]
    fn recovery_takes_the_recovery_period() {
        let raised = AlertEvent::Raised { since: at(0) };
        let resolved = AlertEvent::Resolved {
            until: at(6),
            outages: 1,
        };
        assert_eq!(told(&RULES, "ddduuuuu"), [(4, raised)]);
        assert_eq!(told(&RULES, "ddduuuuuu"), [(4, raised), (16, resolved)]);
    }

    #[test]
    fn ten_flaps_in_a_minute_are_one_incident() {
        for flap in ["duu", "ddu", "dddu", "dddduu"] {
            let mut probes = flap.repeat(10);
            probes.push_str("uuuuuuuuu");
            let events = told(&RULES, &probes);
            assert!(
                matches!(
                    events[..],
                    [
                        (_, AlertEvent::Raised { .. }),
                        (_, AlertEvent::Resolved { .. })
                    ]
                ),
                "{flap}: {events:?}"
            );
        }
    }

    #[test]
    fn a_flapping_incident_starts_at_the_first_outage() {
        let events = told(&RULES, "duuduuduud");
        assert_eq!(events, [(18, AlertEvent::Raised { since: at(0) })]);
        let seldom = "d".to_owned() + &"u".repeat(10);
        assert_eq!(told(&RULES, &seldom.repeat(10)), []);
    }

    #[test]
    fn repeated_incidents_double_the_recovery_period() {
        let mut alert = AlertState::new(&RULES);
        let outage = "dddu";
        let mut quiets = Vec::new();
        for number in 0..6 {
            let from = number * 300;
            observed(&mut alert, &RULES, outage, from);
            let up = observed(&mut alert, &RULES, &"u".repeat(140), from + 8);
            quiets.push(up[0].0 - from - 6);
        }
        assert_eq!(quiets, [10, 20, 40, 80, 160, 240]);
        let later = 6 * 300 + 3_000;
        observed(&mut alert, &RULES, outage, later);
        let up = observed(&mut alert, &RULES, "uuuuu", later + 8);
        assert_eq!(up[0].0 - later - 6, 10, "long ago is forgotten");
    }

    #[test]
    fn a_pause_defers_new_incidents() {
        let mut alert = AlertState::new(&RULES);
        for second in 0..20 {
            let told = alert.observe(&RULES, false, true, at(second));
            assert_eq!(told, None);
        }
        let told = alert.observe(&RULES, false, false, at(20));
        assert_eq!(told, Some(AlertEvent::Raised { since: at(0) }));
    }

    #[test]
    fn a_pause_does_not_defer_recoveries() {
        let mut alert = AlertState::with_open_incident(&AT_ONCE, at(0));
        alert.observe(&AT_ONCE, true, true, at(10));
        let told = alert.observe(&AT_ONCE, true, true, at(12));
        assert_eq!(
            told,
            Some(AlertEvent::Resolved {
                until: at(10),
                outages: 1
            })
        );
        assert!(matches!(alert.phase, AlertPhase::Healthy));
    }

    proptest! {
        #[test]
        fn raised_and_resolved_always_alternate(probes in "[ud]{0,400}", seconds in 0i64..30) {
            let recovery_period = SignedDuration::from_secs(seconds);
            let events = told(&WatchRules { recovery_period, ..RULES }, &probes);
            for (place, (_, event)) in events.iter().enumerate() {
                let raised = matches!(event, AlertEvent::Raised { .. });
                prop_assert_eq!(raised, place % 2 == 0);
            }
        }
    }
}
