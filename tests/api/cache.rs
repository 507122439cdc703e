//! Outages of Redis: registrations and reports continue, and the chart shows the last totals as stale until Redis is
//! back.

use serde_json::Value;

use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::variable;

/// Creates an installation that reaches Redis through a proxy.
async fn installation() -> (Installation, Proxy) {
    let server = variable("JORNADA_TEST_REDIS");
    let address = server.trim_start_matches("redis://").trim_end_matches('/');
    let proxy = Proxy::start(address.to_owned()).await;
    let mut installation = Installation::new(Stores::Servers);
    let through = format!("redis://{}/", proxy.address);
    installation.set("JORNADA_CACHE", &through);
    (installation, proxy)
}

async fn register(app: &RunningInstance, documents: std::ops::Range<u32>) {
    for document in documents {
        let document = document.to_string();
        let answer = app.register("Ana Ejemplo", &document, "Cali").await;
        assert_eq!(answer.status(), 201);
    }
}

async fn wait_for_total(app: &RunningInstance, total: u64, stale: bool) -> Value {
    app.wait_until("the chart has this total", async |app| {
        let chart = app.chart().await.unwrap();
        chart["total"] == total && chart["stale"] == stale
    })
    .await;
    app.chart().await.unwrap()
}

#[tokio::test]
async fn the_last_totals_stay_with_their_timestamp() {
    let (installation, redis) = installation().await;
    let app = installation.start().await;
    register(&app, 3_000_000..3_000_003).await;
    wait_for_total(&app, 3, false).await;
    redis.set_open(false);
    let shown = wait_for_total(&app, 3, true).await;
    register(&app, 3_000_003..3_000_005).await;
    let token = installation.create_token();
    let report = app.report("_all.csv", &token).await;
    assert_eq!(report.headers()["x-report-rows"], "5");
    assert_eq!(app.chart().await.unwrap()["as_of"], shown["as_of"]);
    redis.set_open(true);
    wait_for_total(&app, 5, false).await;
}

#[tokio::test]
async fn an_instance_that_starts_without_redis_counts_by_itself_once() {
    let (installation, redis) = installation().await;
    let first = installation.start().await;
    register(&first, 3_100_000..3_100_004).await;
    drop(first);
    redis.set_open(false);
    let app = installation.start().await;
    wait_for_total(&app, 4, true).await;
    register(&app, 3_100_004..3_100_005).await;
    redis.set_open(true);
    wait_for_total(&app, 5, false).await;
}
