//! Two watchers of one system, which agree in a real Redis.

use std::time::Duration;

use crate::bed::{Bed, Watcher};
use crate::proxy::Proxy;
use crate::servers::variable;

/// Two watchers, the one that sends first.
async fn two(bed: &mut Bed) -> (Watcher, Watcher) {
    bed.set("JORNADA_CACHE", &variable("JORNADA_TEST_REDIS"));
    let first = bed.watch("one").await;
    first
        .until("it leads", |status| status["sends"] == true)
        .await;
    let second = bed.watch("two").await;
    second
        .until("it waits", |status| status["sends"] == false)
        .await;
    (first, second)
}

#[tokio::test]
async fn two_watchers_send_one_pair() {
    let mut bed = Bed::new().await;
    let (first, second) = two(&mut bed).await;
    bed.targets[0].die().await;
    first.until_down(1).await;
    second.until_down(1).await;
    bed.mails(1).await;
    bed.targets[0].come_back().await;
    let mails = bed.mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
    second
        .until("it knows", |status| {
            status["mails_waiting"] == 0 && status["incidents"][0]["told_resolved"].is_string()
        })
        .await;
    bed.mails(2).await;
}

#[tokio::test]
async fn the_other_takes_over_and_doubles_nothing() {
    let mut bed = Bed::new().await;
    let (first, second) = two(&mut bed).await;
    bed.targets[0].die().await;
    bed.mails(1).await;
    first.kill();
    second
        .until("it leads", |status| status["sends"] == true)
        .await;
    bed.mails(1).await;
    bed.targets[0].come_back().await;
    let mails = bed.mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
    let first = bed.watch("one").await;
    first
        .until("it learns that all was told", |status| {
            status["mails_waiting"] == 0 && status["incidents"][0]["told_resolved"].is_string()
        })
        .await;
    bed.mails(2).await;
}

#[tokio::test]
async fn what_the_leader_raised_and_did_not_send_the_other_sends() {
    let mut bed = Bed::new().await;
    bed.smtp.go().await;
    let (first, second) = two(&mut bed).await;
    bed.targets[0].die().await;
    first.until_down(1).await;
    second.until_down(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    first.kill();
    bed.smtp.come_back().await;
    let mails = bed.mails(1).await;
    assert!(mails[0].subject().contains("app1 is down"));
    let first = bed.watch("one").await;
    bed.mails(1).await;
    bed.targets[0].come_back().await;
    bed.mails(2).await;
    drop((first, second));
}

#[tokio::test]
async fn a_successor_that_saw_nothing_tells_the_end() {
    let mut bed = Bed::new().await;
    bed.set("JORNADA_CACHE", &variable("JORNADA_TEST_REDIS"));
    let first = bed.watch("one").await;
    first
        .until("it leads", |status| status["sends"] == true)
        .await;
    bed.targets[0].die().await;
    bed.mails(1).await;
    first.kill();
    bed.targets[0].come_back().await;
    let second = bed.watch("two").await;
    let mails = bed.mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
    second
        .until("nothing waits", |status| status["mails_waiting"] == 0)
        .await;
}

#[tokio::test]
async fn without_redis_it_is_told_all_the_same() {
    let mut bed = Bed::new().await;
    let redis = variable("JORNADA_TEST_REDIS");
    let target = redis.trim_start_matches("redis://").trim_end_matches('/');
    let proxy = Proxy::before(target.to_owned()).await;
    bed.set("JORNADA_CACHE", &format!("redis://{}/", proxy.address));
    let watcher = bed.watch("one").await;
    watcher
        .until("it leads", |status| status["sends"] == true)
        .await;
    proxy.set_open(false);
    bed.targets[0].die().await;
    bed.mails(1).await;
    proxy.set_open(true);
    tokio::time::sleep(Duration::from_secs(3)).await;
    bed.targets[0].come_back().await;
    bed.mails(2).await;
}

#[tokio::test]
async fn a_pause_holds_for_both() {
    let mut bed = Bed::new().await;
    let (first, second) = two(&mut bed).await;
    let planned = bed
        .run("two", &["--pause", "30m", "--reason", "cambio de disco"])
        .await;
    assert!(planned.status.success());
    for watcher in [&first, &second] {
        watcher
            .until("it is paused", |status| {
                status["pause"]["reason"] == "cambio de disco"
            })
            .await;
    }
}
