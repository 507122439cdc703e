//! Tallies of campaign files: what is read, and what is told about mistakes.

use super::*;
use crate::campaign::tests::EXAMPLE;
use crate::tally::ChartKind;

fn parse(more: &str) -> Result<Campaign, Vec<String>> {
    let list = |_: &str| Ok("name,region\nBogotá,Bogotá D.C.\n".to_owned());
    let text = |errors: Vec<crate::campaign::CampaignFileError>| {
        errors.iter().map(ToString::to_string).collect()
    };
    Campaign::parse(&format!("{EXAMPLE}\n{more}"), list).map_err(text)
}

#[test]
fn a_file_without_tallies_has_one_of_the_tally_field() {
    let campaign = parse("").unwrap();
    let [tally] = &campaign.tallies[..] else {
        panic!("one tally: {:?}", campaign.tallies);
    };
    assert_eq!((tally.id.as_str(), &tally.by[..]), ("ciudad", &[2][..]));
    assert_eq!((tally.suppress_below, tally.is_public), (5, true));
    assert_eq!(campaign.staff_tally(), Some(tally));
    let without_persons = EXAMPLE.replace("personal = true\n", "");
    let list = |_: &str| Ok("name,region\nBogotá,Bogotá D.C.\n".to_owned());
    let campaign = Campaign::parse(&without_persons, list).unwrap();
    assert_eq!(campaign.tallies[0].suppress_below, 0);
}

#[test]
fn tallies_are_read_and_their_fields_are_counted() {
    let field = "[[fields]]\nname = \"turno\"\nkind = \"choice\"\nrange = [1, 3]\n\
                 label = { es = \"Turno\", en = \"Shift\" }\n";
    let tally = "[[tallies]]\nid = \"por-turno\"\nby = [\"turno\"]\nwhere = { ciudad = \"BOGOTA\" }\ntop = 3\n\
                 chart = \"share\"\nsuppress_below = 2\n";
    let campaign = parse(&format!("{field}{tally}")).unwrap();
    let public: Vec<_> = campaign.public_tallies().collect();
    let expected = Tally {
        id: "por-turno".into(),
        title: None,
        by: vec![4],
        filter: vec![(2, "Bogotá".into())],
        filter_labels: vec!["Bogotá".into()],
        top: Some(3),
        chart: ChartKind::Share,
        suppress_below: 2,
        is_public: true,
    };
    assert_eq!(public, [&expected]);
    assert_eq!(campaign.counted_fields(), [2, 4]);
    let counted: Vec<_> = campaign
        .fields
        .iter()
        .map(|field| field.is_counted)
        .collect();
    assert_eq!(counted, [false, false, true, false, true]);
    // The staff's lists need all registrations by city.
    let staff = campaign.staff_tally().unwrap();
    assert_eq!((&staff.by[..], staff.is_public), (&[2][..], false));
    let whole = parse("[[tallies]]\nid = \"todos\"\nby = [\"ciudad\"]\n").unwrap();
    assert_eq!(whole.tallies.len(), 1, "it serves the staff as well");
}

#[test]
fn several_tallies_may_tell_the_small_counts_of_each_other() {
    let one = "[[tallies]]\nid = \"a\"\nby = [\"ciudad\"]\n";
    let open = "suppress_below = 0\n";
    let two = |first: &str, second: &str| {
        let other = one.replace("\"a\"", "\"b\"");
        let campaign = parse(&format!("{one}{first}{other}{second}")).unwrap();
        campaign.has_tallies_that_tell_small_counts()
    };
    assert!(two("", "") && two(open, "") && two("", open));
    assert!(!two(open, open) && !two("suppress_below = 1\n", open));
    assert!(!parse(one).unwrap().has_tallies_that_tell_small_counts());
}

#[test]
fn the_filter_by_a_free_answer_is_shown_as_it_is_written() {
    let field = "[[fields]]\nname = \"artista\"\nkind = \"text\"\nmax = 50\n\
                 label = { es = \"Artista\", en = \"Artist\" }\n";
    let tally =
        "[[tallies]]\nid = \"a\"\nby = [\"ciudad\"]\nwhere = { artista = \"Mägo de Oz\" }\n";
    let campaign = parse(&format!("{field}{tally}")).unwrap();
    let tally = campaign.public_tallies().next().unwrap();
    assert_eq!(tally.filter, [(4, "mago de oz".into())]);
    assert_eq!(tally.filter_labels, ["Mägo de Oz"]);
}

