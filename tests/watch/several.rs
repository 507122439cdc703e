//! Two watchers of one system with a real Redis.

use std::time::Duration;

use crate::fixture::{WatchFixture, Watcher};
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::variable;

/// Starts two watchers; the first one sends.
async fn start_two(fixture: &mut WatchFixture) -> (Watcher, Watcher) {
    fixture.set("JORNADA_CACHE", &variable("JORNADA_TEST_REDIS"));
    let first = fixture.start_watcher("one").await;
    first
        .wait_until("it leads", |status| status["sends"] == true)
        .await;
    let second = fixture.start_watcher("two").await;
    second
        .wait_until("it waits", |status| status["sends"] == false)
        .await;
    (first, second)
}

#[tokio::test]
async fn two_watchers_send_one_pair() {
    let mut fixture = WatchFixture::new().await;
    let (first, second) = start_two(&mut fixture).await;
    fixture.targets[0].stop().await;
    first.wait_until_down(1).await;
    second.wait_until_down(1).await;
    fixture.wait_for_mails(1).await;
    fixture.targets[0].restart().await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
    second
        .wait_until("it knows", |status| {
            status["mails_waiting"] == 0 && status["incidents"][0]["told_resolved"].is_string()
        })
        .await;
    fixture.wait_for_mails(2).await;
}

#[tokio::test]
async fn the_standby_takes_over_without_duplicates() {
    let mut fixture = WatchFixture::new().await;
    let (first, second) = start_two(&mut fixture).await;
    fixture.targets[0].stop().await;
    fixture.wait_for_mails(1).await;
    first.kill();
    second
        .wait_until("it leads", |status| status["sends"] == true)
        .await;
    fixture.wait_for_mails(1).await;
    fixture.targets[0].restart().await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
    let first = fixture.start_watcher("one").await;
    first
        .wait_until("it learns that all was told", |status| {
            status["mails_waiting"] == 0 && status["incidents"][0]["told_resolved"].is_string()
        })
        .await;
    fixture.wait_for_mails(2).await;
}

#[tokio::test]
async fn the_standby_sends_what_the_leader_could_not() {
    let mut fixture = WatchFixture::new().await;
    fixture.smtp.stop().await;
    let (first, second) = start_two(&mut fixture).await;
    fixture.targets[0].stop().await;
    first.wait_until_down(1).await;
    second.wait_until_down(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    first.kill();
    fixture.smtp.restart().await;
    let mails = fixture.wait_for_mails(1).await;
    assert!(mails[0].subject().contains("app1 is down"));
    let first = fixture.start_watcher("one").await;
    fixture.wait_for_mails(1).await;
    fixture.targets[0].restart().await;
    fixture.wait_for_mails(2).await;
    drop((first, second));
}

#[tokio::test]
async fn a_new_leader_reports_a_recovery_it_did_not_see() {
    let mut fixture = WatchFixture::new().await;
    fixture.set("JORNADA_CACHE", &variable("JORNADA_TEST_REDIS"));
    let first = fixture.start_watcher("one").await;
    first
        .wait_until("it leads", |status| status["sends"] == true)
        .await;
    fixture.targets[0].stop().await;
    fixture.wait_for_mails(1).await;
    first.kill();
    fixture.targets[0].restart().await;
    let second = fixture.start_watcher("two").await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
    second
        .wait_until("nothing waits", |status| status["mails_waiting"] == 0)
        .await;
}

#[tokio::test]
async fn without_redis_mails_are_still_sent() {
    let mut fixture = WatchFixture::new().await;
    let redis = variable("JORNADA_TEST_REDIS");
    let target = redis.trim_start_matches("redis://").trim_end_matches('/');
    let proxy = Proxy::start(target.to_owned()).await;
    fixture.set("JORNADA_CACHE", &format!("redis://{}/", proxy.address));
    let watcher = fixture.start_watcher("one").await;
    watcher
        .wait_until("it leads", |status| status["sends"] == true)
        .await;
    proxy.set_open(false);
    fixture.targets[0].stop().await;
    fixture.wait_for_mails(1).await;
    proxy.set_open(true);
    tokio::time::sleep(Duration::from_secs(3)).await;
    fixture.targets[0].restart().await;
    fixture.wait_for_mails(2).await;
}

#[tokio::test]
async fn maintenance_applies_to_both() {
    let mut fixture = WatchFixture::new().await;
    let (first, second) = start_two(&mut fixture).await;
    let planned = fixture
        .run("two", &["--pause", "30m", "--reason", "cambio de disco"])
        .await;
    assert!(planned.status.success());
    for watcher in [&first, &second] {
        watcher
            .wait_until("it is paused", |status| {
                status["pause"]["reason"] == "cambio de disco"
            })
            .await;
    }
}
