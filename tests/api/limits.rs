//! Bodies that are too large, malformed or incomplete: rejected with a clear error, nothing stored, memory bounded.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::multipart::{Form, Part};

use crate::support::app::{App, Installation, Stores, person, photo, problem, texts};
use crate::support::photos::jpeg_of;

async fn start() -> App {
    Installation::new(Stores::Embedded).start().await
}

/// Returns the resident memory of the instance in KiB (proc(5), `VmRSS`).
fn resident_kib(app: &App) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn hostile_texts_are_refused_by_name() {
    let app = start().await;
    for name in ["a\0b", "Ana\u{202E}ajE", "Ana\u{7}", "A", &"á".repeat(121)] {
        let body = problem(app.send(person(name, "", "Cali"), None).await, 422).await;
        assert_eq!(body["errors"][0]["field"], "nombre", "{name:?}");
    }
    let invalid = Part::bytes(vec![0xFF, 0xFE, 0xFD]);
    let form = Form::new()
        .part("nombre", invalid)
        .text("ciudad", "Cali")
        .text("consent", "true");
    let body = problem(app.send(form, None).await, 422).await;
    assert_eq!(body["errors"][0]["field"], "nombre");
    assert_eq!(app.total().await, Some(0));
}

#[tokio::test]
async fn more_than_was_asked_is_refused() {
    let app = start().await;
    let twice = person("Ana Ejemplo", "", "Cali").text("nombre", "Otra");
    assert_eq!(
        problem(app.send(twice, None).await, 422).await["errors"][0]["field"],
        "nombre"
    );
    let mut many = texts("Ana Ejemplo", "", "Cali");
    for number in 0..1000 {
        many = many.text(format!("field{number}"), "x");
    }
    problem(app.send(many, None).await, 400).await;
    let long = texts(&"a".repeat(1024 * 1024), "", "Cali");
    assert_eq!(
        problem(app.send(long, None).await, 413).await["type"],
        "urn:jornada:problem:too-large"
    );
    assert_eq!(app.total().await, Some(0));
}

#[tokio::test]
async fn memory_stays_flat_under_large_refusals() {
    let app = start().await;
    let before = resident_kib(&app);
    for _ in 0..20 {
        let endless =
            texts("Ana Ejemplo", "", "Cali").part("foto", Part::bytes(vec![0; 24 * 1024 * 1024]));
        problem(app.send(endless, None).await, 413).await;
    }
    let grown = resident_kib(&app).saturating_sub(before);
    assert!(grown < 48 * 1024, "grew by {grown} KiB");
}

#[tokio::test]
async fn a_body_that_stops_half_way_keeps_nothing() {
    let app = start().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let head = format!(
        "POST /api/v1/campaigns/{}/registrations HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=B\r\nTransfer-Encoding: chunked\r\n\r\n",
        app.campaign
    );
    let part = "--B\r\nContent-Disposition: form-data; name=\"nombre\"\r\n\r\nAna";
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        // The chunked encoding is complete; the multipart body in it is not.
        write!(stream, "{head}{:x}\r\n{part}\r\n0\r\n\r\n", part.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 400"));
    assert_eq!(app.total().await, Some(0));
}

/// Starts an upload that announces `bytes` bytes and sends none.
fn begin_upload(app: &App, bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "POST /api/v1/campaigns/{}/registrations HTTP/1.1\r\nHost: x\r\n\
         Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {bytes}\r\n\r\n",
        app.campaign
    )
    .unwrap();
    stream
}

async fn metrics_say(app: &App, line: &str) -> bool {
    let url = format!("{}/metrics", app.ops);
    let answer = app.http.get(url).send().await.unwrap();
    answer.text().await.unwrap().contains(line)
}

#[tokio::test]
async fn past_the_places_for_requests_it_is_busy_at_once() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_MAX_REQUESTS", "2");
    let app = installation.start().await;
    let held = [begin_upload(&app, 1000), begin_upload(&app, 1000)];
    app.until("both are in work", async |app| {
        metrics_say(app, "jornada_requests_in_flight 2").await
    })
    .await;
    let answer = app.register("Ana Ejemplo", "1000001", "Cali").await;
    assert_eq!(answer.headers()["retry-after"], "2");
    assert_eq!(answer.headers()["connection"], "close");
    problem(answer, 503).await;
    let answer = app.get("/").await;
    assert_eq!(answer.status(), 503);
    assert!(!answer.headers().contains_key("connection"));
    assert_eq!(app.get("/healthz").await.status(), 200);
    drop(held);
    app.until("they are free again", async |app| {
        metrics_say(app, "jornada_requests_in_flight 0").await
    })
    .await;
    let answer = app.register("Ana Ejemplo", "1000001", "Cali").await;
    assert_eq!(answer.status(), 201);
}

/// Starts an upload and sends the first `bytes` bytes of its photo, but not the rest.
fn send_photo(app: &App, bytes: usize) -> TcpStream {
    let part = b"--B\r\nContent-Disposition: form-data; name=\"foto\"; filename=\"f\"\r\n\r\n";
    let mut stream = begin_upload(app, part.len() + bytes + 1000);
    stream.write_all(part).unwrap();
    stream.write_all(&vec![b'a'; bytes]).unwrap();
    stream
}

fn with_photo(bytes: usize) -> Form {
    texts("Ana Ejemplo", "", "Cali").part("foto", photo(jpeg_of(bytes)))
}

#[tokio::test]
async fn past_the_memory_for_uploads_it_is_busy() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_UPLOAD_MEMORY", "16777216");
    let app = installation.start().await;
    let held: Vec<_> = (0..3).map(|_| send_photo(&app, 5_000_000)).collect();
    app.until("what arrived holds memory", async |app| {
        metrics_say(app, "jornada_upload_bytes 15").await
    })
    .await;
    let answer = app.send(with_photo(4_000_000), None).await;
    assert_eq!(answer.headers()["retry-after"], "2");
    problem(answer, 503).await;
    assert_eq!(app.send(with_photo(400_000), None).await.status(), 201);
    drop(held);
    app.until("it is free again", async |app| {
        metrics_say(app, "jornada_upload_bytes 0").await
    })
    .await;
    assert_eq!(app.send(with_photo(4_000_000), None).await.status(), 201);
}

#[tokio::test]
async fn uploads_that_announce_much_and_send_nothing_keep_nobody_out() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_UPLOAD_MEMORY", "16777216");
    let app = installation.start().await;
    let heads = (0..200).map(|_| begin_upload(&app, 8_300_000));
    let held: Vec<_> = heads.chain((0..200).map(|_| send_photo(&app, 1))).collect();
    app.until("all are in work", async |app| {
        metrics_say(app, "jornada_requests_in_flight 400").await
    })
    .await;
    assert_eq!(app.send(with_photo(4_000_000), None).await.status(), 201);
    drop(held);
}
