//! Bodies that are too large, malformed or incomplete: rejected with a clear error, nothing stored, memory bounded.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::multipart::{Form, Part};

use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, expect_problem, form_with_photo, form_without_photo,
    photo_part,
};
use jornada_testkit::nginx::Nginx;
use jornada_testkit::photos::jpeg_of_size;

async fn start() -> RunningInstance {
    Installation::new(Stores::Embedded).start().await
}

/// Returns the resident memory of the instance in KiB (proc(5), `VmRSS`).
fn resident_kib(app: &RunningInstance) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn hostile_texts_are_rejected_with_the_field_name() {
    let app = start().await;
    for name in ["a\0b", "Ana\u{202E}ajE", "Ana\u{7}", "A", &"á".repeat(121)] {
        let body =
            expect_problem(app.send(form_with_photo(name, "", "Cali"), None).await, 422).await;
        assert_eq!(body["errors"][0]["field"], "nombre", "{name:?}");
    }
    let invalid = Part::bytes(vec![0xFF, 0xFE, 0xFD]);
    let form = Form::new()
        .part("nombre", invalid)
        .text("ciudad", "Cali")
        .text("consent", "true");
    let body = expect_problem(app.send(form, None).await, 422).await;
    assert_eq!(body["errors"][0]["field"], "nombre");
    assert_eq!(app.total().await, Some(0));
}

#[tokio::test]
async fn repeated_unknown_and_oversized_fields_are_rejected() {
    let app = start().await;
    let twice = form_with_photo("Ana Ejemplo", "", "Cali").text("nombre", "Otra");
    assert_eq!(
        expect_problem(app.send(twice, None).await, 422).await["errors"][0]["field"],
        "nombre"
    );
    let mut many = form_without_photo("Ana Ejemplo", "", "Cali");
    for number in 0..1000 {
        many = many.text(format!("field{number}"), "x");
    }
    expect_problem(app.send(many, None).await, 400).await;
    let long = form_without_photo(&"a".repeat(1024 * 1024), "", "Cali");
    assert_eq!(
        expect_problem(app.send(long, None).await, 413).await["type"],
        "urn:jornada:problem:too-large"
    );
    assert_eq!(app.total().await, Some(0));
}

#[tokio::test]
async fn rejecting_large_bodies_does_not_grow_memory() {
    let app = start().await;
    let before = resident_kib(&app);
    for _ in 0..20 {
        let endless = form_without_photo("Ana Ejemplo", "", "Cali")
            .part("foto", Part::bytes(vec![0; 24 * 1024 * 1024]));
        expect_problem(app.send(endless, None).await, 413).await;
    }
    let grown = resident_kib(&app).saturating_sub(before);
    assert!(grown < 48 * 1024, "grew by {grown} KiB");
}

#[tokio::test]
async fn a_truncated_body_stores_nothing() {
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
fn start_upload(app: &RunningInstance, bytes: usize) -> TcpStream {
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

async fn metrics_contain(app: &RunningInstance, line: &str) -> bool {
    let url = format!("{}/metrics", app.ops);
    let answer = app.http.get(url).send().await.unwrap();
    answer.text().await.unwrap().contains(line)
}

#[tokio::test]
async fn requests_over_the_limit_get_503_at_once() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_MAX_REQUESTS", "2");
    let app = installation.start().await;
    let held = [start_upload(&app, 1000), start_upload(&app, 1000)];
    app.wait_until("both are in work", async |app| {
        metrics_contain(app, "jornada_requests_in_flight 2").await
    })
    .await;
    let answer = app.register("Ana Ejemplo", "1000001", "Cali").await;
    assert_eq!(answer.headers()["retry-after"], "2");
    assert_eq!(answer.headers()["connection"], "close");
    expect_problem(answer, 503).await;
    let answer = app.get("/").await;
    assert_eq!(answer.status(), 503);
    assert!(!answer.headers().contains_key("connection"));
    assert_eq!(app.get("/healthz").await.status(), 200);
    drop(held);
    app.wait_until("they are free again", async |app| {
        metrics_contain(app, "jornada_requests_in_flight 0").await
    })
    .await;
    let answer = app.register("Ana Ejemplo", "1000001", "Cali").await;
    assert_eq!(answer.status(), 201);
}

/// Starts an upload and sends the first `bytes` bytes of its photo, but not the rest.
fn send_partial_photo(app: &RunningInstance, bytes: usize) -> TcpStream {
    let part = b"--B\r\nContent-Disposition: form-data; name=\"foto\"; filename=\"f\"\r\n\r\n";
    let mut stream = start_upload(app, part.len() + bytes + 1000);
    stream.write_all(part).unwrap();
    stream.write_all(&vec![b'a'; bytes]).unwrap();
    stream
}

fn form_with_photo_of_size(bytes: usize) -> Form {
    form_without_photo("Ana Ejemplo", "", "Cali").part("foto", photo_part(jpeg_of_size(bytes)))
}

#[tokio::test]
async fn uploads_over_the_memory_limit_get_503() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_UPLOAD_MEMORY", "16777216");
    let app = installation.start().await;
    let held: Vec<_> = (0..3)
        .map(|_| send_partial_photo(&app, 5_000_000))
        .collect();
    app.wait_until("what arrived holds memory", async |app| {
        metrics_contain(app, "jornada_upload_bytes 15").await
    })
    .await;
    let answer = app.send(form_with_photo_of_size(4_000_000), None).await;
    assert_eq!(answer.headers()["retry-after"], "2");
    expect_problem(answer, 503).await;
    assert_eq!(
        app.send(form_with_photo_of_size(400_000), None)
            .await
            .status(),
        201
    );
    drop(held);
    app.wait_until("it is free again", async |app| {
        metrics_contain(app, "jornada_upload_bytes 0").await
    })
    .await;
    assert_eq!(
        app.send(form_with_photo_of_size(4_000_000), None)
            .await
            .status(),
        201
    );
}

