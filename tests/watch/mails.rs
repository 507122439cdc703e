//! No mail is lost or sent twice, even if the watcher or the mail server dies at the worst moment.

use std::time::Duration;

use crate::fixture::WatchFixture;
use crate::smtp::Behavior;

#[tokio::test]
async fn killed_between_raising_and_sending_it_sends_once() {
    let mut fixture = WatchFixture::new().await;
    fixture.set("JORNADA_WATCH_GROUP", "5s");
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    watcher.wait_until_down(1).await;
    watcher.kill();
    assert!(fixture.smtp.received().is_empty(), "it was killed before");
    let _again = fixture.start_watcher("one").await;
    let mails = fixture.wait_for_mails(1).await;
    assert!(mails[0].subject().contains("app1 is down"));
    fixture.targets[0].restart().await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn killed_with_a_queued_recovery_mail_it_sends_it_once() {
    let mut fixture = WatchFixture::new().await;
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    fixture.wait_for_mails(1).await;
    fixture.smtp.stop().await;
    fixture.targets[0].restart().await;
    watcher.wait_until_down(0).await;
    watcher.kill();
    fixture.smtp.restart().await;
    let _again = fixture.start_watcher("one").await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn a_recovery_while_no_watcher_ran_is_reported() {
    let mut fixture = WatchFixture::new().await;
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    fixture.wait_for_mails(1).await;
    watcher.kill();
    fixture.targets[0].restart().await;
    let _again = fixture.start_watcher("one").await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn mails_wait_for_smtp_and_arrive_in_order() {
    let mut fixture = WatchFixture::new().await;
    fixture.smtp.stop().await;
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    watcher.wait_until_down(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    fixture.targets[0].restart().await;
    watcher.wait_until_down(0).await;
    watcher
        .wait_until("both wait", |status| status["mails_waiting"] == 2)
        .await;
    fixture.smtp.restart().await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[0].subject().contains("app1 is down"));
    assert!(mails[1].subject().contains("app1 is back"));
}

#[tokio::test]
async fn rejected_mails_are_retried() {
    let mut fixture = WatchFixture::new().await;
    fixture
        .smtp
        .queue(&[Behavior::Later, Behavior::Never, Behavior::Later]);
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    fixture.wait_for_mails(1).await;
    assert!(fixture.smtp.connections() >= 4);
    let metrics = watcher.get("/metrics").await;
    assert!(metrics.contains("jornada_watch_mails_total{outcome=\"failed\"} 2"));
    assert!(metrics.contains("jornada_watch_mails_total{outcome=\"refused\"} 1"));
    assert!(metrics.contains("jornada_watch_recipients_refused 0"));
    let log = watcher.log().join("\n");
    assert!(log.contains("the server answered 450 to RCPT TO"), "{log}");
}

#[tokio::test]
async fn a_repeated_mail_has_the_same_id() {
    let mut fixture = WatchFixture::new().await;
    fixture.smtp.queue(&[Behavior::Silent]);
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    let mails = fixture.wait_for_mails(2).await;
    assert_eq!(mails[0].raw, mails[1].raw, "byte by byte");
    assert!(!mails[0].id().is_empty());
    fixture.smtp.queue(&[Behavior::Slow]);
    fixture.targets[0].restart().await;
    let start = std::time::Instant::now();
    while fixture.smtp.received().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Received, but the watcher does not know it yet.
    watcher.kill();
    let _again = fixture.start_watcher("one").await;
    let mails = fixture.wait_for_mails(4).await;
    assert_eq!(mails[2].id(), mails[3].id());
    assert_ne!(mails[0].id(), mails[2].id());
}
