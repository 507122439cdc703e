//! The ways by which a mail leaves, and what an operator hears of them.

use crate::bed::Bed;
use crate::smtp::Mood;

#[tokio::test]
async fn a_test_mail_tells_what_smtp_said() {
    let bed = Bed::new().await;
    let sent = bed.run("one", &["--test-mail"]).await;
    let said = String::from_utf8(sent.stdout).unwrap();
    assert!(sent.status.success());
    assert!(
        said.contains("250") && said.contains("taken as test-1"),
        "{said}"
    );
    assert!(
        bed.mails(1).await[0]
            .subject()
            .contains("mensaje de prueba")
    );
    bed.smtp.next(&[Mood::Never]);
    let refused = bed.run("one", &["--test-mail"]).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(
        said.contains("JORNADA_SMTP") && said.contains("never"),
        "{said}"
    );
}

#[tokio::test]
async fn embedded_mails_are_files() {
    let mut bed = Bed::new().await;
    bed.set("JORNADA_SMTP", "file:mail");
    let watcher = bed.watch("one").await;
    bed.targets[0].die().await;
    watcher.until_down(1).await;
    watcher
        .until("none waits", |status| {
            let told = &status["incidents"][0]["told_raised"];
            told.is_string() && status["mails_waiting"] == 0
        })
        .await;
    let kept: Vec<_> = std::fs::read_dir(bed.folder.path().join("mail"))
        .unwrap()
        .collect();
    assert_eq!(kept.len(), 1);
    let text = std::fs::read_to_string(kept[0].as_ref().unwrap().path()).unwrap();
    assert!(text.contains("To: ana@example.org"));
}

#[tokio::test]
async fn it_ends_in_order_and_one_folder_has_one_watcher() {
    let bed = Bed::new().await;
    let mut watcher = bed.watch("one").await;
    let second = bed.run("one", &[]).await;
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
    assert!(watcher.ended().await);
}
