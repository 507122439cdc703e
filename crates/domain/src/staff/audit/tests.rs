use std::collections::BTreeSet;

use super::*;

fn entry() -> ChainEntry {
    let at = Timestamp::from_second(1_795_000_000).unwrap();
    let campaign = CampaignId::parse("vacunacion").unwrap();
    let event = AuditEvent::new(AuditAction::Report)
        .with_campaign(&campaign)
        .with_subject("a".into())
        .with_subject("b".into())
        .with_detail("format", "csv");
    ChainEntry {
        seq: 7,
        record: AuditRecord {
            client_ip: Some([192, 0, 2, 1].into()),
            request_id: Some("abc".into()),
            ..AuditRecord::from_system(SystemActor::CommandLine, event, at)
        },
        previous_hash: [1; 32],
        hash: [2; 32],
    }
}

#[test]
fn every_part_of_an_entry_stands_in_what_is_hashed() {
    let changes: [fn(&mut ChainEntry); 14] = [
        |entry| entry.seq += 1,
        |entry| entry.previous_hash[31] = 0,
        |entry| entry.record.at += jiff::SignedDuration::from_millis(1),
        |entry| entry.record.actor.push('x'),
        |entry| entry.record.client_ip = None,
        |entry| entry.record.client_ip = Some([192, 0, 2, 2].into()),
        |entry| entry.record.request_id = None,
        |entry| entry.record.request_id = Some(String::new()),
        |entry| entry.record.event.action = AuditAction::ReportFile,
        |entry| entry.record.event.campaign = None,
        |entry| entry.record.event.subjects = vec!["ab".into()],
        |entry| entry.record.event.subjects = vec!["b".into(), "a".into()],
        |entry| entry.record.event = entry.record.event.clone().with_detail("rows", 1),
        |entry| {
            entry.record.event.detail.clear();
            entry.record.event = entry.record.event.clone().with_detail("forma", "tcsv");
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

/// Names in stored entries, which no renaming of a variant may change.
const ACTION_NAMES: &str = "login login-failed login-slowed logout password-set password-changed second-on second-off \
    session-ended sessions-ended account-added account-changed account-link account-closed token-made token-revoked \
    search look photo print correct delete lift review-list review-look \
    review-decided report report-file close reopen audit-read audit-export refused \
    person-export photos-erased sweep photo-altered report-altered report-cancelled votes-exported \
    votes-imported votes-erased votes-read dead-letters-read dead-letters-replayed dead-letters-dropped backup restore";

#[test]
fn every_action_has_a_name_of_its_own() {
    let names: Vec<_> = AuditAction::VARIANTS.iter().map(<&str>::from).collect();
    assert_eq!(names.join(" "), ACTION_NAMES);
    for action in AuditAction::VARIANTS {
        assert_eq!(action.to_string().parse(), Ok(*action));
    }
    assert!("delete-everything".parse::<AuditAction>().is_err());
}

#[test]
fn a_head_is_read_as_it_is_shown() {
    let head = entry().head();
    assert_eq!(ChainHead::parse(&format!(" {head}\n")), Some(head));
    assert_eq!(
        ChainHead::parse(&ChainHead::default().to_string()),
        Some(ChainHead::default())
    );
    for wrong in ["", "7", "7:", "x:00", "7:00", "-1:00", "7:ñ"] {
        assert_eq!(ChainHead::parse(wrong), None, "{wrong}");
    }
}
