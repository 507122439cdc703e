//! Requests that no browser sends: two lengths, two hosts, endless heads, idle connections. Sent byte by byte, directly
//! and through nginx.

use std::time::{Duration, Instant};

use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::nginx::Nginx;
use jornada_testkit::raw::{RawResponse, connect};

const QUIET: Duration = Duration::from_millis(700);

async fn start_both() -> (RunningInstance, Nginx) {
    let app = Installation::new(Stores::Embedded).start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    (app, nginx)
}

/// Sends the same bytes to the instance and to nginx and returns the statuses of each.
fn statuses_at_each(app: &RunningInstance, nginx: &Nginx, bytes: &str) -> [Vec<u16>; 2] {
    [&app.base, &nginx.base].map(|base| RawResponse::send(base, bytes.as_bytes(), QUIET).statuses())
}

#[tokio::test]
async fn two_lengths_cannot_smuggle_a_request() {
    let (app, nginx) = start_both().await;
    // The chunks end the body before the smuggled request, the length after it.
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let orders = [
        "Content-Length: 55\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 55",
    ];
    for lengths in orders {
        let bytes = format!(
            "POST /nothing HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}"
        );
        for base in [&app.base, &nginx.base] {
            let answer = RawResponse::send(base, bytes.as_bytes(), QUIET);
            assert_eq!(answer.statuses().len(), 1, "{}", answer.text);
            // nginx announces the close and discards what follows for a while.
            let ends = answer.closed || answer.text.contains("\r\nConnection: close\r\n");
            assert!(ends, "what follows is not read: {}", answer.text);
        }
    }
    let refused = [
        "Content-Length: 4\r\nContent-Length: 40",
        "Content-Length: +4",
        "Content-Length: 4, 40",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding : chunked",
    ];
    for lengths in refused {
        let bytes =
            format!("POST /nothing HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\nabcd{smuggled}");
        for statuses in statuses_at_each(&app, &nginx, &bytes) {
            assert!(
                matches!(statuses[..], [400 | 501]),
                "{lengths}: {statuses:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_connection_with_an_unread_body_is_closed() {
    let app = Installation::new(Stores::Embedded).start().await;
    let registrations = format!("/api/v1/campaigns/{}/registrations", app.campaign);
    let send = |path: &str, length: u64, body: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}");
        let kind = "Content-Type: multipart/form-data; boundary=x";
        let bytes = format!("{head}\r\n{kind}\r\n\r\n{body}");
        let answer = RawResponse::send(&app.base, bytes.as_bytes(), QUIET);
        let closes = answer.text.contains("\r\nconnection: close\r\n");
        (answer.statuses(), closes, answer.closed)
    };
    assert_eq!(send("/nothing", 100, "some"), (vec![404], true, true));
    let too_long = 33 * 1024 * 1024;
    assert_eq!(
        send(&registrations, too_long, "--x"),
        (vec![413], true, true)
    );
    assert_eq!(
        send(&registrations, 7, "--x--\r\n"),
        (vec![422], false, false)
    );
}

#[tokio::test]
async fn malformed_heads_are_rejected() {
    let (app, nginx) = start_both().await;
    for head in [
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c: d\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\0c\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x@localhost\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let [direct, proxied] = statuses_at_each(&app, &nginx, head);
        assert_eq!(direct, [400], "{head:?}");
        // nginx drops such header lines, and the instance gets a valid head.
        assert!(matches!(proxied[..], [400 | 200]), "{head:?}: {proxied:?}");
    }
    let bare = "GET /healthz HTTP/1.1\nHost: localhost\nConnection: close\n\n";
    for statuses in statuses_at_each(&app, &nginx, bare) {
        assert_eq!(
            statuses,
            [200],
            "a line may end in LF alone (RFC 9112, 2.2)"
        );
    }
}

#[tokio::test]
async fn malformed_chunks_are_rejected() {
    let (app, nginx) = start_both().await;
    let send = |base: &str, body: &str| {
        let bytes = format!(
            "POST /api/v1/campaigns/{}/registrations HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{body}",
            app.vote
        );
        RawResponse::send(base, bytes.as_bytes(), QUIET).statuses()
    };
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for body in ["fffffffffffffffff\r\n", "-1\r\n\r\n", "0x1\r\na\r\n"] {
        for base in [&app.base, &nginx.base] {
            let statuses = send(base, &format!("{body}{smuggled}"));
            assert!(
                matches!(statuses[..], [400 | 413]),
                "{body:.20}: {statuses:?}"
            );
        }
    }
    // nginx accepts these, drops the extension and forwards the body with its length; "a" is no JSON object.
    let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(60_000));
    for odd in ["1\na\r\n0\r\n\r\n", &long] {
        assert_eq!(send(&app.base, odd), [400]);
        assert_eq!(send(&nginx.base, odd), [400]);
    }
}

