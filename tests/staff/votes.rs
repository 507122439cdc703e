//! The log viewer: who sees which votes, and what the audit log keeps of it.

use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;
use serde_json::json;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::Stores;

async fn cast(area: &Area, place: u32, department: &str, town: &str) -> String {
    let vote = json!({
        "sede": place, "departamento": department, "municipio": town, "papeleta": "Blanca", "partido": "UNE",
    });
    let election = &area.installation.election;
    let url = format!("{}/api/v1/campaigns/{election}/votes", area.app.base);
    let answer = area.app.http.post(url).json(&vote).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    answer["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_clerk_sees_the_votes_of_their_places_and_each_read_is_recorded() {
    let area = Area::start(Stores::Embedded).await;
    let here = cast(&area, 1_111, "Guatemala", "Mixco").await;
    let there = cast(&area, 2_222, "Petén", "Flores").await;
    let mut clerk = Person::invited(&area, "c@example.org", Role::Clerk, &["Petén"]).await;
    clerk.log_in("c@example.org", PASSWORD, "").await;
    let list = format!("/staff/c/{}/votes", area.installation.election);
    let page = clerk.get(&list).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(">2222<") && !page.body.contains("1111"));
    assert_eq!(clerk.get(&format!("{list}/{there}")).await.status, 200);
    assert_eq!(clerk.get(&format!("{list}/{here}")).await.status, 404);
    assert_eq!(
        clerk
            .get(&format!("{list}?departamento=Guatemala"))
            .await
            .status,
        404
    );
    // The figures of votes are those of the places, too.
    let overview = clerk.get("/staff?lang=en").await.body;
    for figure in [
        "<dt>Votes a minute now</dt><dd>1</dd>",
        "<dt>Votes in the last hour</dt><dd>unknown</dd>",
        "<tr><th scope=\"row\">http</th><td>1</td></tr>",
    ] {
        assert!(overview.contains(figure), "{figure}: {overview}");
    }
    let contest = format!("/staff/c/{}/votes", area.installation.contest);
    assert!(overview.contains(&list) && !overview.contains(&contest));
    assert_eq!(
        clerk.get(&contest).await.status,
        403,
        "it asks for no place"
    );

    let mut admin = Person::logged_in(&area, "a@example.org", Role::Admin).await;
    let overview = admin.get("/staff?lang=en").await.body;
    for figure in [
        "<dt>Votes a minute now</dt><dd>2</dd>",
        "<dt>Votes in the last hour</dt>",
        "<tr><th scope=\"row\">http</th><td>2</td></tr>",
        "<dt>Records that could not become votes</dt><dd>0</dd>",
    ] {
        assert!(overview.contains(figure), "{figure}: {overview}");
    }
    let page = admin.get(&format!("{list}?lang=en")).await;
    assert!(page.body.contains(">1111<") && page.body.contains(">2222<"));
    let page = admin.get(&format!("{list}?sede=1111&_door=http")).await;
    assert!(page.body.contains(&here) && !page.body.contains(&there));
    let page = admin.get(&format!("{list}?sede=0&color=rojo")).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("20000") && page.body.contains("color"));

    let entries = area.audit_entries(AuditAction::VotesRead).await;
    let details = entries.iter().rev().map(|entry| {
        let mut detail = entry.record.event.detail.clone();
        let mut take = |name| detail.remove(name).unwrap_or_default();
        [take("filters"), take("rows"), take("vote")]
    });
    let expected = [
        ["", "1", ""],
        ["", "", &there],
        ["", "2", ""],
        ["sede _door", "1", ""],
    ];
    assert_eq!(
        details.collect::<Vec<_>>(),
        expected.map(|one| one.map(str::to_owned))
    );
    assert_eq!(area.audit_entries(AuditAction::AccessDenied).await.len(), 2);

    let page = admin
        .get(&format!("{list}?limit=1&from=2020-01-01&until=2099-12-31"))
        .await;
    for part in [
        "value=\"2020-01-01T00:00:00\"",
        "value=\"2100-01-01T00:00:00\"",
        "limit=1&#38;before=",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }

    following_leaves_one_entry_a_minute(&area, &mut admin, &here).await;
}

/// Checks that following the votes leaves one entry a minute, and reading others with `after` one each time.
async fn following_leaves_one_entry_a_minute(area: &Area, admin: &mut Person, here: &str) {
    let api = format!("/api/v1/campaigns/{}/votes", area.installation.election);
    let first = admin.get(&format!("{api}?limit=1")).await;
    let first: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    let [tail, next] = ["tail", "next"].map(|name| first[name].as_str().unwrap());
    // A vote that waited in the queue for a minute comes after the tail as soon as it is stored.
    let file = area.installation.folder.path().join("data/jornada.db");
    let store = rusqlite::Connection::open(file).unwrap();
    let delay =
        "UPDATE votes SET received_at = received_at - 60000 WHERE answers ->> '$.sede' = '1111'";
    assert_eq!(store.execute(delay, ()).unwrap(), 1);
    let late = admin.get(&format!("{api}?after={tail}")).await;
    assert!(!late.body.contains(here));
    let late: serde_json::Value = serde_json::from_str(&late.body).unwrap();
    let late_tail = late["tail"].as_str().unwrap();
    let found = admin.get(&format!("{api}?after={late_tail}")).await;
    assert!(found.body.contains(here));
    let zero = "0".repeat(32);
    for (query, entries) in [
        // The reads above have left the entry of this minute.
        (format!("after={tail}"), 0),
        (format!("after={tail}&before={next}"), 3),
        (format!("after=0-{zero}&before={next}"), 3),
        (format!("after=0-{zero}"), 3),
    ] {
        let before = area.audit_entries(AuditAction::VotesRead).await.len();
        for _ in 0..3 {
            let page = admin.get(&format!("{api}?{query}")).await;
            assert_eq!(page.status, 200, "{}", page.body);
        }
        let after = area.audit_entries(AuditAction::VotesRead).await.len();
        assert_eq!(after, before + entries, "{query}");
    }
}
