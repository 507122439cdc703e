//! What causes a mail, and its content.

use std::time::{Duration, Instant};

use crate::fixture::WatchFixture;

#[tokio::test]
async fn one_outage_is_one_mail_within_twelve_seconds_and_one_after_recovery() {
    let mut fixture = WatchFixture::new().await;
    fixture.use_default_rules();
    let watcher = fixture.start_watcher("one").await;
    watcher
        .wait_until("all answer", |status| status["instances"]["up"] == 3)
        .await;
    let killed = Instant::now();
    fixture.targets[1].stop().await;
    let mails = fixture.wait_for_mails(1).await;
    let took = mails[0].at - killed;
    assert!(took < Duration::from_secs(12), "{took:?}");
    assert_eq!(
        mails[0].subject(),
        "Jornada: app2 no responde (quedan 2 de 3) · app2 is down (2 of 3 left)"
    );
    assert!(mails[0].text().contains("connection refused"));
    assert!(
        mails[0]
            .text()
            .contains(&fixture.targets[1].address.to_string())
    );
    fixture.targets[1].restart().await;
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[1].subject().contains("app2 responde de nuevo tras "));
    assert_ne!(mails[0].id(), mails[1].id());
}

#[tokio::test]
async fn ten_flaps_are_one_pair_of_mails() {
    let mut fixture = WatchFixture::new().await;
    fixture.set("JORNADA_WATCH_QUIET", "3s");
    let _watcher = fixture.start_watcher("one").await;
    for _ in 0..10 {
        fixture.targets[0].stop().await;
        tokio::time::sleep(Duration::from_millis(900)).await;
        fixture.targets[0].restart().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let mails = fixture.wait_for_mails(2).await;
    assert!(mails[0].subject().contains("app1 is down"));
    assert!(mails[1].subject().contains("app1 is back"));
    assert!(mails[1].text().contains(" times"), "{}", mails[1].text());
}

#[tokio::test]
async fn simultaneous_outages_share_a_mail_and_all_down_has_its_own_subject() {
    let mut fixture = WatchFixture::new().await;
    fixture.set("JORNADA_WATCH_GROUP", "2s");
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    fixture.targets[2].stop().await;
    let mails = fixture.wait_for_mails(1).await;
    assert!(
        mails[0]
            .subject()
            .contains("app1, app3 are down (1 of 3 left)")
    );
    fixture.targets[1].stop().await;
    let mails = fixture.wait_for_mails(2).await;
    assert_eq!(
        mails[1].subject(),
        "Jornada: NINGUNA instancia responde · ALL instances are down"
    );
    watcher.wait_until_down(3).await;
    for target in &mut fixture.targets {
        target.restart().await;
    }
    let mails = fixture.wait_for_mails(3).await;
    assert!(
        mails[2].subject().contains("app1, app3, app2 are back")
            || mails[2].subject().contains("app1, app2, app3 are back"),
        "{}",
        mails[2].subject()
    );
}

#[tokio::test]
async fn mails_describe_the_failure() {
    let mut fixture = WatchFixture::new().await;
    let _watcher = fixture.start_watcher("one").await;
    fixture.targets[0].hang().await;
    let lacking = r#","draining":false,"store":{"up":false,"ms":1}"#;
    fixture.targets[1].answer_with(503, lacking).await;
    let mails = fixture.wait_for_mails(1).await;
    let text = mails[0].text();
    for words in ["no answer in time", "answered 503, it lacks: the store"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test]
async fn reminders_are_sent_while_it_is_down() {
    let mut fixture = WatchFixture::new().await;
    fixture.set("JORNADA_WATCH_REMIND", "4s");
    let _watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    let start = Instant::now();
    while fixture.smtp.received().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(40), "no reminders");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mails = fixture.smtp.received();
    assert!(mails[0].subject().contains("app1 is down"));
    for reminder in &mails[1..] {
        assert!(reminder.subject().contains("app1 is still down"));
    }
    assert_ne!(mails[1].id(), mails[2].id());
}

#[tokio::test]
async fn maintenance_is_shown_and_ends_by_itself() {
    let mut fixture = WatchFixture::new().await;
    let watcher = fixture.start_watcher("one").await;
    let wrong = fixture.run("one", &["--pause", "30m"]).await;
    assert!(!wrong.status.success(), "a reason is needed");
    let planned = fixture
        .run("one", &["--pause", "8s", "--reason", "cambio de disco"])
        .await;
    assert!(planned.status.success());
    watcher
        .wait_until("it is shown", |status| {
            status["pause"]["reason"] == "cambio de disco"
        })
        .await;
    assert!(watcher.get("/").await.contains("cambio de disco"));
    fixture.targets[0].stop().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    fixture.targets[0].restart().await;
    fixture.targets[1].stop().await;
    let mails = fixture.wait_for_mails(1).await;
    assert!(
        mails[0].subject().contains("app2 is down"),
        "only what is down afterwards"
    );
    assert!(watcher.status().await["pause"].is_null());
    assert!(
        fixture
            .run("one", &["--pause", "1h", "--reason", "x"])
            .await
            .status
            .success()
    );
    assert!(fixture.run("one", &["--resume"]).await.status.success());
    watcher
        .wait_until("it is over", |status| status["pause"].is_null())
        .await;
}

#[tokio::test]
async fn a_watcher_that_may_be_cut_off_says_so() {
    let mut fixture = WatchFixture::new().await;
    let neutral = fixture.targets.pop().unwrap();
    fixture.set(
        "JORNADA_WATCH",
        &format!("{},{}", fixture.targets[0].url(), fixture.targets[1].url()),
    );
    fixture.set("JORNADA_WATCH_NEUTRAL", &neutral.address.to_string());
    let watcher = fixture.start_watcher("one").await;
    for target in &mut fixture.targets {
        target.stop().await;
    }
    let mails = fixture.wait_for_mails(1).await;
    assert!(
        !mails[0].text().contains("cut off"),
        "the neutral check answers"
    );
    for target in &mut fixture.targets {
        target.restart().await;
    }
    fixture.wait_for_mails(2).await;
    watcher.wait_until_down(0).await;
    drop(neutral);
    for target in &mut fixture.targets {
        target.stop().await;
    }
    let mails = fixture.wait_for_mails(3).await;
    assert!(mails[2].text().contains("watcher itself that is cut off"));
}

#[tokio::test]
async fn an_invalid_setting_is_reported_in_one_line() {
    for (name, value) in [
        ("JORNADA_WATCH", ""),
        ("JORNADA_WATCH", "ftp://x"),
        ("JORNADA_WATCH_EVERY", "often"),
        ("JORNADA_SMTP", "smtp://user:secreta@host?tls=maybe"),
        ("JORNADA_MAIL_TO", "nobody"),
        ("JORNADA_MAIL_FROM", ""),
        ("JORNADA_CACHE", "memcached:"),
        ("JORNADA_WATCH_LISTEN", "203.0.113.1:80"),
    ] {
        let mut fixture = WatchFixture::new().await;
        fixture.set(name, value);
        let ended = fixture.run("one", &[]).await;
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success());
        assert!(told.starts_with(&format!("jornada: {name}")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(!told.contains("secreta"));
    }
}

#[tokio::test]
async fn the_page_is_bilingual_and_metrics_are_exported() {
    let mut fixture = WatchFixture::new().await;
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    fixture.wait_for_mails(1).await;
    let page = watcher.get("/?lang=es").await;
    assert!(
        page.contains("Responden 2 de 3 instancias") && page.contains("CAÍDA"),
        "{page}"
    );
    let page = watcher.get("/?lang=en").await;
    assert!(page.contains("2 of 3 instances answer") && page.contains("connection refused"));
    assert_eq!(watcher.get("/healthz").await, "ok\n");
    let metrics = watcher.get("/metrics").await;
    let down = format!(
        "jornada_watch_target_up{{target=\"{}\"}} 0",
        fixture.targets[0].address
    );
    for line in [
        down.as_str(),
        "jornada_watch_incidents_open 1",
        "jornada_watch_mails_total{outcome=\"sent\"} 1",
        "jornada_watch_outbox_mails 0",
        "jornada_watch_leader 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let log = watcher.log().join("\n");
    assert!(
        !log.contains("ana@") && !log.contains("example.org>"),
        "no address in a log"
    );
}