#[test]
fn every_mistake_says_how_to_mend_it() {
    let by = |by: &str| format!("id = \"a\"\nby = {by}\n");
    for (tally, expected) in [
        (
            "by = [\"ciudad\"]\n".to_owned(),
            "tallies[1].id: missing: expected 1 to 40 of a-z",
        ),
        (
            "id = \"events\"\nby = [\"ciudad\"]\n".into(),
            "tallies[events].id: expected 1 to 40 of a-z, 0-9 and -, and not 'events', 'lang', 'q' or 'screen'",
        ),
        (
            "id = \"a\"\n".into(),
            "tallies[a].by: missing: expected 1 to 3 names",
        ),
        (by("[]"), "tallies[a].by: expected 1 to 3 names"),
        (
            by("[\"ciudad\", \"ciudad\"]"),
            "tallies[a].by: 'ciudad' is in it twice",
        ),
        (
            by("[\"pueblo\"]"),
            "tallies[a].by: no field is named 'pueblo': expected one of nombre, documento, ciudad, foto",
        ),
        (by("[\"nombre\"]"), "tallies[a].by: 'nombre' is personal"),
        (by("[3]"), "tallies[a].by: expected 1 to 3 names"),
        (
            by("[\"ciudad\"]\ntop = 0"),
            "tallies[a].top: expected a whole number from 1 to 500",
        ),
        (
            by("[\"ciudad\"]\ntop = 501"),
            "tallies[a].top: expected a whole number from 1 to 500",
        ),
        (
            by("[\"ciudad\"]\nchart = \"pie\""),
            "tallies[a].chart: expected bar, share or line",
        ),
        (
            by("[\"ciudad\"]\nsuppress_below = 1001"),
            "tallies[a].suppress_below: expected a whole number from 0 to 1000",
        ),
        (
            by("[\"ciudad\"]\nwhere = { ciudad = \"Bogotá\" }"),
            "tallies[a].where.ciudad: 'ciudad' is in by already",
        ),
        (
            by("[\"ciudad\"]\nwhere = { pueblo = \"x\" }"),
            "tallies[a].where.pueblo: no field is named",
        ),
        (by("[\"ciudad\"]\nmost = 3"), "tallies[a].most: unknown key"),
    ] {
        let found = parse(&format!("[[tallies]]\n{tally}")).unwrap_err();
        assert_eq!(found.len(), 1, "one cause, one message: {found:?}");
        assert!(
            found[0].contains(expected),
            "{expected} is not in {found:?}"
        );
    }
    let field = "[[fields]]\nname = \"turno\"\nkind = \"choice\"\nrange = [1, 3]\n\
                 label = { es = \"Turno\", en = \"Shift\" }\n";
    let tally = by("[\"ciudad\"]\nwhere = { turno = 4 }");
    let found = parse(&format!("{field}[[tallies]]\n{tally}")).unwrap_err();
    assert!(
        found[0].contains("where.turno: '4' is not an answer to 'turno'"),
        "{found:?}"
    );
}

#[test]
fn mistakes_of_the_list_of_tallies_are_told() {
    let one = "[[tallies]]\nid = \"a\"\nby = [\"ciudad\"]\n";
    let found = parse(&one.repeat(2)).unwrap_err();
    assert!(
        found[0].contains("tallies[a].id: another tally has this id"),
        "{found:?}"
    );
    let many: String = (0..11)
        .map(|n| one.replace("\"a\"", &format!("\"a{n}\"")))
        .collect();
    let found = parse(&many).unwrap_err();
    assert!(
        found[0].contains(
            "tallies: expected one [[tallies]] for each tally, at least one and at most 10"
        ),
        "{found:?}"
    );
    let file = EXAMPLE.replace("tally = true\n", "");
    let found = Campaign::parse(&format!("{file}\n{one}"), |_| {
        Ok("name,region\nCali,Valle\n".into())
    });
    let found: Vec<_> = found.unwrap_err().iter().map(ToString::to_string).collect();
    assert!(
        found[0].contains("tally = true, also with [[tallies]]"),
        "{found:?}"
    );
}

#[test]
fn a_field_with_its_own_mistake_is_told_once() {
    let file = EXAMPLE.replace("lista.csv", "otra.csv");
    let one = "[[tallies]]\nid = \"a\"\nby = [\"ciudad\"]\n";
    let found = Campaign::parse(&format!("{file}\n{one}"), |_| Err("cannot read".into()));
    let found: Vec<_> = found.unwrap_err().iter().map(ToString::to_string).collect();
    assert!(
        found.iter().all(|error| !error.contains("tallies[")),
        "{found:?}"
    );
}
