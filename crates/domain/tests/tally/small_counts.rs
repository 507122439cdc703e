//! No public view, and no difference of two successive ones, tells the count of a value that fewer than five people chose.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jornada_domain::Campaign;
use jornada_domain::tally::PublicTally;

use crate::{campaign, cell, closed, merged, open, public};

/// Everything that is public about these counts: the whole view, and that of each value of the first field.
fn told(campaign: &Campaign, cells: &[Vec<String>], counts: &[u64]) -> Vec<PublicTally> {
    let merged = merged(campaign, cells.iter().cloned().zip(counts.iter().copied()));
    let keys: BTreeSet<_> = cells.iter().map(|cell| cell[0].as_str()).collect();
    let keys = keys.into_iter().map(Some);
    let views = [None].into_iter().chain(keys);
    views.map(|key| public(campaign, &merged, key)).collect()
}

/// A value is listed from 6 on.
const HIGHEST: u64 = 7;

/// Every combination of counts from 0 to the highest.
fn combinations(cells: usize) -> Vec<Vec<u64>> {
    let mut all = vec![Vec::new()];
    for _ in 0..cells {
        let longer = |counts: &Vec<u64>| {
            (0..=HIGHEST)
                .map(|count| [&counts[..], &[count]].concat())
                .collect()
        };
        all = all.iter().flat_map::<Vec<_>, _>(longer).collect();
    }
    all
}

/// What follows from `from` by one registration more or less, or by a correction of one.
fn successors(from: &[u64]) -> Vec<Vec<u64>> {
    let places = || (0..from.len()).map(Some).chain([None]);
    let pairs = places().flat_map(|more| places().map(move |less| (more, less)));
    let changed = pairs.filter_map(|(more, less)| {
        let mut next = from.to_vec();
        if let Some(place) = less {
            next[place] = next[place].checked_sub(1)?;
        }
        if let Some(place) = more {
            next[place] += 1;
        }
        (next != from && next.iter().all(|count| *count <= HIGHEST)).then_some(next)
    });
    changed.collect()
}

const LIMIT: u64 = 5;

/// Asserts that no count below the limit follows from what is public about it: counts that may be the true ones, by what
/// they show.
fn assert_nothing_told<T: Ord + std::fmt::Debug>(possible: &BTreeMap<T, Vec<Vec<u64>>>) {
    for (told, worlds) in possible {
        for place in 0..worlds[0].len() {
            let values: BTreeSet<_> = worlds.iter().map(|counts| counts[place]).collect();
            let is_told = values.len() == 1 && values.iter().all(|count| *count < LIMIT);
            assert!(
                !is_told,
                "value {place} must be {values:?} in {told:?}, as in {:?}",
                worlds[0]
            );
        }
    }
}

/// Checks single views, and pairs of views with one registration or correction between them.
fn check_views(campaign: &Campaign, cells: &[Vec<String>]) {
    let mut numbers: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut views: Vec<Vec<PublicTally>> = Vec::new();
    let mut by_view: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    let all = combinations(cells.len());
    let mut known: HashMap<String, usize> = HashMap::new();
    for counts in &all {
        let told = told(campaign, cells, counts);
        let number = *known.entry(format!("{told:?}")).or_insert_with(|| {
            views.push(told);
            views.len() - 1
        });
        numbers.insert(counts.clone(), number);
        by_view.entry(number).or_default().push(counts.clone());
    }
    assert_nothing_told(&by_view);
    let mut by_step: BTreeMap<(usize, usize), Vec<_>> = BTreeMap::new();
    for from in &all {
        for to in successors(from) {
            let step = (numbers[from], numbers[&to]);
            by_step
                .entry(step)
                .or_default()
                .push([&from[..], &to].concat());
        }
    }
    assert_nothing_told(&by_step);
}

#[test]
fn a_closed_list_tells_no_small_count() {
    for options in 1..=4 {
        let cells: Vec<_> = (1..=options).map(|n| vec![n.to_string()]).collect();
        for more in ["", "top = 1", "top = 2"] {
            check_views(&closed(options, more), &cells);
        }
    }
}

#[test]
fn groups_tell_no_small_count() {
    let campaign = campaign(2, "[[tallies]]\nid = \"a\"\nby = [\"puesto\", \"turno\"]\n");
    let cells = [["1", "1"], ["1", "2"], ["2", "1"], ["2", "2"]].map(|parts| cell(&parts));
    check_views(&campaign, &cells);
    let campaign = self::campaign(4, "[[tallies]]\nid = \"a\"\nby = [\"turno\", \"puesto\"]\n");
    let cells = ["1", "2", "3", "4"].map(|post| cell(&["1", post]));
    check_views(&campaign, &cells);
}

#[test]
fn open_answers_tell_no_small_count() {
    let campaign = open("");
    let cells = ["A", "B", "C", "D", "E"].map(|name| cell(&[name]));
    let mut by_view: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for counts in combinations(cells.len()) {
        let told = format!("{:?}", told(&campaign, &cells, &counts));
        by_view.entry(told).or_default().push(counts);
    }
    // Nobody knows which answers exist: some of the five must not occur.
    by_view.retain(|_, worlds| {
        worlds
            .iter()
            .all(|counts| counts.iter().filter(|n| **n > 0).count() <= 3)
    });
    assert_nothing_told(&by_view);
}
