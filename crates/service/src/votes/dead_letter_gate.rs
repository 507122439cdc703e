//! Stops a consumer when too many records cannot become votes: most likely something is set up wrongly, and a flood of dead
//! letters would hide what is.

use std::collections::VecDeque;

use derive_more::Display;

/// Number of dead letters in a row that stop a consumer.
pub const MAX_IN_A_ROW: usize = 100;

/// Number of records of which the share of dead letters is taken.
pub const WINDOW: usize = 1_000;

/// Number of dead letters of the last [`WINDOW`] records above which a consumer stops: 20 %.
pub const MAX_OF_WINDOW: usize = WINDOW / 5;

/// Why a consumer stops.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq)]
pub enum DeadLetterLimit {
    /// [`MAX_IN_A_ROW`].
    #[display("{MAX_IN_A_ROW} records in a row cannot become votes")]
    InARow,
    /// More than [`MAX_OF_WINDOW`].
    #[display("more than {MAX_OF_WINDOW} of the last {WINDOW} records cannot become votes")]
    Share,
}

/// Counts the records and dead letters of one consumer. Once a limit is reached, it stays reached.
#[derive(Clone, Debug, Default)]
pub struct DeadLetterGate {
    in_a_row: usize,
    /// Whether each of the last records was a dead letter.
    window: VecDeque<bool>,
    of_window: usize,
    reached: Option<DeadLetterLimit>,
}

impl DeadLetterGate {
    /// Counts a record, in the order of the queue. Returns the limit that is reached, if any: the consumer stops.
    pub fn count(&mut self, is_dead_letter: bool) -> Option<DeadLetterLimit> {
        if self.window.len() == WINDOW {
            let left = self.window.pop_front();
            self.of_window -= usize::from(left == Some(true));
        }
        self.window.push_back(is_dead_letter);
        self.of_window += usize::from(is_dead_letter);
        self.in_a_row = if is_dead_letter { self.in_a_row + 1 } else { 0 };
        if self.reached.is_none() {
            self.reached = self.check();
        }
        self.reached
    }

    /// Returns the limit that was reached, if any.
    pub fn reached(&self) -> Option<DeadLetterLimit> {
        self.reached
    }

    fn check(&self) -> Option<DeadLetterLimit> {
        if self.in_a_row >= MAX_IN_A_ROW {
            return Some(DeadLetterLimit::InARow);
        }
        (self.of_window > MAX_OF_WINDOW).then_some(DeadLetterLimit::Share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of records after which the gate stops, and why.
    fn stop(records: impl Iterator<Item = bool>) -> Option<(usize, DeadLetterLimit)> {
        let mut gate = DeadLetterGate::default();
        let mut counted = (1..).zip(records);
        counted.find_map(|(number, is_dead)| Some((number, gate.count(is_dead)?)))
    }

    #[test]
    fn a_hundred_in_a_row_stop() {
        let row = |length: usize| {
            let votes = std::iter::repeat_n(false, 5_000);
            votes.chain((0..length).map(|_| true)).chain([false])
        };
        assert_eq!(stop(row(99)), None);
        assert_eq!(stop(row(100)), Some((5_100, DeadLetterLimit::InARow)));
        assert_eq!(
            stop(row(100).skip(5_000)),
            Some((100, DeadLetterLimit::InARow))
        );
        let one_vote_between = (0..199).map(|number| number != 99);
        assert_eq!(stop(one_vote_between), None);
    }

    #[test]
    fn more_than_a_fifth_of_the_last_thousand_stop() {
        let each_fifth = (0..100_000).map(|number| number % 5 == 0);
        assert_eq!(stop(each_fifth.clone()), None, "a fifth is not more");
        let one_more = each_fifth.clone().enumerate();
        let one_more = one_more.map(|(number, is_dead)| is_dead || number == 50_001);
        assert_eq!(stop(one_more), Some((50_002, DeadLetterLimit::Share)));
        // Records before the window do not count.
        let apart = (0..50_000).map(|number| number % 1_400 < 200 && number % 2 == 0);
        assert_eq!(stop(apart), None);
        let each_second = (0..).map(|number| number % 2 == 0);
        assert_eq!(stop(each_second), Some((401, DeadLetterLimit::Share)));
    }

    #[test]
    fn a_reached_limit_stays_until_a_restart() {
        let mut gate = DeadLetterGate::default();
        for _ in 0..100 {
            gate.count(true);
        }
        for _ in 0..5_000 {
            assert_eq!(gate.count(false), Some(DeadLetterLimit::InARow));
        }
        assert_eq!(gate.reached(), Some(DeadLetterLimit::InARow));
        let told = [DeadLetterLimit::InARow, DeadLetterLimit::Share].map(|limit| limit.to_string());
        assert_eq!(told[0], "100 records in a row cannot become votes");
        assert_eq!(
            told[1],
            "more than 200 of the last 1000 records cannot become votes"
        );
        assert_eq!(DeadLetterGate::default().reached(), None);
    }
}
