//! Limits of the shipped nginx.conf for one client at once, and the addresses that count as one client.

use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use reqwest::Client;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use jornada_testkit::instance::{DEFAULT_TIMEOUT, Installation, Stores, expect_problem};
use jornada_testkit::nginx::Nginx;
use jornada_testkit::raw::RawResponse;
use jornada_testkit::recorder::Recorder;

/// Maximum of concurrent requests per client.
const MAX_REQUESTS: usize = 512;

/// Maximum of POSTs that one client may send at once.
const BURST: u64 = 100;

/// More POSTs than a client may send during one of these tests.
const MANY: u64 = 1000;

fn client_from(address: [u8; 4]) -> Client {
    let builder = Client::builder().local_address(Some(address.into()));
    builder.build().unwrap()
}

/// Sends a head from 127.0.0.2, waits until nginx asks for the body, and never sends it.
async fn hold_request(nginx: &Nginx) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let site: SocketAddr = nginx.base.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(site).await.unwrap();
    let head =
        "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 100");
    stream
}

/// Raises the limit of open files, often only 1,024, which all tests of the process share.
fn raise_file_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

#[tokio::test]
async fn a_client_with_too_many_requests_is_limited_and_others_are_not() {
    raise_file_limit();
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    let get = async |address: [u8; 4], path: &str| {
        let request = client_from(address).get(format!("{}{path}", nginx.base));
        request.send().await.unwrap()
    };
    let holder = [127, 0, 0, 2];
    let mut held = Vec::new();
    for _ in 0..MAX_REQUESTS {
        held.push(hold_request(&nginx).await);
    }
    let denied = get(holder, "/").await;
    assert_eq!(denied.status(), 429);
    assert_eq!(denied.headers()["retry-after"], "5");
    let body = denied.text().await.unwrap();
    assert!(body.contains("Demasiados envíos seguidos"), "{body}");
    let body = expect_problem(get(holder, "/api/v1/nothing").await, 429).await;
    assert_eq!(body["type"], "urn:jornada:problem:too-many-requests");
    let events = format!("/api/v1/campaigns/{}/chart/events", app.vote);
    assert_eq!(
        get(holder, &events).await.status(),
        200,
        "events are counted separately"
    );
    assert_eq!(
        get([127, 0, 0, 4], "/").await.status(),
        200,
        "another client"
    );
    assert_eq!(
        get([127, 0, 0, 1], "/").await.status(),
        200,
        "an exempt client"
    );
    held.truncate(MAX_REQUESTS / 2);
    let start = Instant::now();
    while get(holder, "/").await.status() != 200 {
        assert!(
            start.elapsed() < DEFAULT_TIMEOUT,
            "the limit is not released"
        );
    }
}

#[tokio::test]
async fn a_flood_of_pages_is_limited_and_others_read_on() {
    const AT_ONCE: usize = 64;
    const MAX_PAGES: usize = 20_000;
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    let url = format!("{}/healthz", nginx.base);
    let (flood, other) = (client_from([127, 0, 0, 5]), client_from([127, 0, 0, 6]));
    let get = async |client: &Client| client.get(&url).send().await.unwrap().status();
    let statuses = stream::iter(0..MAX_PAGES).map(|_| get(&flood));
    let refused = statuses.buffer_unordered(AT_ONCE).enumerate();
    let refused = pin!(refused.filter(|(_, status)| ready(*status == 429)))
        .next()
        .await;
    let (accepted, _) = refused.expect("never refused");
    assert!(
        accepted >= 1_900,
        "{accepted} accepted: fewer than a town needs"
    );
    assert_eq!(get(&other).await, 200);
}

#[tokio::test]
async fn an_ipv6_network_is_one_client() {
    let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    let (instance, _) = Recorder::start(answer).await;
    let nginx = Nginx::start(&[&instance.to_string()]).await;
    let proxy = client_from([127, 0, 0, 3]);
    let accepted_before_limit = async |address: &dyn Fn(u64) -> IpAddr| {
        let mut number = 0;
        loop {
            let claimed = address(number).to_string();
            let request = proxy
                .post(format!("{}/c/nothing", nginx.base))
                .header("X-Real-Ip", claimed);
            if request.send().await.unwrap().status() == 429 {
                return number;
            }
            number += 1;
            assert!(number < MANY, "{} is never refused", address(number));
        }
    };
    // Zero groups that the text form shortens, and bytes that are newlines.
    for network in [
        0x2001_0db8_0000_0000_u64,
        0x2001_0db8_0000_0001,
        0x2001_0db8_0a0a_0a0a,
        0x2001_0db8_0001_0000,
    ] {
        let one_of = |number: u64| {
            let host = number << (number % 48);
            IpAddr::from((u128::from(network) << 64 | u128::from(host)).to_be_bytes())
        };
        let accepted = accepted_before_limit(&one_of).await;
        assert!(
            accepted > BURST,
            "{network:x} shares a limit with another network"
        );
    }
    let [mapped, same, next] = ["::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"];
    for (address, is_new) in [(mapped, true), (same, false), (next, true)] {
        let accepted = accepted_before_limit(&|_| address.parse().unwrap()).await;
        assert_eq!(accepted > BURST, is_new, "{address}: {accepted} accepted");
    }
}

