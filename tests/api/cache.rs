//! Redis is away: registrations and reports go on, the chart shows what was known, and follows when it is back.

use serde_json::Value;

use crate::support::app::{App, Installation, Stores};
use crate::support::proxy::Proxy;
use crate::support::servers::variable;

/// An installation with a proxy before Redis.
async fn installation() -> (Installation, Proxy) {
    let server = variable("JORNADA_TEST_REDIS");
    let address = server.trim_start_matches("redis://").trim_end_matches('/');
    let proxy = Proxy::before(address.to_owned()).await;
    let mut installation = Installation::new(Stores::Servers);
    let through = format!("redis://{}/", proxy.address);
    installation.set("JORNADA_CACHE", &through);
    (installation, proxy)
}

async fn register(app: &App, documents: std::ops::Range<u32>) {
    for document in documents {
        let document = document.to_string();
        let answer = app.register("Ana Ejemplo", &document, "Cali").await;
        assert_eq!(answer.status(), 201);
    }
}

async fn until_it_shows(app: &App, total: u64, stale: bool) -> Value {
    app.until("the chart is so", async |app| {
        let chart = app.chart().await.unwrap();
        chart["total"] == total && chart["stale"] == stale
    })
    .await;
    app.chart().await.unwrap()
}

#[tokio::test]
async fn the_last_totals_stay_with_their_time() {
    let (installation, redis) = installation().await;
    let app = installation.start().await;
    register(&app, 3_000_000..3_000_003).await;
    until_it_shows(&app, 3, false).await;
    redis.set_open(false);
    let shown = until_it_shows(&app, 3, true).await;
    register(&app, 3_000_003..3_000_005).await;
    let token = installation.token();
    let report = app.report("_all.csv", &token).await;
    assert_eq!(report.headers()["x-report-rows"], "5");
    assert_eq!(app.chart().await.unwrap()["as_of"], shown["as_of"]);
    redis.set_open(true);
    until_it_shows(&app, 5, false).await;
}

#[tokio::test]
async fn an_instance_that_starts_without_redis_counts_once_by_itself() {
    let (installation, redis) = installation().await;
    let first = installation.start().await;
    register(&first, 3_100_000..3_100_004).await;
    drop(first);
    redis.set_open(false);
    let app = installation.start().await;
    until_it_shows(&app, 4, true).await;
    register(&app, 3_100_004..3_100_005).await;
    redis.set_open(true);
    until_it_shows(&app, 5, false).await;
}
