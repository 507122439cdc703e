//! Properties of tallies: what everyone sees adds up, is bounded, and tells no small count.

mod small_counts;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jornada_domain::tally::{MergedTally, PublicTally, TallyCounts, TallyRow};
use jornada_domain::{Campaign, Tally};
use proptest::prelude::*;

const ARTISTS: &str = "Guns N' Roses\nGuns N´ Roses\nR.E.M.\nmil años\nMägo de Oz\n.\nJay‑Z\nMo\n";

/// A campaign with names, a choice, an optional choice and an open field.
fn campaign(options: usize, tallies: &str) -> Campaign {
    let file = format!(
        r#"
id = "prueba"
opens_at = 2026-11-01T00:00:00-05:00
closes_at = 2026-11-02T00:00:00-05:00
time_zone = "America/Bogota"
title = {{ es = "Prueba", en = "Test" }}

[[fields]]
name = "nombre"
kind = "text"
label = {{ es = "Nombre", en = "Name" }}
personal = true

[[fields]]
name = "puesto"
kind = "choice"
range = [1, {options}]
label = {{ es = "Puesto", en = "Post" }}
required = true
tally = true

[[fields]]
name = "turno"
kind = "choice"
range = [1, 2]
required = true
label = {{ es = "Turno", en = "Shift" }}

[[fields]]
name = "artista"
kind = "text"
label = {{ es = "Artista", en = "Artist" }}

{tallies}"#
    );
    Campaign::parse(&file, |_| Err("no list".into())).expect("the file is right")
}

fn closed(options: usize, more: &str) -> Campaign {
    campaign(
        options,
        &format!("[[tallies]]\nid = \"a\"\nby = [\"puesto\"]\n{more}\n"),
    )
}

fn open(more: &str) -> Campaign {
    campaign(
        3,
        &format!("[[tallies]]\nid = \"a\"\nby = [\"artista\"]\n{more}\n"),
    )
}

fn merged(
    campaign: &Campaign,
    counts: impl IntoIterator<Item = (Vec<String>, u64)>,
) -> MergedTally {
    let counts = TallyCounts {
        counts: counts.into_iter().collect(),
        others: 0,
    };
    MergedTally::new(&campaign.fields, first(campaign), &counts)
}

fn first(campaign: &Campaign) -> &Tally {
    &campaign.tallies[0]
}

fn public(campaign: &Campaign, merged: &MergedTally, key: Option<&str>) -> PublicTally {
    PublicTally::new(&campaign.fields, first(campaign), merged, key)
}