#[tokio::test]
async fn large_heads_are_rejected() {
    let (app, nginx) = start_both().await;
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n")
    };
    let many = (0..110).map(|number| format!("X-{number}: a\r\n"));
    let many: String = many.collect();
    let line = format!("X-Long: {}\r\n", "a".repeat(7000));
    for (path, headers, statuses) in [
        ("/healthz", line.repeat(2), [200, 200]),
        ("/healthz", line.repeat(6), [431, 400]),
        (
            "/healthz",
            format!("X-Long: {}\r\n", "a".repeat(300_000)),
            [431, 400],
        ),
        ("/healthz", many, [431, 431]),
        (
            &format!("/{}", "a".repeat(45_000)),
            String::new(),
            [431, 414],
        ),
    ] {
        let answers = statuses_at_each(&app, &nginx, &get(path, &headers));
        assert_eq!(answers, statuses.map(|status| vec![status]));
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let (app, nginx) = start_both().await;
    let vote = format!("/api/v1/campaigns/{}/registrations", app.vote);
    for (method, path, allow) in [
        ("DELETE", "/", "GET,HEAD"),
        ("BREW", "/", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
        ("OPTIONS", "/", "GET,HEAD"),
        ("PUT", &vote, "POST"),
        ("GET", &vote, "POST"),
        ("PROPFIND", &vote, "POST"),
    ] {
        let bytes = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        for base in [&app.base, &nginx.base] {
            let answer = RawResponse::send(base, bytes.as_bytes(), QUIET);
            assert_eq!(answer.statuses(), [405], "{method} {path}");
            let text = answer.text.to_lowercase();
            let allow = allow.to_lowercase();
            assert!(
                text.contains(&format!("\r\nallow: {allow}\r\n")),
                "{method} {path}: {text}"
            );
        }
    }
    for line in ["TRACE / ", "CONNECT localhost:80 ", "CONNECT / "] {
        let bytes = format!("{line}HTTP/1.1\r\nHost: localhost\r\n\r\n");
        for statuses in statuses_at_each(&app, &nginx, &bytes) {
            assert!(matches!(statuses[..], [400 | 405]), "{line}: {statuses:?}");
        }
    }
    let odd = "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(matches!(
        statuses_at_each(&app, &nginx, odd)[0][..],
        [400 | 404 | 405]
    ));
}

#[tokio::test]
async fn requests_for_other_hosts_are_rejected() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_HOSTS", "jornada.example.org,otro.example.org");
    let app = installation.start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    let get = |target: &str, host: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    for (target, host, status) in [
        ("/", "jornada.example.org", 200),
        ("/", "OTRO.example.org:8080", 200),
        ("/", "localhost", 200),
        ("/", "evil.example", 421),
        ("/api/v1/nothing", "evil.example", 421),
        ("/", "jornada.example.org.evil.example", 421),
        ("/healthz", "10.1.2.3:4000", 200),
    ] {
        for statuses in statuses_at_each(&app, &nginx, &get(target, host)) {
            assert_eq!(statuses, [status], "{host}");
        }
    }
    let absolute = get("http://evil.example/", "jornada.example.org");
    let answer = RawResponse::send(&app.base, absolute.as_bytes(), QUIET);
    assert_eq!(answer.statuses(), [421], "the target names another host");
    assert!(answer.text.contains("Este sitio no tiene ese nombre"));
    assert!(!answer.text.contains("evil"), "the host is not repeated");
    let api = get("/api/v1/nothing", "evil.example");
    let answer = RawResponse::send(&app.base, api.as_bytes(), QUIET);
    assert!(answer.text.contains("urn:jornada:problem:wrong-host"));
}

