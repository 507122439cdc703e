//! Dead letters in the staff area: shown escaped, replayed, and dropped after a confirmation.

use jiff::Timestamp;
use jornada_domain::dead_letter::{DeadLetter, DeadLetterReason};
use jornada_domain::queue_record::QueueRecord;
use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;

use crate::area::Area;
use crate::person::Person;
use jornada_testkit::instance::Stores;

fn letter(area: &Area, offset: u32, party: &str) -> DeadLetter {
    let campaign = &area.installation.election;
    let value = format!(
        r#"{{"sede": 1, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca",
            "partido": "{party}", "_campaign": "{campaign}"}}"#
    );
    let offset = offset.to_string();
    let record = QueueRecord::new("votos".into(), Some(2), offset, None, value.as_bytes());
    let read_at = Timestamp::from_second(1_795_000_000).unwrap();
    DeadLetter::new(DeadLetterReason::NoId, String::new(), record, read_at)
}

#[tokio::test]
async fn letters_are_shown_replayed_and_dropped() {
    let area = Area::start(Stores::Embedded).await;
    let (good, bad) = (letter(&area, 1, "UNE"), letter(&area, 2, "<b>\u{202E}X"));
    let both = vec![good.clone(), bad.clone()];
    area.store.insert_dead_letters(both).await.unwrap();
    let mut admin = Person::logged_in(&area, "a@example.org", Role::Admin).await;
    let list = admin.get("/staff/dead-letters?lang=en").await;
    assert_eq!(list.status, 200);
    assert!(list.body.contains("votos/2/1") && list.body.contains("votos/2/2"));
    let page = format!("/staff/dead-letters/{}", bad.id);
    let shown = admin.get(&format!("{page}?lang=en")).await;
    assert!(
        shown.body.contains("&#60;b&#62;\\u{202e}X"),
        "{}",
        shown.body
    );

    let refused = admin.post(&format!("{page}/replay?lang=en"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.body.contains("partido: not_an_option"),
        "{}",
        refused.body
    );
    let unsure = admin.post(&format!("{page}/drop"), &[]).await;
    assert_eq!(unsure.status, 422);
    assert!(area.store.dead_letter(bad.id).await.unwrap().is_some());
    let dropped = admin
        .post(&format!("{page}/drop"), &[("sure", "true")])
        .await;
    assert_eq!(dropped.status, 303);
    let page = format!("/staff/dead-letters/{}", good.id);
    assert_eq!(admin.post(&format!("{page}/replay"), &[]).await.status, 303);
    assert_eq!(admin.get(&page).await.status, 404);
    assert!(area.store.dead_letters(None, 5).await.unwrap().is_empty());
    let votes = format!("/staff/c/{}/votes", area.installation.election);
    let vote = admin.get(&format!("{votes}/{}", good.id)).await;
    assert!(vote.body.contains("2 / 1"), "its place in the queue");

    for (action, ids) in [
        (AuditAction::DeadLettersReplayed, vec![good.id, bad.id]),
        (AuditAction::DeadLettersDropped, vec![bad.id]),
    ] {
        let entries = area.audit_entries(action).await;
        let subjects = entries
            .iter()
            .flat_map(|entry| &entry.record.event.subjects);
        let expected: Vec<_> = ids.iter().map(|id| format!("dead-letter:{id}")).collect();
        assert_eq!(subjects.cloned().collect::<Vec<_>>(), expected);
    }
}
