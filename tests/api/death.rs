//! Killed and stopped instances: acknowledged registrations are stored once, and the totals are exact.

use std::sync::Arc;

use crate::on_both;
use crate::support::app::{Installation, Stores, person};

on_both!(
    kill_nine_loses_nothing_acknowledged,
    sigterm_finishes_what_is_in_flight
);

async fn kill_nine_loses_nothing_acknowledged(stores: Stores) {
    let installation = Installation::new(stores);
    let app = Arc::new(installation.start().await);
    let documents: Vec<String> = (0..400).map(|number| format!("4000{number:03}")).collect();
    let mut sending = tokio::task::JoinSet::new();
    for document in documents.clone() {
        let app = app.clone();
        sending.spawn(async move {
            let url = app.registrations_url(&app.campaign);
            let sent = app
                .http
                .post(url)
                .multipart(person("Ana Ejemplo", &document, "Cali"))
                .send()
                .await;
            sent.is_ok_and(|answer| answer.status() == 201)
                .then_some(document)
        });
    }
    let mut acknowledged = Vec::new();
    while let Some(done) = sending.join_next().await {
        acknowledged.extend(done.unwrap());
        if acknowledged.len() == 10 {
            app.signal("-KILL");
        }
    }
    assert!(
        acknowledged.len() < documents.len(),
        "it was killed in the middle"
    );
    let app = installation.start().await;
    for document in &acknowledged {
        assert_eq!(
            app.register("Ana Ejemplo", document, "Cali").await.status(),
            200,
            "{document} was lost"
        );
    }
    for document in documents
        .iter()
        .filter(|document| !acknowledged.contains(document))
    {
        let status = app.register("Ana Ejemplo", document, "Cali").await.status();
        assert!(status == 200 || status == 201);
    }
    app.until("each is counted once", async |app| {
        app.total().await == Some(400)
    })
    .await;
}

async fn sigterm_finishes_what_is_in_flight(stores: Stores) {
    let installation = Installation::new(stores);
    let mut app = installation.start().await;
    let requests = (0..20).map(|number| {
        let url = app.registrations_url(&app.campaign);
        let form = person("Ana Ejemplo", &format!("500000{number:02}"), "Cali");
        tokio::spawn(app.http.post(url).multipart(form).send())
    });
    let requests: Vec<_> = requests.collect();
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    app.signal("-TERM");
    let mut acknowledged = 0;
    for request in requests {
        // A request that had not arrived yet may find the door closed; none is cut off in the middle.
        acknowledged += usize::from(
            request
                .await
                .unwrap()
                .is_ok_and(|answer| answer.status() == 201),
        );
    }
    assert!(app.ended().await.success());
    let app = installation.start().await;
    app.until("what was acknowledged is counted", async |app| {
        app.total()
            .await
            .is_some_and(|total| total >= acknowledged as u64)
    })
    .await;
    assert!(acknowledged > 0);
}
