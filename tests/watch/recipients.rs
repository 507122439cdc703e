//! Each recipient gets each mail alone: a dead mailbox keeps no mail from the others.

use std::process::Command;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::fixture::WatchFixture;
use crate::smtp::{Answer, Behavior, ReceivedMail, Smtp, Step};

const STEPS: [(Step, &str); 4] = [
    (Step::Mail, "MAIL FROM"),
    (Step::Rcpt, "RCPT TO"),
    (Step::Data, "DATA"),
    (Step::Content, "content"),
];
const ANSWERS: [Answer; 3] = [Answer::Later, Answer::Never, Answer::Cut];
const ADDRESSES: [&str; 3] = ["ana@example.org", "luis@example.org", "eva@example.org"];

async fn fixture() -> WatchFixture {
    let mut fixture = WatchFixture::new().await;
    fixture.set("JORNADA_MAIL_TO", &ADDRESSES.join(","));
    fixture
}

/// Queues a fault for the recipient at `place`.
fn queue_fault(smtp: &Smtp, place: usize, fault: (Step, Answer)) {
    let mut behaviors = [Behavior::Fine; 3];
    behaviors[place] = Behavior::Fault(fault.0, fault.1);
    smtp.queue(&behaviors);
}

/// Returns how many mails each recipient got, of which the subject contains `words`.
fn count_by_recipient(mails: &[ReceivedMail], words: &str) -> [usize; 3] {
    ADDRESSES.map(|address| {
        let own = mails.iter().filter(|mail| mail.to == [address]);
        own.filter(|mail| mail.subject().contains(words)).count()
    })
}

#[tokio::test]
async fn a_fault_at_any_step_keeps_no_mail_from_the_others() {
    let fixture = fixture().await;
    let mut known = 0;
    for (step, label) in STEPS {
        for answer in ANSWERS {
            for place in 0..3 {
                queue_fault(&fixture.smtp, place, (step, answer));
                let ran = fixture.run("one", &["--test-mail"]).await;
                let told = String::from_utf8(ran.stderr).unwrap();
                assert!(!ran.status.success());
                assert!(told.contains(label), "{label}: {told}");
                assert!(told.contains(ADDRESSES[place]), "{told}");
                let all = fixture.smtp.received();
                let mut expected = [1; 3];
                expected[place] = 0;
                let counts = count_by_recipient(&all[known..], "");
                assert_eq!(counts, expected, "{step:?} {answer:?} {place}");
                assert_eq!(all[known].id(), all[known + 1].id());
                known = all.len();
            }
        }
    }
}

