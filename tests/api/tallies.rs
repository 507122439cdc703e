//! Public tallies: their answers, what they hide, and their events.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::on_both;
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

on_both!(a_tally_follows_registrations);

async fn register(app: &RunningInstance, first: u32, count: u32, city: &str) {
    for number in first..first + count {
        let answer = app.register("Ana Ejemplo", &number.to_string(), city).await;
        assert_eq!(answer.status(), 201);
    }
}

async fn wait_for_total(app: &RunningInstance, total: u64) {
    app.wait_until("they are counted", async |app| {
        app.total().await == Some(total)
    })
    .await;
}

async fn json(app: &RunningInstance, path: &str) -> Value {
    let path = format!("/api/v1/campaigns/{}/{path}", app.campaign);
    let answer = app.get(&path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn a_tally_follows_registrations(stores: Stores) {
    let app = Installation::new(stores).start().await;
    register(&app, 5_000_001, 2, "Cali").await;
    register(&app, 5_000_011, 1, "bogota").await;
    wait_for_total(&app, 3).await;
    let tally = json(&app, "tallies/ciudad").await;
    assert_eq!(tally["tally"], "ciudad");
    assert_eq!(tally["by"], json!(["ciudad"]));
    assert_eq!(tally["where"], json!({}));
    assert_eq!(
        (&tally["total"], &tally["others"]),
        (&json!(3), &Value::Null)
    );
    assert_eq!(
        tally["values"],
        json!([{ "key": ["Cali"], "count": 2 }, { "key": ["Bogotá"], "count": 1 }])
    );
    let one = json(&app, "tallies/ciudad?key=BOGOTA").await;
    assert_eq!(one["values"], json!([{ "key": ["Bogotá"], "count": 1 }]));
    let none = json(&app, "tallies/ciudad?key=Pasto").await;
    assert_eq!((&none["values"], &none["total"]), (&json!([]), &json!(0)));
    let path = |rest: &str| format!("/api/v1/campaigns/{}/tallies/{rest}", app.campaign);
    for missing in [
        "ciudad?key=Narnia",
        "pueblo",
        "_ciudad",
        "events?tally=pueblo",
    ] {
        assert_eq!(app.get(&path(missing)).await.status(), 404, "{missing}");
    }
    let tag = app.get(&path("ciudad")).await.headers()["etag"].clone();
    let known = app.http.get(format!("{}{}", app.base, path("ciudad")));
    let known = known.header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(known.status(), 304);
    let other = app.get(&path("ciudad?key=Cali")).await;
    assert_ne!(other.headers()["etag"], tag);
}

/// Reads events until one has this name and text.
async fn wait_for_event(
    events: &mut (impl futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
    received: &mut String,
    wanted: &str,
) {
    while !received.contains(wanted) {
        let next = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        let chunk = next.expect("an event comes").unwrap().unwrap();
        received.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn events_begin_with_the_whole_and_go_on_with_changes() {
    let app = Installation::new(Stores::Embedded).start().await;
    register(&app, 5_100_001, 2, "Cali").await;
    wait_for_total(&app, 2).await;
    let path = format!("/api/v1/campaigns/{}/tallies/events", app.campaign);
    let stream = app.get(&path).await;
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    let (mut events, mut received) = (stream.bytes_stream(), String::new());
    wait_for_event(&mut events, &mut received, "\n\n").await;
    assert!(received.starts_with("event: tally\ndata: {"), "{received}");
    assert!(
        received.contains("[{\"key\":[\"Cali\"],\"count\":2}]"),
        "{received}"
    );
    received.clear();
    register(&app, 5_100_011, 1, "Pasto").await;
    wait_for_event(&mut events, &mut received, "\"total\":3").await;
    assert!(received.contains("event: change"), "{received}");
    assert!(
        received.contains("[{\"key\":[\"Pasto\"],\"count\":1}]"),
        "{received}"
    );
    assert!(!received.contains("Cali"), "only what changed: {received}");
}

#[tokio::test]
async fn a_campaign_with_persons_hides_small_counts_from_everyone_but_the_staff() {
    let installation = Installation::new(Stores::Embedded);
    installation.edit_campaign("vacunacion.toml", |text| {
        text.replace("suppress_below = 0\n", "")
    });
    let app = installation.start().await;
    register(&app, 5_200_001, 5, "Cali").await;
    register(&app, 5_200_011, 4, "Pasto").await;
    // If 5 were listed, everyone who saw Cali appear would know that it had 4.
    wait_for_total(&app, 5).await;
    let body = json(&app, "chart").await;
    assert_eq!(body["others"], json!({ "count": 5 }), "9 in steps of 5");
    assert_eq!(body["values"], json!([]));
    register(&app, 5_200_006, 1, "Cali").await;
    wait_for_total(&app, 6).await;
    let page = async || {
        let path = format!("/c/{}/chart?lang=es", app.campaign);
        app.get(&path).await.text().await.unwrap()
    };
    assert!(!page().await.contains("Pasto"));
    assert!(page().await.contains("menos de 6 registros"));
    register(&app, 5_200_021, 1, "Neiva").await;
    wait_for_total(&app, 11).await;
    for path in ["chart", "tallies/ciudad"] {
        let body = json(&app, path).await;
        assert_eq!(body["others"], json!({ "count": 5 }), "{path}");
        assert_eq!(body["values"].as_array().unwrap().len(), 1, "{path}");
    }
    let html = page().await;
    assert!(!html.contains("Pasto") && !html.contains("Neiva"));
    assert!(html.contains(">Otros valores</th><td>5</td><td>45,5 %</td>"));
    let key = json(&app, "tallies/ciudad?key=Pasto").await;
    assert_eq!((&key["total"], &key["values"]), (&json!(0), &json!([])));
    let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    assert!(
        !metrics.contains("Pasto") && !metrics.contains("Neiva"),
        "metrics tell no small count"
    );
}

#[tokio::test]
async fn sixteen_clients_of_an_address_listen_and_further_ones_poll() {
    let app = Installation::new(Stores::Embedded).start().await;
    let paths = ["chart/events", "tallies/events"];
    let listen = async |address: &str, path: &str| {
        let url = format!("{}/api/v1/campaigns/{}/{path}", app.base, app.campaign);
        let request = app.http.get(url).header("X-Client-Address", address);
        request.send().await.unwrap()
    };
    let mut listening = Vec::new();
    for number in 0..16 {
        let stream = listen("192.0.2.1", paths[number % 2]).await;
        assert_eq!(stream.status(), 200);
        listening.push(stream);
    }
    for path in paths {
        let refused = listen("192.0.2.1", path).await;
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "30");
        assert_eq!(listen("192.0.2.2", path).await.status(), 200);
        assert_eq!(listen("127.0.0.1", path).await.status(), 200, "exempt");
    }
    let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    let refused = "jornada_event_clients_refused_total{limit=\"address\"} 2";
    assert!(metrics.contains(refused));
    drop(listening);
    app.wait_until("there is room again", async |_| {
        listen("192.0.2.1", paths[0]).await.status() == 200
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_counted_is_refused_and_labels_are_words() {
    let app = Installation::new(Stores::Embedded).start().await;
    let vote = async |artist: &str| {
        let path = format!("{}/api/v1/campaigns/{}/registrations", app.base, app.vote);
        let form = [("album", "Uno"), ("artista", artist), ("puesto", "1")];
        let form = form
            .into_iter()
            .fold(reqwest::multipart::Form::new(), |form, (name, value)| {
                form.text(name, value.to_owned())
            });
        app.http.post(path).multipart(form).send().await.unwrap()
    };
    for nothing in [".", "..", "«»", "—", "!!!"] {
        let refused = vote(nothing).await;
        assert_eq!(refused.status(), 422, "{nothing}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(
            problem["errors"][0]["message"], "Escriba al menos una letra o un número.",
            "{nothing}"
        );
    }
    // A filler shows nothing, so the answer is empty.
    assert_eq!(vote("\u{3164}").await.status(), 422);
    for artist in [
        "Guns N' Roses",
        "guns n´ roses",
        "Guns N’ Roses",
        "Jay‑Z",
        "JAY-Z",
    ] {
        assert_eq!(vote(artist).await.status(), 201, "{artist}");
    }
    let path = format!("/api/v1/campaigns/{}/tallies/artista", app.vote);
    app.wait_until("they are counted", async |app| {
        let tally: Value = app.get(&path).await.json().await.unwrap_or_default();
        tally["total"] == 5
    })
    .await;
    let tally: Value = app.get(&path).await.json().await.unwrap();
    let counts: Vec<_> = tally["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["count"])
        .collect();
    assert_eq!(counts, [3, 2], "{tally}");
}