fn cell(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

#[test]
fn small_counts_are_summed_and_a_small_sum_is_left_out() {
    let campaign = open("");
    let view = |counts: &[(&str, u64)]| {
        let counts = counts.iter().map(|(name, count)| (cell(&[name]), *count));
        let view = public(&campaign, &merged(&campaign, counts), None);
        let rows: Vec<_> = view
            .rows()
            .map(|row| (row.label[0].clone(), row.count))
            .collect();
        (
            view.total,
            rows,
            view.others.map(|others| (others.count, others.values)),
        )
    };
    let a = || ("A".to_owned(), 7);
    assert_eq!(view(&[("A", 7), ("B", 4)]), (7, vec![a()], None));
    assert_eq!(
        view(&[("A", 7), ("B", 4), ("C", 1)]),
        (12, vec![a()], Some((5, None)))
    );
    assert_eq!(
        view(&[("A", 7), ("B", 4), ("C", 5)]),
        (12, vec![a()], Some((5, None))),
        "in steps of 5"
    );
    assert_eq!(view(&[("B", 4)]), (0, vec![], None));
    assert_eq!(view(&[("A", 5)]), (5, vec![], Some((5, None))));
    assert_eq!(view(&[("A", 6)]).1, [("A".to_owned(), 6)]);
}

#[test]
fn each_artist_is_one_bar_under_the_words_that_most_people_used() {
    let campaign = open("suppress_below = 0");
    let field = &campaign.fields[3];
    for typed in ARTISTS.lines() {
        assert_eq!(field.validate(typed).is_err(), typed == ".", "{typed}");
    }
    let counts = [
        ("Guns N' Roses", 3),
        ("guns n´ roses", 1),
        ("GUNS N’ ROSES", 1),
        ("R.E.M.", 2),
        ("r. e. m.", 1),
        ("mil años", 1),
        ("Mil Años", 1),
        ("Mägo de Oz", 2),
        ("Mago De Oz", 1),
        ("Jay‑Z", 1),
        ("Jay-Z", 2),
        ("Mo", 1),
        ("MØ", 2),
        ("Bogota\u{FE0E}", 1),
        ("Bogotá", 2),
    ];
    let counts = counts.map(|(typed, count)| (cell(&[typed]), count));
    let merged = merged(&campaign, counts);
    let rows: Vec<_> = merged
        .rows
        .iter()
        .map(|row| (row.label[0].as_str(), row.count))
        .collect();
    assert_eq!(
        rows,
        [
            ("Guns N' Roses", 5),
            ("Bogotá", 3),
            ("Jay-Z", 3),
            ("MØ", 3),
            ("Mägo de Oz", 3),
            ("R.E.M.", 3),
            ("Mil Años", 2),
        ]
    );
}

#[test]
fn the_top_is_of_each_group_and_the_rest_is_others() {
    let campaign = campaign(
        3,
        "[[tallies]]\nid = \"a\"\nby = [\"puesto\", \"artista\"]\ntop = 1\nsuppress_below = 0\n",
    );
    let counts = [
        ("1", "A", 9),
        ("1", "B", 2),
        ("1", "C", 1),
        ("2", "B", 20),
        ("3", "", 1),
    ];
    let counts = counts.map(|(post, artist, count)| (cell(&[post, artist]), count));
    let merged = merged(&campaign, counts);
    let view = public(&campaign, &merged, None);
    let rows: Vec<_> = view
        .rows()
        .map(|row| (row.label.join("/"), row.count))
        .collect();
    assert_eq!(
        rows,
        [("2/B".to_owned(), 20), ("1/A".into(), 9), ("3/".into(), 1)]
    );
    assert_eq!((view.total, view.others.unwrap().count), (33, 3));
    assert_eq!(view.others.unwrap().values, Some(2));
    let totals: Vec<_> = view
        .group_totals()
        .into_iter()
        .map(|group| (group.label, group.total))
        .collect();
    assert_eq!(
        totals,
        [("2".to_owned(), 20), ("1".into(), 12), ("3".into(), 1)]
    );
    let one = public(&campaign, &merged, Some("1"));
    assert_eq!(
        (one.total, one.groups.len(), one.others.unwrap().count),
        (12, 1, 3)
    );
    assert_eq!(
        public(&campaign, &merged, Some("4")),
        PublicTally::default()
    );
}

#[test]
fn a_value_without_a_count_of_its_own_is_among_the_others() {
    let campaign = open("suppress_below = 0");
    let mut merged = merged(&campaign, [(vec!["A".to_owned()], 7)]);
    merged.others = 30;
    let told = |key| {
        let view = public(&campaign, &merged, Some(key));
        (view.total, view.others.map(|others| others.count))
    };
    assert_eq!((told("a"), told("b")), ((7, None), (30, Some(30))));
}

/// Pseudo-random text of letters that no compression shortens.
fn noise(seed: u64, chars: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + u8::try_from(state % 94).expect("below 94") + 1)
    };
    (0..chars).map(|_| next()).collect()
}

#[test]
fn an_answer_has_at_most_64_kb_whatever_people_typed() {
    for chars in [4, 20, 120, 500] {
        let campaign = campaign(
            3,
            "[[tallies]]\nid = \"a\"\nby = [\"puesto\", \"artista\"]\nsuppress_below = 0\n",
        );
        let key = |n: u64| cell(&[&(n % 3 + 1).to_string(), &format!("{n}{}", noise(n, chars))]);
        let merged = merged(
            &campaign,
            (0..80_000 / chars as u64).map(|n| (key(n), 1 + n % 1_000)),
        );
        let view = public(&campaign, &merged, None);
        assert_eq!(view.total, merged.total());
        assert!(view.rows().count() <= 1_500);
        let row = |row: &TallyRow| format!("{{\"key\":{:?},\"count\":{}}}", row.label, row.count);
        let json: Vec<_> = view.rows().map(row).collect();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::new(4));
        gzip.write_all(json.join(",").as_bytes()).expect("memory");
        let bytes = gzip.finish().expect("memory").len();
        assert!(bytes <= 64 * 1024, "{chars} characters: {bytes} bytes");
    }
}

