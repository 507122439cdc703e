//! The totals as the shipped nginx.conf caches them, in front of real instances: how often they are asked, what visitors
//! get, and what they get without an instance.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use jornada_testkit::instance::{DEFAULT_TIMEOUT, Installation, RunningInstance, Stores};
use jornada_testkit::nginx::Nginx;

pub const PAGE: &str = "/c/{campaign}/chart";
pub const JSON: &str = "/api/v1/campaigns/{campaign}/chart";
/// Longest time for which an answer is used, and a little for the machine.
const MAX_AGE: Duration = Duration::from_millis(2_500);

pub struct Site {
    pub apps: Vec<RunningInstance>,
    pub nginx: Nginx,
}

impl Site {
    pub async fn start(instances: usize, stores: Stores) -> Self {
        let installation = Installation::new(stores);
        let mut apps = Vec::new();
        for _ in 0..instances {
            apps.push(installation.start().await);
        }
        let addresses = apps
            .iter()
            .map(|app| app.base.trim_start_matches("http://"));
        let nginx = Nginx::start(&addresses.collect::<Vec<_>>()).await;
        Self { apps, nginx }
    }

    pub fn path(&self, route: &str) -> String {
        route.replace("{campaign}", &self.apps[0].vote)
    }

    pub fn request(&self, path: &str) -> RequestBuilder {
        self.apps[0].http.get(format!("{}{path}", self.nginx.base))
    }

    /// Returns the number of requests for a route that reached an instance.
    pub async fn received(&self, route: &str) -> u64 {
        let label = format!("route=\"{route}\"");
        let mut received = 0;
        for app in &self.apps {
            let asked = app.http.get(format!("{}/metrics", app.ops)).send().await;
            let text = asked.unwrap().text().await.unwrap();
            let lines = text.lines().filter(|line| {
                line.starts_with("jornada_http_requests_total") && line.contains(&label)
            });
            let counts = lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>());
            received += counts.map(Result::unwrap).sum::<u64>();
        }
        received
    }

    async fn vote(&self) {
        let path = self.path("/api/v1/campaigns/{campaign}/registrations");
        let vote = json!({"album": "Ejemplo", "artista": "Los Ejemplos", "puesto": "1"});
        let url = format!("{}{path}", self.nginx.base);
        let sent = self.apps[0].http.post(url).json(&vote).send().await;
        assert_eq!(sent.unwrap().status(), 201);
    }
}

async fn total(request: RequestBuilder) -> u64 {
    let chart: Value = request.send().await.unwrap().json().await.unwrap();
    chart["total"].as_u64().unwrap()
}

