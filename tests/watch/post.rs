//! Mail transports, and their messages to the operator.

use crate::fixture::WatchFixture;
use crate::smtp::Behavior;

#[tokio::test]
async fn a_test_mail_prints_the_smtp_reply() {
    let fixture = WatchFixture::new().await;
    let sent = fixture.run("one", &["--test-mail"]).await;
    let said = String::from_utf8(sent.stdout).unwrap();
    assert!(sent.status.success());
    assert!(
        said.contains("250") && said.contains("taken as test-1"),
        "{said}"
    );
    assert!(
        fixture.wait_for_mails(1).await[0]
            .subject()
            .contains("mensaje de prueba")
    );
    fixture.smtp.queue(&[Behavior::Never]);
    let refused = fixture.run("one", &["--test-mail"]).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(
        said.contains("JORNADA_SMTP") && said.contains("never"),
        "{said}"
    );
}

#[tokio::test]
async fn embedded_mode_writes_mails_to_files() {
    let mut fixture = WatchFixture::new().await;
    fixture.set("JORNADA_SMTP", "file:mail");
    let watcher = fixture.start_watcher("one").await;
    fixture.targets[0].stop().await;
    watcher.wait_until_down(1).await;
    watcher
        .wait_until("none waits", |status| {
            let told = &status["incidents"][0]["told_raised"];
            told.is_string() && status["mails_waiting"] == 0
        })
        .await;
    let kept: Vec<_> = std::fs::read_dir(fixture.folder.path().join("mail"))
        .unwrap()
        .collect();
    assert_eq!(kept.len(), 1);
    let text = std::fs::read_to_string(kept[0].as_ref().unwrap().path()).unwrap();
    assert!(text.contains("To: ana@example.org"));
}

#[tokio::test]
async fn it_shuts_down_cleanly_and_locks_its_folder() {
    let fixture = WatchFixture::new().await;
    let mut watcher = fixture.start_watcher("one").await;
    let second = fixture.run("one", &[]).await;
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(
        told.contains("JORNADA_WATCH_DATA: another watcher works in"),
        "{told}"
    );
    let pid = watcher.pid().to_string();
    std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .unwrap();
    assert!(watcher.wait_for_exit().await);
}
