//! The public view of a tally: the highest counts, and the sum of all others. Bounded, whatever people typed.

use std::collections::BTreeMap;

use super::suppression::{Suppressed, in_steps, suppress};
use super::{DEFAULT_TOP, Field, MergedTally, Tally, TallyRow};

/// Maximum size of the listed labels in bytes, so that no answer exceeds 64 KB compressed.
const MAX_LABEL_BYTES: usize = 72_000;
/// What a row costs beside its labels: a count and separators, compressed.
const ROW_BYTES: usize = 8;

/// The part of a tally that everyone may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicTally {
    /// Sum of everything that is published, others included.
    pub total: u64,
    /// One group for each value of the first field, highest total first; a tally of one field has one group.
    pub groups: Vec<PublicGroup>,
    /// Everything that is not listed, of all groups.
    pub others: Option<Others>,
}

/// The counts within one value of the first field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicGroup {
    /// The value of the first field; `None` if the tally has only one field.
    pub label: Option<String>,
    /// Sum of the rows and the others.
    pub total: u64,
    /// Listed counts, highest first.
    pub rows: Vec<TallyRow>,
    /// Counts of this group that are not listed.
    pub others: Option<Others>,
}

/// Counts that are not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Number of registrations.
    pub count: u64,
    /// Number of values; `None` if it is not known, or if telling it could tell a small count.
    pub values: Option<u64>,
}

impl PublicTally {
    /// Creates the public view, of one value of the first field only if `first` is given. A value without a count of its own
    /// may be among those that are counted together: the view has them as others then.
    pub fn new(fields: &[Field], tally: &Tally, merged: &MergedTally, first: Option<&str>) -> Self {
        let mut groups: Vec<_> = split(tally, merged, first)
            .into_iter()
            .map(|(key, rows)| PublicGroup::new(fields, tally, key.is_some(), rows, first))
            .filter(|group| group.total > 0)
            .collect();
        groups.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.label.cmp(&b.label)));
        let unlisted = fit(&mut groups);
        let has_value = |row: &TallyRow| row.key.first().map(String::as_str) == first;
        let may_have = first.is_none() || !merged.rows.iter().any(has_value);
        let uncounted = in_steps(merged.others, tally).filter(|_| may_have);
        let uncounted = uncounted.map(|count| Others {
            count,
            values: None,
        });
        let of_groups = groups.iter().filter_map(|group| group.others);
        let others = of_groups.chain(unlisted).chain(uncounted);
        let others = others.reduce(Others::and);
        let listed = groups.iter().flat_map(|group| &group.rows);
        let listed = listed.fold(0u64, |sum, row| sum.saturating_add(row.count));
        Self {
            total: listed.saturating_add(others.map_or(0, |others| others.count)),
            groups,
            others,
        }
    }

    /// Iterates over all listed rows, group by group.
    pub fn rows(&self) -> impl Iterator<Item = &TallyRow> {
        self.groups.iter().flat_map(|group| &group.rows)
    }
}

impl PublicGroup {
    fn new(
        fields: &[Field],
        tally: &Tally,
        has_label: bool,
        rows: Vec<TallyRow>,
        first: Option<&str>,
    ) -> Self {
        let by = tally.key_fields(fields);
        let within = by.get(usize::from(has_label)..).unwrap_or_default();
        let first_row = rows.first().filter(|_| has_label);
        let label = first_row.map(|row| row.label[0].clone());
        let mut public = suppress(rows, tally, possible_keys(within));
        if let (Some(wanted), false) = (first, has_label) {
            public.listed.retain(|row| row.key[0] == wanted);
            public.sum = None;
        }
        let is_closed = by.iter().all(|field| field.closed_values().is_some());
        let default_top = if is_closed { usize::MAX } else { DEFAULT_TOP };
        Self::from_public(label, public, tally.top.unwrap_or(default_top))
    }

    fn from_public(label: Option<String>, public: Suppressed, top: usize) -> Self {
        let Suppressed { mut listed, sum } = public;
        let rest = listed.split_off(listed.len().min(top));
        let small = sum.map(|count| Others {
            count,
            values: None,
        });
        let others = rest.iter().map(Others::from).chain(small);
        let mut group = Self {
            label,
            total: 0,
            others: others.reduce(Others::and),
            rows: listed,
        };
        group.total = group.sum();
        group
    }

    fn sum(&self) -> u64 {
        let others = self.others.map_or(0, |others| others.count);
        let counts = self.rows.iter().map(|row| row.count);
        counts.fold(others, u64::saturating_add)
    }

    /// Takes the rows beyond this size out of the list and returns what is left of the size.
    fn fit(&mut self, room: usize) -> usize {
        let label = self.label.as_ref().map_or(0, String::len);
        let mut room = room.saturating_sub(label + ROW_BYTES);
        let fitting = self.rows.iter().take_while(|row| {
            let bytes = ROW_BYTES + row.label.iter().map(String::len).sum::<usize>();
            let fits = bytes <= room;
            room = if fits { room - bytes } else { 0 };
            fits
        });
        let fitting = fitting.count();
        let rest = self.rows.split_off(fitting);
        let others = self.others.into_iter().chain(rest.iter().map(Others::from));
        self.others = others.reduce(Others::and);
        room
    }
}

impl Others {
    /// Adds others; the number of values is known only if both are.
    fn and(self, other: Self) -> Self {
        let values = self.values.zip(other.values);
        Self {
            count: self.count.saturating_add(other.count),
            values: values.map(|(a, b)| a.saturating_add(b)),
        }
    }
}

impl From<&TallyRow> for Others {
    fn from(row: &TallyRow) -> Self {
        Self {
            count: row.count,
            values: Some(1),
        }
    }
}

/// Splits the rows by the first of several fields; returns only one group if its value is given.
fn split<'m>(
    tally: &Tally,
    merged: &'m MergedTally,
    first: Option<&str>,
) -> BTreeMap<Option<&'m str>, Vec<TallyRow>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in &merged.rows {
        let key = row.key.first().filter(|_| tally.by.len() > 1);
        let key = key.map(String::as_str);
        if key.is_none() || first.is_none() || key == first {
            groups.entry(key).or_default().push(row.clone());
        }
    }
    groups
}

/// Returns how many different keys these fields can have, no answer included; `None` if that is not known.
fn possible_keys(fields: &[&Field]) -> Option<u64> {
    fields.iter().try_fold(1u64, |product, field| {
        let values = field.closed_values()? as u64 + u64::from(!field.required);
        Some(product.saturating_mul(values))
    })
}

/// Cuts the list at its maximum size and returns the groups that have no room at all.
fn fit(groups: &mut Vec<PublicGroup>) -> Option<Others> {
    let mut room = MAX_LABEL_BYTES;
    let mut fitting = 0;
    for group in groups.iter_mut() {
        if room == 0 {
            break;
        }
        room = group.fit(room);
        fitting += 1;
    }
    let rest = groups.split_off(fitting);
    let rows = rest
        .iter()
        .flat_map(|group| group.rows.iter().map(Others::from).chain(group.others));
    rows.reduce(Others::and)
}
