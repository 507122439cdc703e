//! Bounds of the gRPC door: numbers, sizes, and clients that stop in the middle.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use axum::http::Version;
use jornada_proto::v1::{Vote, VoteBatch};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::raw::connect;
use tokio_stream::StreamExt;
use tonic::Code;
use tower::ServiceExt;

use crate::grpc::{client, connect as channel, vote, wait_for_total};

#[tokio::test]
async fn numbers_and_sizes_are_bounded() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut client = client(&app).await;
    let contest = &installation.contest;
    let batch = |votes| VoteBatch {
        campaign: contest.clone(),
        idempotency_key: "batch-0001".to_owned(),
        votes,
    };
    let large = |bytes| vote(contest, "", &"x".repeat(bytes));
    let mut answers = vote(contest, "", "Shakira");
    answers
        .answers
        .extend((0..62).map(|number| (number.to_string(), String::new())));
    for (what, refused) in [
        ("10,001 votes", batch(vec![Vote::default(); 10_001])),
        ("no vote", batch(Vec::new())),
        ("5 MiB", batch(vec![large(5 << 20)])),
        ("65 answers", batch(vec![answers.clone()])),
    ] {
        let Err(refused) = client.cast_batch(refused).await else {
            panic!("{what} were taken in");
        };
        assert_eq!(refused.code(), Code::InvalidArgument, "{what}: {refused:?}");
    }
    for (what, refused) in [("1 MiB", large(1 << 20)), ("65 answers", answers)] {
        let status = client.cast(refused.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
        let votes = [vote(contest, "stream-key", "Shakira"), refused];
        let outcomes = client.cast_stream(tokio_stream::iter(votes)).await.unwrap();
        let outcomes: Vec<_> = outcomes.into_inner().collect().await;
        assert!(
            outcomes[0].is_ok(),
            "the vote before it is stored: {outcomes:?}"
        );
        assert_eq!(
            outcomes[1].as_ref().unwrap_err().code(),
            Code::InvalidArgument,
            "{what}"
        );
    }
    let full = (0..10_000).map(|_| vote("", "", "Shakira")).collect();
    let full = client.cast_batch(batch(full)).await.unwrap().into_inner();
    assert_eq!((full.accepted, full.outcomes.len()), (10_000, 10_000));
    wait_for_total(&app, contest, 10_001).await;
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, body].concat()
}

/// Opens a connection and a call, and sends nothing of its message.
fn open_call(app: &RunningInstance, path: &str) -> TcpStream {
    open_call_within(app, path, "1M")
}

/// Like [`open_call`], with a timeout.
fn open_call_within(app: &RunningInstance, path: &str, timeout: &str) -> TcpStream {
    let mut headers = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", timeout),
    ] {
        // Literal, without the table of HPACK (RFC 7541, 6.2.2).
        headers.push(0);
        for text in [name, value] {
            headers.push(u8::try_from(text.len()).unwrap());
            headers.extend_from_slice(text.as_bytes());
        }
    }
    let mut stream = connect(&app.grpc);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let opening = [preface, &*frame(4, 0, 0, &[]), &*frame(1, 4, 1, &headers)].concat();
    stream.write_all(&opening).unwrap();
    stream
}

/// A message with its length, as in gRPC.
fn message(message: &impl prost::Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &bytes].concat()
}

async fn wait_for_metric(app: &RunningInstance, line: &str) {
    app.wait_until(line, async |app| {
        let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
        let metrics = metrics.unwrap().text().await.unwrap();
        metrics.lines().any(|known| known == line)
    })
    .await;
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_leaves_nothing_behind() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let contest = &installation.contest;
    let whole = message(&vote(contest, "raw-key-1", "Shakira"));
    let half = &whole[..whole.len() / 2];
    let mut cut_message = open_call(&app, "/jornada.v1.Votes/Cast");
    cut_message.write_all(&frame(0, 0, 1, half)).unwrap();
    let mut cut_frame = open_call(&app, "/jornada.v1.Votes/CastBatch");
    cut_frame.write_all(&frame(0, 0, 1, &whole)[..20]).unwrap();
    let mut stream = open_call(&app, "/jornada.v1.Votes/CastStream");
    stream
        .write_all(&frame(0, 0, 1, &[&whole, half].concat()))
        .unwrap();
    wait_for_metric(&app, "jornada_grpc_streams 1").await;
    wait_for_metric(&app, "jornada_requests_in_flight 2").await;
    wait_for_total(&app, contest, 1).await;
    drop((cut_message, cut_frame, stream));
    for line in [
        "jornada_grpc_streams 0",
        "jornada_requests_in_flight 0",
        "jornada_upload_bytes 0",
        "jornada_grpc_calls_total{code=\"CANCELLED\",method=\"/jornada.v1.Votes/CastStream\"} 1",
    ] {
        wait_for_metric(&app, line).await;
    }
    let mut client = client(&app).await;
    let again = client.cast(vote(contest, "raw-key-1", "Shakira")).await;
    let status = again.unwrap().into_inner().status();
    assert_eq!(status, jornada_proto::v1::Status::AlreadyStored);
    wait_for_total(&app, contest, 1).await;
}