#[tokio::test]
async fn no_path_leads_to_another_host() {
    let (app, nginx) = start_both().await;
    for target in [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/\\/evil.example",
        "///evil.example/c/x",
        "/staff/login?next=//evil.example",
        "/staff/login?next=/staff/..//evil.example",
        "/staff/login?next=https://evil.example",
        "/?lang=//evil.example",
        "/c/x?lang=en&next=//evil.example",
    ] {
        let bytes = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        );
        for base in [&app.base, &nginx.base] {
            let answer = RawResponse::send(base, bytes.as_bytes(), QUIET);
            for link in ["=\"//", "=\"/\\", "=\"http", "=\"\\", "ocation: "] {
                let plain = answer.text.replace("=\"http://www.w3.org", "");
                assert!(!plain.contains(link), "{target}: {}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn an_unfinished_head_times_out() {
    let app = Installation::new(Stores::Embedded).start().await;
    let start = Instant::now();
    let mut slow = connect(&app.base);
    std::io::Write::write_all(&mut slow, b"GET / HTTP/1.1\r\nHost: loc").unwrap();
    let mut silent = connect(&app.base);
    // Far above the timeout of 30 s, for machines that stall now and then.
    let answer = RawResponse::read(&mut slow, Duration::from_mins(2));
    let took = start.elapsed();
    assert!(answer.closed, "still open after {took:?}: {}", answer.text);
    assert!(took > Duration::from_secs(20), "closed after {took:?}");
    assert!(RawResponse::read(&mut silent, Duration::from_mins(2)).closed);
}

#[tokio::test]
async fn idle_connections_do_not_block_others() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_MAX_CONNECTIONS", "20");
    let app = installation.start().await;
    let mut idle: Vec<_> = (0..100).map(|_| connect(&app.base)).collect();
    for half in &mut idle[80..] {
        std::io::Write::write_all(half, b"GET / HTTP/1.1\r\nHost: loc").unwrap();
    }
    for _ in 0..5 {
        let start = Instant::now();
        let asked = reqwest::get(format!("{}/healthz", app.base)).await.unwrap();
        assert_eq!(asked.status(), 200);
        // Idle connections are closed only after 30 s.
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    assert!(RawResponse::read(&mut idle[0], Duration::from_secs(5)).closed);
    let url = format!("{}/metrics", app.ops);
    let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
    let metric = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name));
        line.unwrap()
            .rsplit_once(' ')
            .unwrap()
            .1
            .parse::<u64>()
            .unwrap()
    };
    assert!(metric("jornada_connections ") <= 20);
    assert!(metric("jornada_connections_turned_away_total{how=\"waited\"}") >= 80);
}

#[tokio::test]
async fn security_headers_forbid_what_no_page_needs() {
    let (app, nginx) = start_both().await;
    let form = app.get(&format!("/c/{}", app.campaign)).await;
    let permissions = form.headers()["permissions-policy"].to_str().unwrap();
    assert!(permissions.contains("camera=(self)") && permissions.contains("geolocation=()"));
    let chart = app.get(&format!("/c/{}/chart", app.campaign)).await;
    let permissions = chart.headers()["permissions-policy"].to_str().unwrap();
    assert!(permissions.contains("camera=()"));
    let policy = form.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert_eq!(form.headers()["x-content-type-options"], "nosniff");
    assert_eq!(form.headers()["referrer-policy"], "same-origin");
    assert!(!form.headers().contains_key("strict-transport-security"));
    let behind_tls = app.http.get(&app.base);
    let behind_tls = behind_tls.header("X-Forwarded-Proto", "https").send().await;
    let behind_tls = behind_tls.unwrap();
    assert_eq!(
        behind_tls.headers()["strict-transport-security"],
        "max-age=31536000"
    );
    // nginx overwrites the protocol that the client claims.
    let plain = app.http.get(&nginx.base);
    let plain = plain.header("X-Forwarded-Proto", "https").send().await;
    assert!(
        !plain
            .unwrap()
            .headers()
            .contains_key("strict-transport-security")
    );
}
