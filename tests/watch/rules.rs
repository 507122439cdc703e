//! What makes a mail, and which.

use std::time::{Duration, Instant};

use crate::bed::Bed;

#[tokio::test]
async fn one_death_is_one_mail_within_twelve_seconds_and_one_after_it_is_back() {
    let mut bed = Bed::new().await;
    bed.by_default();
    let watcher = bed.watch("one").await;
    watcher
        .until("all answer", |status| status["instances"]["up"] == 3)
        .await;
    let killed = Instant::now();
    bed.targets[1].die().await;
    let mails = bed.mails(1).await;
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
            .contains(&bed.targets[1].address.to_string())
    );
    bed.targets[1].come_back().await;
    let mails = bed.mails(2).await;
    assert!(mails[1].subject().contains("app2 responde de nuevo tras "));
    assert_ne!(mails[0].id(), mails[1].id());
}

#[tokio::test]
async fn ten_flaps_are_one_pair() {
    let mut bed = Bed::new().await;
    bed.set("JORNADA_WATCH_QUIET", "3s");
    let _watcher = bed.watch("one").await;
    for _ in 0..10 {
        bed.targets[0].die().await;
        tokio::time::sleep(Duration::from_millis(900)).await;
        bed.targets[0].come_back().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let mails = bed.mails(2).await;
    assert!(mails[0].subject().contains("app1 is down"));
    assert!(mails[1].subject().contains("app1 is back"));
    assert!(mails[1].text().contains(" times"), "{}", mails[1].text());
}

#[tokio::test]
async fn what_falls_together_is_one_mail_and_all_down_has_its_own_subject() {
    let mut bed = Bed::new().await;
    bed.set("JORNADA_WATCH_GROUP", "2s");
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    bed.targets[2].die().await;
    let mails = bed.mails(1).await;
    assert!(
        mails[0]
            .subject()
            .contains("app1, app3 are down (1 of 3 left)")
    );
    bed.targets[1].die().await;
    let mails = bed.mails(2).await;
    assert_eq!(
        mails[1].subject(),
        "Jornada: NINGUNA instancia responde · ALL instances are down"
    );
    watcher.until_down(3).await;
    for target in &mut bed.targets {
        target.come_back().await;
    }
    let mails = bed.mails(3).await;
    assert!(
        mails[2].subject().contains("app1, app3, app2 are back")
            || mails[2].subject().contains("app1, app2, app3 are back"),
        "{}",
        mails[2].subject()
    );
}

#[tokio::test]
async fn what_is_seen_is_told() {
    let mut bed = Bed::new().await;
    let _watcher = bed.watch("one").await;
    bed.targets[0].hang().await;
    let lacking = r#","draining":false,"store":{"up":false,"ms":1}"#;
    bed.targets[1].answer_with(503, lacking).await;
    let mails = bed.mails(1).await;
    let text = mails[0].text();
    for words in ["no answer in time", "answered 503, it lacks: the store"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test]
async fn a_reminder_comes_while_it_is_down() {
    let mut bed = Bed::new().await;
    bed.set("JORNADA_WATCH_REMIND", "4s");
    let _watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    let start = Instant::now();
    while bed.smtp.taken().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(40), "no reminders");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mails = bed.smtp.taken();
    assert!(mails[0].subject().contains("app1 is down"));
    for reminder in &mails[1..] {
        assert!(reminder.subject().contains("app1 is still down"));
    }
    assert_ne!(mails[1].id(), mails[2].id());
}

#[tokio::test]
async fn maintenance_is_planned_shown_and_over_by_itself() {
    let mut bed = Bed::new().await;
    let watcher = bed.watch("one").await;
    let wrong = bed.run("one", &["--pause", "30m"]).await;
    assert!(!wrong.status.success(), "a reason is needed");
    let planned = bed
        .run("one", &["--pause", "8s", "--reason", "cambio de disco"])
        .await;
    assert!(planned.status.success());
    watcher
        .until("it is shown", |status| {
            status["pause"]["reason"] == "cambio de disco"
        })
        .await;
    assert!(watcher.get("/").await.contains("cambio de disco"));
    bed.targets[0].die().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    bed.targets[0].come_back().await;
    bed.targets[1].die().await;
    let mails = bed.mails(1).await;
    assert!(
        mails[0].subject().contains("app2 is down"),
        "only what is down afterwards"
    );
    assert!(watcher.status().await["pause"].is_null());
    assert!(
        bed.run("one", &["--pause", "1h", "--reason", "x"])
            .await
            .status
            .success()
    );
    assert!(bed.run("one", &["--resume"]).await.status.success());
    watcher
        .until("it is over", |status| status["pause"].is_null())
        .await;
}

#[tokio::test]
async fn who_may_be_cut_off_says_so() {
    let mut bed = Bed::new().await;
    let neutral = bed.targets.pop().unwrap();
    bed.set(
        "JORNADA_WATCH",
        &format!("{},{}", bed.targets[0].url(), bed.targets[1].url()),
    );
    bed.set("JORNADA_WATCH_NEUTRAL", &neutral.address.to_string());
    let watcher = bed.watch("one").await;
    for target in &mut bed.targets {
        target.die().await;
    }
    let mails = bed.mails(1).await;
    assert!(
        !mails[0].text().contains("cut off"),
        "the neutral check answers"
    );
    for target in &mut bed.targets {
        target.come_back().await;
    }
    bed.mails(2).await;
    watcher.until_down(0).await;
    drop(neutral);
    for target in &mut bed.targets {
        target.die().await;
    }
    let mails = bed.mails(3).await;
    assert!(mails[2].text().contains("watcher itself that is cut off"));
}

#[tokio::test]
async fn a_wrong_setting_is_one_line_that_names_it() {
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
        let mut bed = Bed::new().await;
        bed.set(name, value);
        let ended = bed.run("one", &[]).await;
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success());
        assert!(told.starts_with(&format!("jornada: {name}")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(!told.contains("secreta"));
    }
}

#[tokio::test]
async fn the_page_speaks_both_languages_and_metrics_are_counted() {
    let mut bed = Bed::new().await;
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    bed.mails(1).await;
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
        bed.targets[0].address
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
