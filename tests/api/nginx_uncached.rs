//! What the cache of the shipped nginx.conf leaves alone: staff, programs, other pages, and whatever a client invents.

use std::time::Instant;

use reqwest::Client;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::nginx_chart::{JSON, PAGE, Site, text};
use jornada_testkit::instance::Stores;
use jornada_testkit::nginx::Nginx;
use jornada_testkit::recorder::Recorder;

#[tokio::test]
async fn requests_of_staff_and_programs_never_touch_the_cache() {
    let site = Site::start(1, Stores::Embedded).await;
    for (name, value, is_cached) in [
        ("authorization", "Bearer jornada_x", false),
        ("cookie", "jornada-session=x", false),
        ("cookie", "a=b; __Host-jornada-session=x", false),
        ("cookie", "a=b", true),
        ("cache-control", "no-cache", true),
    ] {
        for route in [PAGE, JSON] {
            let before = site.received(route).await;
            let start = Instant::now();
            for _ in 0..20 {
                let asked = site.request(&site.path(route)).header(name, value);
                assert_eq!(asked.send().await.unwrap().status(), 200);
            }
            let received = site.received(route).await - before;
            if is_cached {
                assert!(received <= start.elapsed().as_secs() + 3, "{name}: {value}");
            } else {
                assert_eq!(received, 20, "{name}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_else_is_cached() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    let cookie =
        "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    for (answer, paths) in [
        (cookie, &["/c/x/chart", "/api/v1/campaigns/x/chart"][..]),
        (
            answer,
            &[
                "/",
                "/c/x",
                "/c/x/chart/",
                "/c/X/chart",
                "/r/7K3M9-QXT2V-B8HC",
                "/staff",
                "/staff/c/x/chart",
                "/api/v1/campaigns/x/chart/events",
                "/api/v1/campaigns/x/reports/_all.csv",
                "/api/v1/campaigns/x/registrations",
                "/healthz",
            ],
        ),
    ] {
        let (instance, recorder) = Recorder::start(answer).await;
        let nginx = Nginx::start(&[&instance.to_string()]).await;
        for path in paths {
            let before = recorder.header("host").len();
            for _ in 0..5 {
                let asked = Client::new().get(format!("{}{path}", nginx.base)).send();
                assert_eq!(asked.await.unwrap().status(), 200, "{path}");
            }
            assert_eq!(recorder.header("host").len() - before, 5, "{path}");
        }
        assert_eq!(nginx.cached_files(), 0);
    }
}

#[tokio::test]
async fn invented_campaigns_and_queries_do_not_fill_the_cache() {
    let site = Site::start(1, Stores::Embedded).await;
    for number in 0..50 {
        let unknown = site.request(&format!("/c/inventada-{number}/chart"));
        assert_eq!(unknown.send().await.unwrap().status(), 404);
    }
    assert_eq!(site.nginx.cached_files(), 0);
    let (path, start) = (site.path(PAGE), Instant::now());
    let before = site.received(PAGE).await;
    for number in 0..50 {
        let asked = site.request(&format!("{path}?x={number}"));
        let page = text(asked.send().await.unwrap()).await;
        assert!(!page.contains("?x="), "the query is dropped");
    }
    let received = site.received(PAGE).await - before;
    assert!(received <= start.elapsed().as_secs() + 3, "{received}");
    assert_eq!(site.nginx.cached_files(), 1);
}

#[tokio::test]
async fn an_unknown_campaign_costs_one_answer_a_second() {
    let site = Site::start(1, Stores::Embedded).await;
    let start = Instant::now();
    let before = site.received(JSON).await;
    let mut asking = JoinSet::new();
    for number in 0..200 {
        let lang = ["es", "en"][number % 2];
        let asked = site.request("/api/v1/campaigns/inventada/chart");
        let asked = asked.header("accept-language", lang).send();
        asking.spawn(async move {
            let answer = asked.await.unwrap();
            assert_eq!(answer.status(), 404);
            let problem: Value = answer.json().await.unwrap();
            let title = problem["title"].as_str().unwrap();
            assert_eq!(title.contains("campaign"), lang == "en", "{title}");
        });
    }
    asking.join_all().await;
    let received = site.received(JSON).await - before;
    assert!(
        received <= 2 * (start.elapsed().as_secs() + 3),
        "{received}"
    );
}
