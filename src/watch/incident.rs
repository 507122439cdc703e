//! State machine that decides when a target is down and when it is back. It uses no clock, network or mail.
//!
//! An incident is raised after several failures in a row, or when the target fails repeatedly within a minute. It is
//! resolved after several successes in a row over some time. So a flapping target causes one incident, and a target
//! that fails again soon after it recovered must stay up longer each time.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::setting::WatchRules;

/// Outages within [`FLAPPING`] that raise an incident, however short each was.
const FALLS: usize = 4;
const FLAPPING: SignedDuration = SignedDuration::from_secs(60);
/// An incident this soon after the last one doubles the recovery period.
const SOON: SignedDuration = SignedDuration::from_mins(10);
/// Maximum recovery period.
const MOST_QUIET: SignedDuration = SignedDuration::from_mins(4);

/// Alert state of one target.
#[derive(Clone, Debug)]
pub struct Alarm {
    state: State,
    /// Starts of the last outages, up to [`FALLS`].
    falls: VecDeque<Timestamp>,
    /// Time for which the target must answer before the incident is resolved.
    quiet: SignedDuration,
    resolved_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Well,
    Failing {
        since: Timestamp,
        failures: u32,
    },
    Raised {
        since: Timestamp,
        falls: u32,
        back: Option<Back>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Back {
    at: Timestamp,
    successes: u32,
}

/// Outcome of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Healthy.
    Up,
    /// Unhealthy or no answer.
    Down,
}

/// Event to report to the administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The target is down.
    Raised {
        /// First failure.
        since: Timestamp,
    },
    /// The target is back.
    Resolved {
        /// First success of the recovery.
        until: Timestamp,
        /// Number of outages during the incident, at least 1.
        falls: u32,
    },
}

impl Alarm {
    /// Creates the state of a healthy target.
    #[must_use]
    pub fn new(rules: &WatchRules) -> Self {
        Self {
            state: State::Well,
            falls: VecDeque::with_capacity(FALLS),
            quiet: rules.quiet,
            resolved_at: None,
        }
    }

    /// Creates the state of a target with an open incident.
    #[must_use]
    pub fn raised(rules: &WatchRules, since: Timestamp) -> Self {
        let state = State::Raised {
            since,
            falls: 1,
            back: None,
        };
        Self {
            state,
            ..Self::new(rules)
        }
    }

    /// Records one probe. While paused no incident is raised; a target that is still down afterwards raises one then.
    pub fn observe(
        &mut self,
        rules: &WatchRules,
        probed: Probed,
        paused: bool,
        now: Timestamp,
    ) -> Option<Notice> {
        match probed {
            Probed::Up => self.answered(rules, now),
            Probed::Down => self.failed(rules, paused, now),
        }
    }

    /// Ends the incident of a target that is no longer watched.
    pub fn forget(&mut self, now: Timestamp) -> Option<Notice> {
        let state = std::mem::replace(&mut self.state, State::Well);
        match state {
            State::Raised { falls, .. } => Some(Notice::Resolved { until: now, falls }),
            State::Well | State::Failing { .. } => None,
        }
    }

    /// Returns the start of the open incident.
    #[must_use]
    pub fn raised_since(&self) -> Option<Timestamp> {
        match self.state {
            State::Raised { since, .. } => Some(since),
            State::Well | State::Failing { .. } => None,
        }
    }

    fn failed(&mut self, rules: &WatchRules, paused: bool, now: Timestamp) -> Option<Notice> {
        let (since, failures) = match &mut self.state {
            State::Raised { falls, back, .. } => {
                *falls = falls.saturating_add(u32::from(back.take().is_some()));
                return None;
            }
            State::Well => {
                self.fell(now);
                (now, 1)
            }
            State::Failing { since, failures } => (*since, failures.saturating_add(1)),
        };
        self.state = State::Failing { since, failures };
        let flapping = self.flapping_since(now);
        if paused || (failures < rules.failures && flapping.is_none()) {
            return None;
        }
        let since = flapping.unwrap_or(since);
        self.raise(rules, since, now);
        Some(Notice::Raised { since })
    }

    fn fell(&mut self, now: Timestamp) {
        if self.falls.len() == FALLS {
            self.falls.pop_front();
        }
        self.falls.push_back(now);
    }

    /// Returns the first of the last outages if they are frequent enough to count as flapping.
    fn flapping_since(&self, now: Timestamp) -> Option<Timestamp> {
        let first = self.falls.front()?;
        let soon = now.duration_since(*first) <= FLAPPING;
        (self.falls.len() == FALLS && soon).then_some(*first)
    }

    fn raise(&mut self, rules: &WatchRules, since: Timestamp, now: Timestamp) {
        let again = self
            .resolved_at
            .is_some_and(|at| now.duration_since(at) <= SOON);
        self.quiet = if again {
            (self.quiet * 2).min(MOST_QUIET.max(rules.quiet))
        } else {
            rules.quiet
        };
        let falls = if self.flapping_since(now).is_some() {
            FALLS
        } else {
            1
        };
        self.falls.clear();
        self.state = State::Raised {
            since,
            falls: u32::try_from(falls).unwrap_or(1),
            back: None,
        };
    }

