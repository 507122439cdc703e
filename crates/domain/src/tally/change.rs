//! The difference between two public views of a tally, for clients that have the earlier one.

use std::collections::{HashMap, HashSet};

use super::{Others, PublicGroup, PublicTally, TallyRow};

/// What is different in the later of two public views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TallyChange {
    /// Total of the later view.
    pub total: u64,
    /// Others of the later view.
    pub others: Option<Others>,
    /// Groups with another total or other others; a total of 0 for groups that are gone.
    pub groups: Vec<GroupTotal>,
    /// Rows that are new or have another count.
    pub rows: Vec<TallyRow>,
    /// Labels of rows that are gone.
    pub removed: Vec<Vec<String>>,
}

/// Totals of a group without its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTotal {
    /// The value of the first field.
    pub label: String,
    /// Sum of its rows and its others.
    pub total: u64,
    /// Its counts that are not listed.
    pub others: Option<Others>,
}

impl PublicTally {
    /// Returns the difference to an earlier view, or `None` if there is none.
    pub fn since(&self, earlier: &Self) -> Option<TallyChange> {
        if self == earlier {
            return None;
        }
        let before = counts(earlier);
        let after = counts(self);
        let changed = |row: &&TallyRow| before.get(&*row.label) != Some(&row.count);
        let gone = |row: &&TallyRow| !after.contains_key(&*row.label);
        Some(TallyChange {
            total: self.total,
            others: self.others,
            groups: changed_groups(earlier, self),
            rows: self.rows().filter(changed).cloned().collect(),
            removed: earlier
                .rows()
                .filter(gone)
                .map(|row| row.label.clone())
                .collect(),
        })
    }

    /// Returns the totals of the groups; none if the tally has one field.
    pub fn group_totals(&self) -> Vec<GroupTotal> {
        self.groups.iter().filter_map(GroupTotal::of).collect()
    }
}

impl GroupTotal {
    fn of(group: &PublicGroup) -> Option<Self> {
        Some(Self {
            label: group.label.clone()?,
            total: group.total,
            others: group.others,
        })
    }
}

fn counts(view: &PublicTally) -> HashMap<&[String], u64> {
    view.rows()
        .map(|row| (row.label.as_slice(), row.count))
        .collect()
}

fn changed_groups(earlier: &PublicTally, later: &PublicTally) -> Vec<GroupTotal> {
    let (before, after) = (earlier.group_totals(), later.group_totals());
    let known: HashMap<_, _> = before.iter().map(|group| (&group.label, group)).collect();
    let left: HashSet<_> = after.iter().map(|group| &group.label).collect();
    let gone = before.iter().filter(|group| !left.contains(&group.label));
    let gone = gone.map(|group| GroupTotal {
        label: group.label.clone(),
        total: 0,
        others: None,
    });
    let changed = after
        .iter()
        .filter(|group| known.get(&group.label) != Some(group));
    changed.cloned().chain(gone).collect()
}