#[tokio::test]
async fn announced_uploads_that_send_nothing_do_not_block_others() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_UPLOAD_MEMORY", "16777216");
    let app = installation.start().await;
    let heads = (0..200).map(|_| start_upload(&app, 8_300_000));
    let held: Vec<_> = heads
        .chain((0..200).map(|_| send_partial_photo(&app, 1)))
        .collect();
    app.wait_until("all are in work", async |app| {
        metrics_contain(app, "jornada_requests_in_flight 400").await
    })
    .await;
    assert_eq!(
        app.send(form_with_photo_of_size(4_000_000), None)
            .await
            .status(),
        201
    );
    drop(held);
}

/// A registration as multipart, of a photo of `bytes` bytes.
fn multipart_body(document: &str, bytes: usize) -> Vec<u8> {
    let text = |name: &str, text: &str| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let mut body = [
        text("nombre", "Ana Ejemplo"),
        text("documento", document),
        text("ciudad", "Cali"),
        text("consent", "true"),
    ]
    .concat()
    .into_bytes();
    body.extend(b"--B\r\nContent-Disposition: form-data; name=\"foto\"; filename=\"f\"\r\n\r\n");
    body.extend(jpeg_of_size(bytes));
    body.extend(b"\r\n--B--\r\n");
    body
}

/// Sends a body at a rate in bytes per second, with a pause in seconds in the middle. Returns the status.
async fn send_slowly(url: String, body: Vec<u8>, rate: usize, pause: u64) -> u16 {
    let length = body.len();
    let pieces: Vec<_> = body.chunks(rate / 2).map(<[u8]>::to_vec).collect();
    let middle = pieces.len() / 2;
    let pieces = futures_util::stream::iter(pieces.into_iter().enumerate()).then(
        move |(number, piece)| async move {
            let rest = if number == middle { pause * 1_000 } else { 0 };
            tokio::time::sleep(Duration::from_millis(500 + rest)).await;
            Ok::<_, std::io::Error>(piece)
        },
    );
    let answer = reqwest::Client::new()
        .post(url)
        .header("content-type", "MULTIPART/Form-Data; Boundary=B")
        .header("content-length", length)
        .body(reqwest::Body::wrap_stream(pieces))
        .send();
    answer.await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_slow_line_registers_and_a_body_that_creeps_is_cut() {
    let app = start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    let path = format!("/api/v1/campaigns/{}/registrations", app.campaign);
    let mut sent = Vec::new();
    for (index, base) in [&app.base, &nginx.base].into_iter().enumerate() {
        for (case, (rate, bytes, pause)) in [
            (2_048, 48_000, 0),
            (13 * 1_024, 300_000, 0),
            (27 * 1_024, 600_000, 0),
            (30_000, 100_000, 15),
            (2_048, 20_000, 15),
        ]
        .into_iter()
        .enumerate()
        {
            let body = multipart_body(&format!("71000{index}{case}"), bytes);
            let url = format!("{base}{path}");
            sent.push(tokio::spawn(send_slowly(url, body, rate, pause)));
        }
    }
    let creeping = send_slowly(format!("{}{path}", app.base), vec![b'-'; 100_000], 200, 0);
    assert_eq!(creeping.await, 408);
    let mut statuses = Vec::new();
    for one in sent {
        statuses.push(one.await.unwrap());
    }
    assert_eq!(statuses, [201; 10]);
    app.wait_until("each is counted once", async |app| {
        app.total().await == Some(10)
    })
    .await;
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let app = start().await;
    for photo in [b"not a photo".to_vec(), vec![0; 9 << 20]] {
        let form = || {
            form_without_photo("Ana Ejemplo", "1", "Macondo")
                .part("foto", photo_part(photo.clone()))
        };
        let problem = expect_problem(app.send(form(), None).await, 422).await;
        let fields: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(fields, ["documento", "ciudad", "foto"], "{problem}");
        let url = format!("{}/c/{}?lang=es", app.base, app.campaign);
        let page = app.http.post(url).multipart(form()).send().await.unwrap();
        assert_eq!(page.status(), 422);
        let page = page.text().await.unwrap();
        for field in ["documento", "ciudad", "foto"] {
            assert!(
                page.contains(&format!("href=\"#f-{field}\"")),
                "{field}: {page}"
            );
        }
    }
    assert_eq!(app.total().await, Some(0));
}