/// Runs an outage while the server misbehaves for one of three recipients.
async fn run_outage(index: usize, (step, label): (Step, &str), answer: Answer) {
    let (place, case) = (index % 3, format!("{step:?} {answer:?}"));
    let mut fixture = fixture().await;
    let watcher = fixture.start_watcher("one").await;
    queue_fault(&fixture.smtp, place, (step, answer));
    fixture.targets[0].stop().await;
    let is_final = answer == Answer::Never;
    let mails = fixture.wait_for_mails(if is_final { 4 } else { 3 }).await;
    let mut expected = [1; 3];
    if is_final {
        expected[place] = 0;
    }
    assert_eq!(count_by_recipient(&mails, "is down"), expected, "{case}");
    let down = mails
        .iter()
        .filter(|mail| mail.subject().contains("is down"));
    let ids: Vec<_> = down.map(ReceivedMail::id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{case}: {ids:?}");
    let log = watcher.log().join("\n");
    let named = format!("\"step\":\"{label}\"");
    assert!(log.contains(&named), "{case}: {log}");
    assert!(!log.contains("@example.org"), "{log}");
    let status = watcher.status().await;
    assert_eq!(status["mails_waiting"], 0, "{case}");
    let refused = &status["refused_recipients"];
    let metrics = watcher.get("/metrics").await;
    assert!(metrics.contains(&format!("recipients_refused {}", u8::from(is_final))));
    if !is_final {
        assert_eq!(*refused, serde_json::json!([]));
        return;
    }
    assert_eq!(refused[0]["recipient"], place + 1);
    assert_eq!(refused[0]["step"], label);
    assert_eq!(refused[0]["code"], 550);
    assert!(watcher.get("/").await.contains(&format!("550 a {label}")));
    assert_eq!(count_by_recipient(&mails, "refuses the notices"), expected);
    let notice = mails
        .iter()
        .find(|mail| mail.subject().contains("refuses the notices"));
    assert!(notice.unwrap().text().contains(ADDRESSES[place]));
    // The next mail is tried again, and takes the refusal back.
    fixture.targets[0].restart().await;
    let mails = fixture.wait_for_mails(7).await;
    assert_eq!(count_by_recipient(&mails, "is back"), [1; 3], "{case}");
    assert_eq!(
        watcher.status().await["refused_recipients"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn faults_during_an_outage_reach_the_one_recipient_only() {
    let cases = STEPS
        .iter()
        .flat_map(|step| ANSWERS.map(|answer| (*step, answer)));
    let runs = cases
        .enumerate()
        .map(|(index, (step, answer))| run_outage(index, step, answer));
    join_all(runs).await;
}

#[tokio::test]
async fn a_recipient_that_is_delayed_gets_the_mails_in_order() {
    let mut fixture = fixture().await;
    let watcher = fixture.start_watcher("one").await;
    let later = Behavior::Fault(Step::Rcpt, Answer::Later);
    fixture
        .smtp
        .queue(&[Behavior::Fine, later, Behavior::Fine, later, later, later]);
    fixture.targets[0].stop().await;
    watcher.wait_until_down(1).await;
    watcher
        .wait_until("it is told", |status| {
            status["incidents"][0]["told_raised"].is_string()
        })
        .await;
    fixture.targets[0].restart().await;
    let mails = fixture.wait_for_mails(6).await;
    assert_eq!(count_by_recipient(&mails, "is down"), [1; 3]);
    assert_eq!(count_by_recipient(&mails, "is back"), [1; 3]);
    let own = mails.iter().filter(|mail| mail.to == [ADDRESSES[1]]);
    let subjects: Vec<_> = own.map(ReceivedMail::subject).collect();
    assert!(subjects[0].contains("is down"), "{subjects:?}");
}

#[tokio::test]
async fn the_server_is_greeted_with_a_name() {
    for (setting, expected) in [("", None), ("relay.example.net", Some("relay.example.net"))] {
        let mut fixture = WatchFixture::new().await;
        fixture.set("JORNADA_MAIL_HELLO", setting);
        let sent = fixture.run("one", &["--test-mail"]).await;
        assert!(sent.status.success(), "{sent:?}");
        let name = fixture.smtp.greetings().remove(0);
        assert!(name.contains('.') && !name.contains('['), "{name}");
        assert!(expected.is_none_or(|expected| name == expected), "{name}");
    }
}

/// Creates a certificate that signs itself, and its key.
fn self_signed(folder: &std::path::Path) -> TlsAcceptor {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .output()
        .unwrap();
    assert!(made.status.success());
    let chain = CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_accepted_if_it_is_in_the_settings() {
    tokio_rustls::rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let mut fixture = WatchFixture::new().await;
    let (own, other) = (
        fixture.folder.path().join("own"),
        fixture.folder.path().join("other"),
    );
    for folder in [&own, &other] {
        std::fs::create_dir(folder).unwrap();
    }
    let acceptor = self_signed(&own);
    self_signed(&other);
    for implicit in [true, false] {
        let smtp = Smtp::start_with(Some((acceptor.clone(), implicit))).await;
        let port = smtp.address.port();
        let url = if implicit {
            format!("smtps://localhost:{port}")
        } else {
            format!("smtp://localhost:{port}?tls=required")
        };
        fixture.set("JORNADA_SMTP", &url);
        fixture.set("JORNADA_SMTP_CA", own.join("cert.pem").to_str().unwrap());
        let sent = fixture.run("one", &["--test-mail"]).await;
        assert!(sent.status.success(), "{sent:?}");
        assert_eq!(smtp.received().len(), 1);
        for authority in ["", other.join("cert.pem").to_str().unwrap()] {
            fixture.set("JORNADA_SMTP_CA", authority);
            let refused = fixture.run("one", &["--test-mail"]).await;
            let told = String::from_utf8(refused.stderr).unwrap();
            assert!(
                told.contains("unknown authority: set JORNADA_SMTP_CA"),
                "{told}"
            );
        }
        assert_eq!(smtp.received().len(), 1);
    }
}
