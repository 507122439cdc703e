use std::collections::BTreeSet;

use super::*;

fn entry() -> Entry {
    let at = Timestamp::from_second(1_795_000_000).unwrap();
    let campaign = CampaignId::parse("vacunacion").unwrap();
    let deed = Deed::of(Action::Report)
        .within(&campaign)
        .to("a".into())
        .to("b".into())
        .with("format", "csv");
    Entry {
        seq: 7,
        note: Note {
            from: Some([192, 0, 2, 1].into()),
            request_id: Some("abc".into()),
            ..Note::by(Doer::CommandLine, deed, at)
        },
        before: [1; 32],
        hash: [2; 32],
    }
}

#[test]
fn every_part_of_an_entry_stands_in_what_is_hashed() {
    let changes: [fn(&mut Entry); 14] = [
        |entry| entry.seq += 1,
        |entry| entry.before[31] = 0,
        |entry| entry.note.at += jiff::SignedDuration::from_millis(1),
        |entry| entry.note.who.push('x'),
        |entry| entry.note.from = None,
        |entry| entry.note.from = Some([192, 0, 2, 2].into()),
        |entry| entry.note.request_id = None,
        |entry| entry.note.request_id = Some(String::new()),
        |entry| entry.note.deed.action = Action::ReportFile,
        |entry| entry.note.deed.campaign = None,
        |entry| entry.note.deed.subjects = vec!["ab".into()],
        |entry| entry.note.deed.subjects = vec!["b".into(), "a".into()],
        |entry| entry.note.deed = entry.note.deed.clone().with("rows", 1),
        |entry| {
            entry.note.deed.detail.clear();
            entry.note.deed = entry.note.deed.clone().with("forma", "tcsv");
        },
    ];
    let mut contents = BTreeSet::from([entry().content()]);
    for change in changes {
        let mut other = entry();
        change(&mut other);
        assert!(contents.insert(other.content()), "{other:?}");
    }
    let mut hashed = entry();
    hashed.hash = [3; 32];
    assert!(contents.contains(&hashed.content()), "but for its own hash");
}

#[test]
fn every_action_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Action::ALL.map(Action::name).into();
    assert_eq!(names.len(), Action::ALL.len());
    for action in Action::ALL {
        assert_eq!(Action::parse(action.name()), Some(action));
    }
    assert_eq!(Action::parse("delete-everything"), None);
}

#[test]
fn a_head_is_read_as_it_is_shown() {
    let head = entry().head();
    assert_eq!(Head::parse(&format!(" {head}\n")), Some(head));
    assert_eq!(Head::parse(&Head::NONE.to_string()), Some(Head::NONE));
    for wrong in ["", "7", "7:", "x:00", "7:00", "-1:00", "7:ñ"] {
        assert_eq!(Head::parse(wrong), None, "{wrong}");
    }
}