    fn answered(&mut self, rules: &WatchRules, now: Timestamp) -> Option<Notice> {
        let State::Raised { since, falls, back } = self.state else {
            self.state = State::Well;
            return None;
        };
        let mut back = back.unwrap_or(Back {
            at: now,
            successes: 0,
        });
        back.successes = back.successes.saturating_add(1);
        if back.successes < rules.successes || now.duration_since(back.at) < self.quiet {
            let back = Some(back);
            self.state = State::Raised { since, falls, back };
            return None;
        }
        self.state = State::Well;
        self.resolved_at = Some(now);
        let until = back.at;
        Some(Notice::Resolved { until, falls })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: WatchRules = WatchRules {
        failures: 3,
        successes: 2,
        quiet: SignedDuration::from_secs(10),
    };
    const AT_ONCE: WatchRules = WatchRules {
        quiet: SignedDuration::ZERO,
        ..RULES
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// Simulates probes two seconds apart (`u`: up, `d`: down) and returns the events with their seconds.
    fn told(rules: &WatchRules, probes: &str) -> Vec<(i64, Notice)> {
        let mut alarm = Alarm::new(rules);
        observed(&mut alarm, rules, probes, 0)
    }

    fn observed(
        alarm: &mut Alarm,
        rules: &WatchRules,
        probes: &str,
        from: i64,
    ) -> Vec<(i64, Notice)> {
        (from..)
            .step_by(2)
            .zip(probes.chars())
            .filter_map(|(second, probe)| {
                let answer = if probe == 'u' {
                    Probed::Up
                } else {
                    Probed::Down
                };
                let notice = alarm.observe(rules, answer, false, at(second))?;
                Some((second, notice))
            })
            .collect()
    }

    #[test]
    fn one_outage_raises_once_and_resolves_once() {
        let raised = Notice::Raised { since: at(2) };
        let resolved = Notice::Resolved {
            until: at(14),
            falls: 2,
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
        let raised = Notice::Raised { since: at(0) };
        let resolved = Notice::Resolved {
            until: at(6),
            falls: 1,
        };
        assert_eq!(told(&RULES, "ddduuuuu"), [(4, raised)]);
        assert_eq!(told(&RULES, "ddduuuuuu"), [(4, raised), (16, resolved)]);
    }

    #[test]
    fn ten_flaps_in_a_minute_are_one_incident() {
        for flap in ["duu", "ddu", "dddu", "dddduu"] {
            let mut probes = flap.repeat(10);
            probes.push_str("uuuuuuuuu");
            let notices = told(&RULES, &probes);
            assert!(
                matches!(
                    notices[..],
                    [(_, Notice::Raised { .. }), (_, Notice::Resolved { .. })]
                ),
                "{flap}: {notices:?}"
            );
        }
    }

    #[test]
    fn a_flapping_incident_starts_at_the_first_outage() {
        let notices = told(&RULES, "duuduuduud");
        assert_eq!(notices, [(18, Notice::Raised { since: at(0) })]);
        let seldom = "d".to_owned() + &"u".repeat(10);
        assert_eq!(told(&RULES, &seldom.repeat(10)), []);
    }

    #[test]
    fn repeated_incidents_double_the_recovery_period() {
        let mut alarm = Alarm::new(&RULES);
        let outage = "dddu";
        let mut quiets = Vec::new();
        for number in 0..6 {
            let from = number * 300;
            observed(&mut alarm, &RULES, outage, from);
            let up = observed(&mut alarm, &RULES, &"u".repeat(140), from + 8);
            quiets.push(up[0].0 - from - 6);
        }
        assert_eq!(quiets, [10, 20, 40, 80, 160, 240]);
        let later = 6 * 300 + 3_000;
        observed(&mut alarm, &RULES, outage, later);
        let up = observed(&mut alarm, &RULES, "uuuuu", later + 8);
        assert_eq!(up[0].0 - later - 6, 10, "long ago is forgotten");
    }

    #[test]
    fn a_pause_defers_new_incidents() {
        let mut alarm = Alarm::new(&RULES);
        for second in 0..20 {
            let told = alarm.observe(&RULES, Probed::Down, true, at(second));
            assert_eq!(told, None);
        }
        let told = alarm.observe(&RULES, Probed::Down, false, at(20));
        assert_eq!(told, Some(Notice::Raised { since: at(0) }));
    }

    #[test]
    fn a_pause_does_not_defer_recoveries() {
        let mut alarm = Alarm::raised(&AT_ONCE, at(0));
        alarm.observe(&AT_ONCE, Probed::Up, true, at(10));
        let told = alarm.observe(&AT_ONCE, Probed::Up, true, at(12));
        assert_eq!(
            told,
            Some(Notice::Resolved {
                until: at(10),
                falls: 1
            })
        );
        assert!(matches!(alarm.state, State::Well));
    }

    proptest! {
        #[test]
        fn raised_and_resolved_always_alternate(probes in "[ud]{0,400}", quiet in 0i64..30) {
            let quiet = SignedDuration::from_secs(quiet);
            let notices = told(&WatchRules { quiet, ..RULES }, &probes);
            for (place, (_, notice)) in notices.iter().enumerate() {
                let raised = matches!(notice, Notice::Raised { .. });
                prop_assert_eq!(raised, place % 2 == 0);
            }
        }
    }
}