#[test]
fn a_closed_list_has_all_values_and_open_answers_the_500_highest() {
    let closed = closed(1_000, "suppress_below = 0");
    let all = merged(&closed, (1..=1_000).map(|n: u64| (vec![n.to_string()], n)));
    assert_eq!(public(&closed, &all, None).rows().count(), 1_000);
    let open = open("suppress_below = 0");
    let all = merged(&open, (1..=1_000).map(|n: u64| (vec![n.to_string()], n)));
    let view = public(&open, &all, None);
    assert_eq!(view.rows().count(), 500);
    let others = view.others.unwrap();
    assert_eq!((others.count, others.values), (500 * 501 / 2, Some(500)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn differences_lead_from_one_view_to_the_next(
        from in prop::collection::vec(0u64..12, 12),
        to in prop::collection::vec(0u64..12, 12),
        below in 0u64..6,
        top in 1usize..5,
        is_open: bool,
    ) {
        let by = if is_open { "\"artista\"" } else { "\"puesto\", \"turno\"" };
        let campaign = campaign(6, &format!("[[tallies]]\nid = \"a\"\nby = [{by}]\ntop = {top}\nsuppress_below = {below}\n"));
        let key = |n: usize| if is_open {
            vec![format!("Artista {n}")]
        } else {
            vec![(n / 2 + 1).to_string(), (n % 2 + 1).to_string()]
        };
        let view = |counts: &[u64]| {
            let counts = counts.iter().enumerate().map(|(n, count)| (key(n), *count));
            public(&campaign, &merged(&campaign, counts), None)
        };
        let (before, after) = (view(&from), view(&to));
        let rows = |view: &PublicTally| -> BTreeMap<_, _> {
            view.rows().map(|row| (row.label.clone(), row.count)).collect()
        };
        let groups = |view: &PublicTally| -> BTreeMap<_, _> {
            let totals = view.group_totals().into_iter();
            totals.map(|group| (group.label.clone(), group)).collect()
        };
        let listed: u64 = after.rows().map(|row| row.count).sum();
        prop_assert_eq!(after.total, listed + after.others.map_or(0, |others| others.count));
        match after.since(&before) {
            None => prop_assert_eq!(&before, &after),
            Some(change) => {
                let (mut seen, mut seen_groups) = (rows(&before), groups(&before));
                for label in &change.removed {
                    prop_assert!(seen.remove(label).is_some());
                }
                for row in &change.rows {
                    prop_assert_ne!(seen.insert(row.label.clone(), row.count), Some(row.count));
                }
                for group in change.groups {
                    seen_groups.insert(group.label.clone(), group);
                }
                seen_groups.retain(|_, group| group.total > 0);
                prop_assert_eq!(seen, rows(&after));
                prop_assert_eq!(seen_groups, groups(&after));
                prop_assert_eq!((change.total, change.others), (after.total, after.others));
            }
        }
    }

    #[test]
    fn spellings_are_joined_whatever_is_typed(typed in prop::collection::vec(("\\PC{0,12}", 1u64..9), 0..20)) {
        let campaign = open("suppress_below = 0");
        let mut counts: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        for (text, count) in typed {
            *counts.entry(vec![text]).or_default() += count;
        }
        let sum: u64 = counts.values().sum();
        let merged = merged(&campaign, counts.clone());
        prop_assert_eq!(merged.total(), sum);
        for row in &merged.rows {
            prop_assert!(counts.contains_key(&row.label));
            prop_assert_eq!(campaign.fields[3].tally_value(&row.label[0]), row.key[0].clone());
        }
        let labels: BTreeSet<_> = merged.rows.iter().map(|row| &row.label).collect();
        prop_assert_eq!(labels.len(), merged.rows.len());
    }
}