/// Returns the text of a response, whether it is compressed or not.
pub async fn text(answer: Response) -> String {
    let is_compressed = answer.headers().contains_key("content-encoding");
    let bytes = answer.bytes().await.unwrap();
    let mut text = String::new();
    if is_compressed {
        GzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    text
}

fn language(page: &str) -> &str {
    let (_, rest) = page.split_once("<html lang=\"").unwrap();
    &rest[..2]
}

/// Requests one variant again and again for some seconds; returns the number of answers.
async fn keep_asking(url: String, route: &str, lang: &str, encoding: &str) -> u64 {
    let (client, start, mut answered) = (Client::new(), Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(3) {
        let asked = client.get(&url).header("accept-language", lang);
        let answer = asked.header("accept-encoding", encoding).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        let is_compressed = answer.headers().contains_key("content-encoding");
        assert_eq!(is_compressed, encoding.contains("gzip"));
        let text = text(answer).await;
        if route == PAGE {
            assert_eq!(language(&text), &lang[..2]);
        } else {
            assert!(text.starts_with('{'), "{text}");
        }
        answered += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_a_second_and_variant_reaches_the_instances() {
    let site = Site::start(3, Stores::Servers).await;
    let (start, mut clients) = (Instant::now(), JoinSet::new());
    let before = [site.received(PAGE).await, site.received(JSON).await];
    for number in 0..64 {
        let route = [PAGE, JSON][number % 2];
        let lang = ["es-CO,es;q=0.9,en;q=0.5", "en"][number / 2 % 2];
        let encoding = ["gzip, deflate, br", "identity"][number / 4 % 2];
        let url = format!("{}{}", site.nginx.base, site.path(route));
        clients.spawn(keep_asking(url, route, lang, encoding));
    }
    let answered: u64 = clients.join_all().await.into_iter().sum();
    // One at the start of each second, and one before the cache knows that others want the same.
    let most = 4 * (start.elapsed().as_secs() + 3);
    for (route, before) in [PAGE, JSON].into_iter().zip(before) {
        let received = site.received(route).await - before;
        assert!(received <= most, "{route}: {received} of {answered}");
    }
    assert!(answered > 4 * most, "only {answered} were answered");
}

#[tokio::test]
async fn a_vote_is_shown_within_seconds() {
    let site = Site::start(3, Stores::Servers).await;
    let (page, path) = (site.path(PAGE), site.path(JSON));
    for _ in 0..3 {
        assert_eq!(total(site.request(&path)).await, 0);
        site.request(&page).send().await.unwrap();
    }
    site.vote().await;
    for app in &site.apps {
        let direct = format!("{}{path}", app.base);
        app.wait_until("the instance shows it", async |app| {
            total(app.http.get(&direct)).await == 1
        })
        .await;
    }
    let start = Instant::now();
    let shown = "<strong id=\"total\">1</strong>";
    while total(site.request(&path)).await == 0
        || !text(site.request(&page).send().await.unwrap())
            .await
            .contains(shown)
    {
        assert!(start.elapsed() < MAX_AGE, "an answer is too old");
    }
}

/// Headers that depend on the connection or the request.
const OF_THE_REQUEST: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "server",
    "transfer-encoding",
    "x-request-id",
];

fn headers(answer: &Response) -> BTreeSet<(String, String)> {
    let headers = answer.headers().iter();
    let headers = headers.filter(|(name, _)| !OF_THE_REQUEST.contains(&name.as_str()));
    headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

#[tokio::test]
async fn a_cached_answer_is_that_of_the_instance() {
    let site = Site::start(1, Stores::Embedded).await;
    for (route, encoding) in [(PAGE, "gzip"), (PAGE, ""), (JSON, "gzip"), (JSON, "")] {
        let path = site.path(route);
        let ask = async |request: RequestBuilder| {
            let request = request.header("accept-encoding", encoding);
            let request = request.header("x-request-id", "prueba-0001");
            request.send().await.unwrap()
        };
        let direct = site.apps[0]
            .http
            .get(format!("{}{path}", site.apps[0].base));
        let direct = ask(direct).await;
        for _ in 0..3 {
            let answer = ask(site.request(&path)).await;
            assert_eq!(headers(&answer), headers(&direct), "{route} {encoding}");
            assert_eq!(answer.headers()["x-request-id"], "prueba-0001");
            assert_eq!(answer.headers().get_all("x-request-id").iter().count(), 1);
        }
        let head = site.apps[0].http.head(format!("{}{path}", site.nginx.base));
        let head = ask(head).await;
        assert_eq!(
            (head.status().as_u16(), headers(&head)),
            (200, headers(&direct))
        );
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    }
    let path = site.path(JSON);
    let tag = site.request(&path).send().await.unwrap().headers()["etag"].clone();
    for (known, status) in [
        (tag.to_str().unwrap(), 304),
        ("W/\"other\"", 200),
        ("*", 304),
    ] {
        let asked = site.request(&path).header("if-none-match", known);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), status, "{known}");
        assert_eq!(answer.headers()["etag"], tag);
        assert_eq!(answer.headers()["cache-control"], "no-cache");
    }
}

#[tokio::test]
async fn the_language_is_the_one_that_the_application_chooses() {
    let site = Site::start(1, Stores::Embedded).await;
    for (query, accepted) in [
        ("", "en-US,en;q=0.9"),
        ("", "de,en;q=0.4,es;q=0.8"),
        ("", "de,es;q=0.4,en;q=0.8"),
        ("", "es-CO, en;q=0.5"),
        ("", "fr;q=1, en;q=0"),
        ("", "fr, en ;q=0.3"),
        ("", "en,es"),
        ("", "es;q=0.8,en;q=0.8"),
        ("", "en;q=0.8,es;q=0.8"),
        ("", "end,esperanto"),
        ("?lang=en", "es"),
        ("?lang=EN-gb", "es"),
        ("?x=1&lang=es&lang=en", "en"),
        ("?lang=fr", "en"),
        ("?lang=fr&lang=en", "es"),
        ("?xlang=en", "es"),
        ("?utm_source=x", "en"),
    ] {
        let path = format!("{}{query}", site.path(PAGE));
        let direct = format!("{}{path}", site.apps[0].base);
        let direct = site.apps[0].http.get(direct);
        let ask = async |request: RequestBuilder| {
            let answer = request.header("accept-language", accepted).send().await;
            text(answer.unwrap()).await
        };
        let direct = ask(direct).await;
        for _ in 0..3 {
            let page = ask(site.request(&path)).await;
            assert_eq!(language(&page), language(&direct), "{query} {accepted}");
        }
    }
}

#[tokio::test]
async fn without_an_instance_the_last_totals_stay() {
    let site = Site::start(3, Stores::Servers).await;
    let (page, path) = (site.path(PAGE), site.path(JSON));
    for _ in 0..3 {
        for path in [&page, &path] {
            assert_eq!(site.request(path).send().await.unwrap().status(), 200);
        }
    }
    site.apps[0].signal("-KILL");
    site.apps[1].signal("-KILL");
    site.apps[2].signal("-STOP");
    tokio::time::sleep(MAX_AGE).await;
    for path in [&page, &path] {
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            asking.spawn(site.request(path).send());
        }
        for answer in asking.join_all().await {
            assert_eq!(answer.unwrap().status(), 200, "{path}");
        }
    }
    site.apps[2].signal("-CONT");
    site.vote().await;
    let start = Instant::now();
    while total(site.request(&path)).await == 0 {
        assert!(
            start.elapsed() < DEFAULT_TIMEOUT,
            "the totals do not change"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
