//! The first reading of a file of results: its sums and its mistakes.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use crate::web::error::answer::answer_message;
use jornada_domain::tally::TallyCounts;
use jornada_domain::{Campaign, FieldError, Lang};
use jornada_service::votes::import::results::{CountedVote, ResultsError, ResultsReader};

/// Maximum number of different mistakes that are listed.
const MAX_MISTAKES: usize = 20;

/// Maximum number of sums that are printed.
const MAX_SUMS: usize = 30;

/// Sums and mistakes of a file.
pub(super) struct Plan {
    /// SHA-256 of the file.
    pub(super) digest: String,
    /// The first count of valid votes.
    pub(super) first: Option<CountedVote>,
    /// Number of valid votes.
    pub(super) votes: u64,
    /// Number of lines after the heading that are not empty.
    pub(super) lines: u64,
    skipped: u64,
    /// Field by whose answers `sums` counts: the last of the first tally.
    summed: Option<usize>,
    sums: TallyCounts,
    mistakes: Vec<Mistake>,
    other_mistakes: u64,
}

/// A mistake, where it was found first, and how often.
struct Mistake {
    line: u64,
    text: String,
    times: u64,
}

impl Plan {
    /// Reads a file to its end, and judges each count as one vote.
    pub(super) fn read(
        mut results: ResultsReader<File>,
        campaign: &Campaign,
    ) -> anyhow::Result<Self> {
        let by = campaign.tallies.first().and_then(|tally| tally.by.last());
        let mut plan = Self {
            digest: String::new(),
            first: None,
            votes: 0,
            lines: 0,
            skipped: 0,
            summed: by.copied(),
            sums: TallyCounts::default(),
            mistakes: Vec::new(),
            other_mistakes: 0,
        };
        while let Some(line) = results.next_line() {
            plan.lines += 1;
            match line {
                Ok(line) => {
                    plan.skipped += line.skipped;
                    for counted in &line.counts {
                        plan.add(campaign, counted);
                    }
                }
                Err(ResultsError::Line { line, what }) => plan.note(line, what),
                Err(error) => return Err(error.into()),
            }
        }
        plan.digest = results.digest();
        Ok(plan)
    }

    fn add(&mut self, campaign: &Campaign, counted: &CountedVote) {
        match campaign.validate(&counted.answers) {
            Ok(answers) => {
                self.first.get_or_insert_with(|| counted.clone());
                self.votes += counted.votes;
                let value = self.summed.and_then(|field| answers.get(field));
                let key = vec![value.unwrap_or_default().to_owned()];
                self.sums
                    .add(key, i64::try_from(counted.votes).unwrap_or(i64::MAX));
            }
            Err(errors) => {
                for error in errors {
                    self.note(counted.line, describe(counted, &error));
                }
            }
        }
    }

    /// Lists a mistake once, with the number of times.
    fn note(&mut self, line: u64, text: String) {
        if let Some(known) = self.mistakes.iter_mut().find(|known| known.text == text) {
            known.times += 1;
        } else if self.mistakes.len() < MAX_MISTAKES {
            let times = 1;
            self.mistakes.push(Mistake { line, text, times });
        } else {
            self.other_mistakes += 1;
        }
    }

    /// Returns the number of mistakes.
    pub(super) fn mistakes(&self) -> u64 {
        let listed = self.mistakes.iter().map(|mistake| mistake.times);
        listed.sum::<u64>() + self.other_mistakes
    }

    /// Prints mistakes and sums.
    pub(super) fn print(&self, campaign: &Campaign) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        for mistake in &self.mistakes {
            write!(out, "line {}: {}", mistake.line, mistake.text)?;
            match mistake.times {
                1 => writeln!(out)?,
                times => writeln!(out, " ({times} times)")?,
            }
        }
        if self.other_mistakes > 0 {
            writeln!(out, "and {} more mistakes", self.other_mistakes)?;
        }
        let Self {
            lines,
            votes,
            skipped,
            ..
        } = self;
        writeln!(out, "{lines} lines, {votes} votes, {skipped} skipped")?;
        let field = self.summed.and_then(|index| campaign.fields.get(index));
        let name = field.map_or("", |field| field.name.as_str());
        let mut sums: Vec<_> = self.sums.counts.iter().collect();
        sums.sort_by(|a, b| b.1.cmp(a.1));
        for (value, count) in sums.iter().take(MAX_SUMS) {
            writeln!(out, "  {name} {}: {count}", value.concat())?;
        }
        let others = sums.iter().skip(MAX_SUMS).map(|(_, count)| **count);
        let others = others.sum::<u64>() + self.sums.others;
        if others > 0 {
            writeln!(out, "  others: {others}")?;
        }
        out.flush()
    }
}

fn describe(counted: &CountedVote, error: &FieldError) -> String {
    let value: String = counted
        .answers
        .value(&error.field)
        .chars()
        .take(80)
        .collect();
    let message = answer_message(&error.error, Lang::En);
    format!("{} '{}': {message}", error.field, value.escape_debug())
}