#[tokio::test]
async fn an_expired_deadline_casts_nothing() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let contest = &installation.contest;
    let one = vote(contest, "", "Shakira");
    let batch = VoteBatch {
        campaign: contest.clone(),
        votes: vec![one.clone()],
        ..VoteBatch::default()
    };
    let calls = [
        ("Cast", message(&one)),
        ("CastBatch", message(&batch)),
        ("CastStream", message(&one)),
    ];
    for (timeout, code) in [("1n", "DEADLINE_EXCEEDED"), ("20S", "OK")] {
        for (method, body) in &calls {
            let method = format!("/jornada.v1.Votes/{method}");
            let mut call = open_call_within(&app, &method, timeout);
            call.write_all(&frame(0, 1, 1, body)).unwrap();
            let line = format!("jornada_grpc_calls_total{{code=\"{code}\",method=\"{method}\"}} 1");
            wait_for_metric(&app, &line).await;
        }
    }
    wait_for_total(&app, contest, 3).await;
}

#[tokio::test]
async fn http_1_is_refused() {
    let app = Installation::new(Stores::Embedded).start().await;
    let mut stream = connect(&app.grpc);
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    assert!(!answer.starts_with(b"HTTP/1"), "{answer:?}");
    let unknown = app.log().iter().any(|line| line.contains("panicked"));
    assert!(!unknown);
}

#[tokio::test]
async fn one_port_serves_the_site_and_grpc() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_GRPC_LISTEN", "http");
    let app = installation.start().await;
    assert_eq!(app.grpc, app.base);
    let mut client = client(&app).await;
    client
        .cast(vote(&installation.contest, "", "Shakira"))
        .await
        .unwrap();
    wait_for_total(&app, &installation.contest, 1).await;
    let page = axum::http::Request::get(&app.base).body(tonic::body::Body::empty());
    let page = channel(&app.base)
        .await
        .oneshot(page.unwrap())
        .await
        .unwrap();
    assert_eq!(
        (page.status().as_u16(), page.version()),
        (200, Version::HTTP_2)
    );
    // The word arrives in pieces.
    let mut slow = connect(&app.base);
    for piece in ["P", "OS", "T /healthz HTTP/1.1\r\nHost: x\r\n\r\n"] {
        slow.write_all(piece.as_bytes()).unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let mut start = [0; 12];
    slow.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 405");
}

#[tokio::test]
async fn streams_that_wait_keep_no_vote_out() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_MAX_REQUESTS", "8");
    let app = installation.start().await;
    let mut open = Vec::new();
    for _ in 0..260 {
        open.push(open_call(&app, "/jornada.v1.Votes/CastStream"));
    }
    wait_for_metric(&app, "jornada_grpc_streams 256").await;
    let refused = "jornada_grpc_calls_total{code=\"RESOURCE_EXHAUSTED\",method=\"/jornada.v1.Votes/CastStream\"} 4";
    wait_for_metric(&app, refused).await;
    let mut client = client(&app).await;
    client
        .cast(vote(&installation.contest, "", "Shakira"))
        .await
        .unwrap();
    let stream = tokio_stream::iter([vote(&installation.contest, "", "Shakira")]);
    let one_more = client.cast_stream(stream).await;
    assert_eq!(one_more.unwrap_err().code(), Code::ResourceExhausted);
}

/// A client that sends each vote as soon as it has it fills the window of its stream with small frames.
#[tokio::test]
async fn many_small_frames_do_not_end_a_stream() {
    const VOTES: u64 = 6_000;
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut client = client(&app).await;
    let (sender, votes) = tokio::sync::mpsc::channel(1);
    let contest = installation.contest.clone();
    tokio::spawn(async move {
        for number in 0..VOTES {
            let vote = vote(&contest, &format!("vote-{number:05}"), "Shakira");
            sender.send(vote).await.unwrap();
            // Otherwise the client would put several votes into one frame.
            tokio::task::yield_now().await;
        }
    });
    let votes = tokio_stream::wrappers::ReceiverStream::new(votes);
    let outcomes = client.cast_stream(votes).await.unwrap().into_inner();
    let outcomes: Vec<_> = outcomes.collect().await;
    let refused = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
    assert!(refused.is_none(), "{refused:?}");
    wait_for_total(&app, &installation.contest, VOTES).await;
}
