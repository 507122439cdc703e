//! Decides which orphaned photos are explained: their put is one that the store lists as unresolved, because its process
//! died or never learnt the outcome.
//!
//! A restored backup lists puts that were in progress when it was made, and has lost the registrations of later ones.
//! Then the orphans of a run contradict its range: some are outside of it, or one says that another was resolved. Such a
//! run explains nothing.

use std::collections::HashMap;

use jornada_objects::PutId;
use jornada_store::UnresolvedPhotos;

/// Ranges of unresolved puts, and what the orphans tell about their runs.
#[derive(Default)]
pub(super) struct Explanations(HashMap<[u8; 12], RunEvidence>);

/// Range of a run, with what its orphans tell.
struct RunEvidence {
    range: UnresolvedPhotos,
    lowest_orphan: u64,
    resolved_below: u64,
    is_outside: bool,
}

impl Explanations {
    pub(super) fn new(ranges: Vec<UnresolvedPhotos>) -> Self {
        let runs = ranges.into_iter().map(|range| {
            let evidence = RunEvidence {
                range,
                lowest_orphan: u64::MAX,
                resolved_below: 0,
                is_outside: false,
            };
            (range.run, evidence)
        });
        Self(runs.collect())
    }

    /// Takes the put of an orphan into account. Returns whether it may be explained.
    pub(super) fn observe(&mut self, put: PutId) -> bool {
        let Some(run) = self.0.get_mut(&put.run) else {
            return false;
        };
        run.lowest_orphan = run.lowest_orphan.min(put.number);
        run.resolved_below = run.resolved_below.max(put.resolved_below);
        run.is_outside |= !(run.range.low..run.range.high).contains(&put.number);
        !run.is_outside
    }

    /// Returns whether an orphan is explained, after all were observed.
    pub(super) fn explain(&self, put: PutId) -> bool {
        self.0.get(&put.run).is_some_and(|run| {
            let is_contradicted = run.is_outside || run.lowest_orphan < run.resolved_below;
            !is_contradicted
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const NONE: [u64; 0] = [];

    /// Returns which of the orphans with these numbers, and what was resolved below, are explained by a range.
    fn explained(low: u64, high: u64, orphans: &[(u64, u64)]) -> Vec<u64> {
        let range = UnresolvedPhotos {
            run: [1; 12],
            low,
            high,
            seen_at: Timestamp::UNIX_EPOCH,
        };
        let mut explanations = Explanations::new(vec![range]);
        let put = |&(number, resolved_below): &(u64, u64)| PutId {
            run: [1; 12],
            number,
            resolved_below,
        };
        for orphan in orphans {
            explanations.observe(put(orphan));
        }
        let explained = orphans
            .iter()
            .filter(|orphan| explanations.explain(put(orphan)));
        explained.map(|(number, _)| *number).collect()
    }

    #[test]
    fn puts_in_progress_at_a_crash_are_explained() {
        assert_eq!(explained(5, 256, &[(5, 5), (9, 5), (7, 5)]), [5, 9, 7]);
        assert_eq!(explained(5, 256, &[]), NONE);
    }

    #[test]
    fn orphans_of_an_older_store_are_not() {
        assert_eq!(explained(5, 256, &[(5, 5), (6, 6)]), NONE, "5 was resolved");
        assert_eq!(explained(5, 256, &[(5, 5), (256, 5)]), NONE, "after it");
        assert_eq!(explained(5, 256, &[(5, 5), (4, 4)]), NONE, "before it");
    }

    #[test]
    fn an_unknown_run_explains_nothing() {
        let mut explanations = Explanations::default();
        let put = PutId::random().unwrap();
        assert!(!explanations.observe(put) && !explanations.explain(put));
    }
}
