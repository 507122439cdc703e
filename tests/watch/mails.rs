//! Nothing is lost, nothing is sent twice: watcher and mail server die at the worst moments.

use std::time::Duration;

use crate::bed::Bed;
use crate::smtp::Mood;

#[tokio::test]
async fn killed_between_raising_and_sending_it_still_sends_once() {
    let mut bed = Bed::new().await;
    bed.set("JORNADA_WATCH_GROUP", "5s");
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    watcher.until_down(1).await;
    watcher.kill();
    assert!(bed.smtp.taken().is_empty(), "it was killed before");
    let _again = bed.watch("one").await;
    let mails = bed.mails(1).await;
    assert!(mails[0].subject().contains("app1 is down"));
    bed.targets[0].come_back().await;
    let mails = bed.mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn killed_while_the_end_waits_it_still_tells_it_once() {
    let mut bed = Bed::new().await;
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    bed.mails(1).await;
    bed.smtp.go().await;
    bed.targets[0].come_back().await;
    watcher.until_down(0).await;
    watcher.kill();
    bed.smtp.come_back().await;
    let _again = bed.watch("one").await;
    let mails = bed.mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn what_ended_while_nobody_watched_is_told() {
    let mut bed = Bed::new().await;
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    bed.mails(1).await;
    watcher.kill();
    bed.targets[0].come_back().await;
    let _again = bed.watch("one").await;
    let mails = bed.mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn while_smtp_is_away_mails_wait_and_come_in_order() {
    let mut bed = Bed::new().await;
    bed.smtp.go().await;
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    watcher.until_down(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    bed.targets[0].come_back().await;
    watcher.until_down(0).await;
    watcher
        .until("both wait", |status| status["mails_waiting"] == 2)
        .await;
    bed.smtp.come_back().await;
    let mails = bed.mails(2).await;
    assert!(mails[0].subject().contains("app1 is down"));
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn a_server_that_refuses_is_asked_again() {
    let mut bed = Bed::new().await;
    bed.smtp.next(&[Mood::Later, Mood::Never, Mood::Later]);
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    bed.mails(1).await;
    assert!(bed.smtp.calls() >= 4);
    let metrics = watcher.get("/metrics").await;
    assert!(metrics.contains("jornada_watch_mails_total{outcome=\"failed\"} 3"));
    assert!(watcher.log().join("\n").contains("the server answered 450"));
}

#[tokio::test]
async fn a_repeat_carries_the_same_id() {
    let mut bed = Bed::new().await;
    bed.smtp.next(&[Mood::Silent]);
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    let mails = bed.mails(2).await;
    assert_eq!(mails[0].raw, mails[1].raw, "byte by byte");
    assert!(!mails[0].id().is_empty());
    bed.smtp.next(&[Mood::Slow]);
    bed.targets[0].come_back().await;
    let start = std::time::Instant::now();
    while bed.smtp.taken().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Taken, and the watcher does not know it yet.
    watcher.kill();
    let _again = bed.watch("one").await;
    let mails = bed.mails(4).await;
    assert_eq!(mails[2].id(), mails[3].id());
    assert_ne!(mails[0].id(), mails[2].id());
}
