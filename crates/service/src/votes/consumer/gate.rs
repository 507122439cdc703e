//! Decides when a consumer has met so many dead letters that something must be wrong: another campaign file, or a program that
//! writes something else to the queue.

/// Dead letters in a row after which the consumer stops.
const MAX_IN_A_ROW: usize = 100;

/// Number of records of which the share of dead letters is taken.
const WINDOW: usize = 1_000;

/// Share of dead letters in a window above which the consumer stops.
const MAX_IN_WINDOW: usize = WINDOW / 5;

/// Counts the latest records.
#[derive(Debug, Default)]
pub(super) struct DeadLetterGate {
    in_a_row: usize,
    /// Numbers of records and dead letters of the latest batches, up to about [`WINDOW`] records.
    batches: std::collections::VecDeque<(usize, usize)>,
}

impl DeadLetterGate {
    /// Counts a batch. Returns whether the consumer must stop.
    pub(super) fn record(&mut self, records: usize, dead: usize) -> bool {
        self.in_a_row = if records == dead {
            self.in_a_row + dead
        } else {
            0
        };
        self.batches.push_back((records, dead));
        let mut all: usize = self.batches.iter().map(|(records, _)| records).sum();
        while let Some((oldest, _)) = self
            .batches
            .pop_front_if(|(oldest, _)| all - *oldest >= WINDOW)
        {
            all -= oldest;
        }
        let dead: usize = self.batches.iter().map(|(_, dead)| dead).sum();
        self.in_a_row >= MAX_IN_A_ROW || (all >= WINDOW && dead * WINDOW > MAX_IN_WINDOW * all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_stops_after_a_hundred_dead_letters_in_a_row() {
        let mut gate = DeadLetterGate::default();
        assert!((0..99).all(|_| !gate.record(1, 1)));
        assert!(!gate.record(1, 0));
        assert!((0..99).all(|_| !gate.record(1, 1)));
        assert!(gate.record(1, 1));
        assert!(DeadLetterGate::default().record(100, 100));
    }

    #[test]
    fn a_consumer_stops_above_a_fifth_of_a_thousand() {
        let mut gate = DeadLetterGate::default();
        assert!(!gate.record(999, 300));
        assert!(gate.record(1, 0));
        let mut gate = DeadLetterGate::default();
        assert!((0..10).all(|_| !gate.record(1_000, 200)));
        assert!(gate.record(1_000, 201));
        let mut gate = DeadLetterGate::default();
        assert!(gate.record(1_000, 500));
        assert!(!gate.record(1_000, 0));
    }
}
