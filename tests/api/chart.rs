//! The chart follows registrations, on every instance.

use std::time::Duration;

use futures_util::StreamExt;

use crate::on_both;
use jornada_testkit::instance::{Installation, Stores};

on_both!(
    cities_are_sorted_by_count,
    events_arrive_while_people_register
);

async fn cities_are_sorted_by_count(stores: Stores) {
    let app = Installation::new(stores).start().await;
    for (document, city) in [
        ("2000001", "Cali"),
        ("2000002", "bogota"),
        ("2000003", "CALI"),
    ] {
        assert_eq!(
            app.register("Ana Ejemplo", document, city).await.status(),
            201
        );
    }
    app.wait_until("three are counted", async |app| {
        app.total().await == Some(3)
    })
    .await;
    let chart = app.chart().await.unwrap();
    assert_eq!(chart["values"][0]["value"], "Cali");
    assert_eq!(chart["values"][0]["count"], 2);
    assert_eq!(chart["values"][1]["value"], "Bogotá");
    assert_eq!(
        (&chart["by"], &chart["stale"]),
        (&"ciudad".into(), &false.into())
    );
    let path = format!("/api/v1/campaigns/{}/chart", app.campaign);
    let tag = app.get(&path).await.headers()["etag"].clone();
    let known = app
        .http
        .get(format!("{}{path}", app.base))
        .header("If-None-Match", tag);
    assert_eq!(known.send().await.unwrap().status(), 304);
}

async fn events_arrive_while_people_register(stores: Stores) {
    let app = Installation::new(stores).start().await;
    app.wait_until("there is a chart", async |app| app.total().await == Some(0))
        .await;
    let stream = app
        .get(&format!("/api/v1/campaigns/{}/chart/events", app.campaign))
        .await;
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    let mut events = stream.bytes_stream();
    assert_eq!(
        app.register("Ana Ejemplo", "2000004", "Pasto")
            .await
            .status(),
        201
    );
    let mut received = String::new();
    while !received.contains("\"value\":\"Pasto\",\"count\":1") {
        let next = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        received.push_str(
            std::str::from_utf8(&next.expect("an event comes").unwrap().unwrap()).unwrap(),
        );
    }
    assert!(received.starts_with("data: {"));
}

#[tokio::test]
async fn two_instances_show_the_same_totals() {
    let installation = Installation::new(Stores::Servers);
    let (one, other) = (installation.start().await, installation.start().await);
    for number in 0..10 {
        let app = if number % 2 == 0 { &one } else { &other };
        let document = format!("30000{number:02}");
        assert_eq!(
            app.register("Ana Ejemplo", &document, "Neiva")
                .await
                .status(),
            201
        );
    }
    one.wait_until("the first shows ten", async |app| {
        app.total().await == Some(10)
    })
    .await;
    other
        .wait_until("the second shows ten", async |app| {
            app.total().await == Some(10)
        })
        .await;
}