#[tokio::test]
async fn large_bodies_are_accepted_only_where_photos_arrive() {
    const QUIET: Duration = Duration::from_millis(300);
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    let form = format!("/c/{}", app.campaign);
    let api = format!("/api/v1/campaigns/{}/registrations", app.campaign);
    // Sends the head alone: a rejection does not wait for the body.
    let send = |verb: &str, path: &str, length: &str| {
        let head = format!("{verb} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n");
        RawResponse::send(&nginx.base, head.as_bytes(), QUIET)
    };
    let long = "Content-Length: 33000000";
    let photo = "Content-Length: 8900000";
    for path in [form.as_str(), &format!("{form}?lang=en"), &api] {
        let answer = send("POST", path, &format!("{photo}\r\nExpect: 100-continue"));
        assert_eq!(answer.statuses(), [100], "{path}: {}", answer.text);
    }
    let chunked = "Transfer-Encoding: chunked";
    for (verb, path, length) in [
        ("GET", "/", long),
        ("POST", "/", "Content-Length: 300000"),
        ("POST", "/staff/login", long),
        ("GET", "/healthz", long),
        ("GET", "/static/x/y", long),
        ("POST", "/c/x/chart", long),
        ("GET", &form, long),
        ("GET", &form, "Content-Length: 100000"),
        ("HEAD", &form, long),
        ("GET", &form, chunked),
        ("PUT", &api, long),
        ("POST", &form, "Content-Length: 9500000"),
    ] {
        let answer = send(verb, path, length);
        assert_eq!(answer.statuses(), [413], "{verb} {path} {length}");
    }
    let none = "Content-Length: 0";
    assert_eq!(send("GET", &form, none).statuses(), [200]);
    let short = format!("Content-Length: 50000\r\n\r\n{}", "x".repeat(50_000));
    assert_eq!(send("PUT", &api, &short).statuses()[0], 405);
    let body = send("GET", "/", long).text;
    assert!(body.contains("demasiado grande"), "{body}");
    for path in ["/api/v1/nothing", &api] {
        let body = send("GET", path, long).text;
        assert!(body.contains("urn:jornada:problem:too-large"), "{body}");
    }
}

#[tokio::test]
async fn votes_have_a_limit_and_a_size_of_their_own() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_EXEMPT", "none");
    installation.set("JORNADA_LIMIT_VOTES", "400+1");
    let app = installation.start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    let client = Client::builder().local_address(Some([127, 0, 0, 2].into()));
    let client = client.build().unwrap();
    let votes = format!(
        "{}/api/v1/campaigns/{}/votes",
        nginx.base, installation.contest
    );
    let vote = json!({"album": "Uno", "artista": "Los Ejemplos", "puesto": "1"});
    // More posts than nginx lets one client send elsewhere.
    for _ in 0..150 {
        let answer = client.post(&votes).json(&vote).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    let batch = client
        .post(format!("{votes}/batch"))
        .json(&vec![&vote; 250]);
    assert_eq!(batch.send().await.unwrap().status(), 200);
    // The application knows the client behind nginx, also at the path of an alias.
    for path in [votes.clone(), format!("{}/insert", nginx.base)] {
        let vote = json!({"name": "Los Ejemplos", "album": "Uno", "rank": "1", "artista": "x", "puesto": "1"});
        let refused = client.post(path).json(&vote).send().await.unwrap();
        assert_eq!(refused.status(), 429);
    }
    let large = vec![json!({"album": "x".repeat(1_000)}); 4_200];
    let refused = client.post(format!("{votes}/batch")).json(&large);
    let refused: Value = refused.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        refused["title"], "Son demasiados votos a la vez",
        "the application tells it: {refused}"
    );
}
