//! Rows of one tally as the results page shows them.

use std::cmp::Ordering;

use crate::web::api::tally_body::VALUE_SEPARATOR;
use jornada_domain::Campaign;
use jornada_domain::tally::{Others, PublicGroup, PublicTally, TallyRow};
use jornada_domain::text::fold;
use jornada_http::page::PageContext;

/// Counts that belong together: a whole tally, or one value of its first field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) rows: Vec<ShownRow>,
    pub(super) others: Option<Others>,
    pub(super) total: u64,
}

/// A listed value with its count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShownRow {
    pub(super) label: String,
    pub(super) count: u64,
}

/// One value of the first of several fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupRow {
    pub(super) value: String,
    pub(super) total: u64,
    /// The value with the highest count within it.
    pub(super) leader: Option<ShownRow>,
}

impl Scope {
    /// Returns all listed values of a tally, highest first.
    pub(super) fn whole(public: &PublicTally, no_answer: &str) -> Self {
        let rows = public.rows().map(|row| ShownRow::new(row, 0, no_answer));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        Self {
            rows,
            others: public.others,
            total: public.total,
        }
    }

    /// Returns the values within one value of the first field.
    pub(super) fn group(group: &PublicGroup, no_answer: &str) -> Self {
        let rows = group.rows.iter();
        Self {
            rows: rows.map(|row| ShownRow::new(row, 1, no_answer)).collect(),
            others: group.others,
            total: group.total,
        }
    }

    /// Sorts by value, numbers as numbers: the order of a line.
    pub(super) fn sort_by_value(&mut self) {
        let number = |row: &ShownRow| row.label.parse::<i64>().ok();
        self.rows.sort_by(|a, b| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.label.cmp(&b.label),
        });
    }

    pub(super) fn others_count(&self) -> u64 {
        self.others.map_or(0, |others| others.count)
    }
}

impl ShownRow {
    /// Joins the labels from the field `from` on.
    fn new(row: &TallyRow, from: usize, no_answer: &str) -> Self {
        let labels = row.label.get(from..).unwrap_or_default().iter();
        let labels: Vec<_> = labels.map(|label| or_no_answer(label, no_answer)).collect();
        Self {
            label: labels.join(VALUE_SEPARATOR),
            count: row.count,
        }
    }
}

impl GroupRow {
    /// Returns the values of the first field, highest total first.
    pub(super) fn all(public: &PublicTally, no_answer: &str) -> Vec<Self> {
        let single = public.groups.iter().filter(|group| group.label.is_none());
        let mut single = single.flat_map(|group| &group.rows).peekable();
        if single.peek().is_some() {
            let row = |row: &TallyRow| Self {
                value: row.label.concat(),
                total: row.count,
                leader: None,
            };
            return single.map(row).collect();
        }
        let row = |group: &PublicGroup| {
            let leader = group.rows.first();
            Some(Self {
                value: group.label.clone()?,
                total: group.total,
                leader: leader.map(|row| ShownRow::new(row, 1, no_answer)),
            })
        };
        public.groups.iter().filter_map(row).collect()
    }
}

/// Returns the text to show for a value, which is empty for no answer.
pub(super) fn or_no_answer<'t>(label: &'t str, no_answer: &'t str) -> &'t str {
    if label.is_empty() { no_answer } else { label }
}

/// Returns the heading of counts.
pub(super) fn unit(visit: &PageContext, campaign: &Campaign) -> &'static str {
    if campaign.is_vote() {
        text!(visit.lang, "common-votes")
    } else {
        text!(visit.lang, "common-registrations")
    }
}

/// A search of values, regardless of case and accents.
#[derive(Clone, Debug)]
pub(super) struct Search(String);

impl Search {
    pub(super) fn new(typed: &str) -> Self {
        Self(fold(typed))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn finds(&self, label: &str) -> bool {
        self.is_empty() || fold(label).contains(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, count: u64) -> ShownRow {
        let label = label.to_owned();
        ShownRow { label, count }
    }

    #[test]
    fn a_line_is_in_the_order_of_numbers_then_texts() {
        let mut scope = Scope {
            rows: vec![row("b", 1), row("10", 2), row("9", 3), row("a", 4)],
            ..Scope::default()
        };
        scope.sort_by_value();
        let order: Vec<_> = scope.rows.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(order, ["9", "10", "a", "b"]);
    }

    #[test]
    fn a_search_forgets_case_and_accents() {
        assert!(Search::new("PETEN").finds("Petén"));
        assert!(!Search::new("x").finds("Petén") && Search::new(" ").finds("Petén"));
    }
}
