//! Calls to Redis on the way of a registration: one for a client that is counted, none for an exempt one.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;

use crate::abuse::{
    CLIENT_ADDRESS, hidden_field, register, require_work, solve_challenge, statuses, vote,
};
use jornada_testkit::instance::{
    DEFAULT_TIMEOUT, Installation, RunningInstance, Stores, form_with_photo, form_without_photo,
    photo_part,
};
use jornada_testkit::photos::jpeg;
use jornada_testkit::servers::{random_name, variable};

/// Database that only this test uses, so that it can tell its calls from those of other tests.
const DATABASE: u8 = 11;

/// Sees every command that Redis executes.
struct Monitor {
    lines: Arc<Mutex<Vec<String>>>,
    connection: redis::aio::MultiplexedConnection,
}

/// Calls during some work.
#[derive(Debug)]
struct Calls {
    /// Calls that count a registration.
    counting: usize,
    /// Other calls for rate limits: they return tokens.
    returning: usize,
    seconds: u64,
}

impl Monitor {
    async fn start() -> Self {
        let url = variable("JORNADA_TEST_REDIS");
        let address = url.trim_start_matches("redis://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        std::thread::spawn(move || {
            let own = format!("[{DATABASE} ");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                // Commands of scripts have the address `lua`.
                if line.contains(&own) && !line.contains(" lua] ") {
                    seen.lock().unwrap().push(line);
                }
            }
        });
        let client = redis::Client::open(cache()).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        Self { lines, connection }
    }

    /// Removes and returns the commands so far.
    async fn take(&self) -> Vec<String> {
        let (marker, start) = (random_name(), Instant::now());
        loop {
            // Repeated, because monitoring may begin after the first one.
            let mut echo = redis::cmd("ECHO");
            let mut connection = self.connection.clone();
            let _: String = echo
                .arg(&marker)
                .query_async(&mut connection)
                .await
                .unwrap();
            let mut lines = self.lines.lock().unwrap();
            if lines.iter().any(|line| line.contains(&marker)) {
                return std::mem::take(&mut *lines);
            }
            assert!(start.elapsed() < DEFAULT_TIMEOUT, "Redis shows no command");
        }
    }

    async fn count(&self, work: impl Future<Output = ()>) -> Calls {
        self.take().await;
        let start = Instant::now();
        work.await;
        let seconds = start.elapsed().as_secs();
        let calls = self.take().await;
        let calls = calls
            .iter()
            .filter(|line| line.contains("jornada:{rates}:"));
        let (counting, returning) =
            calls.partition::<Vec<_>, _>(|line| line.contains("registrations:"));
        Calls {
            counting: counting.len(),
            returning: returning.len(),
            seconds,
        }
    }

    /// Asserts that each of `number` registrations takes one call. Tokens are also returned once a second.
    async fn expect_one_each(&self, number: usize, work: impl Future<Output = ()>) {
        let calls = self.count(work).await;
        assert_eq!(calls.counting, number, "{calls:?}");
        let returning = u64::try_from(calls.returning).unwrap();
        assert!(returning <= calls.seconds + 1, "{calls:?}");
    }
}

fn cache() -> String {
    format!("{}{DATABASE}", variable("JORNADA_TEST_REDIS"))
}

async fn submit_form(app: &RunningInstance, document: &str, shown_at: &str) -> u16 {
    let client = reqwest::Client::builder().redirect(Policy::none()).build();
    let form = form_with_photo("Ana Inventada", document, "Cali").text("_at", shown_at.to_owned());
    let request = client
        .unwrap()
        .post(format!("{}/c/{}", app.base, app.campaign));
    let request = request.header(CLIENT_ADDRESS, "192.0.2.7").multipart(form);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_registration_takes_one_call_and_none_if_the_client_is_exempt() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_CACHE", &cache());
    require_work(&installation, "voto");
    let app = installation.start().await;
    let page = app.show_form().await;
    let shown_at = hidden_field(&page, "_at");
    let monitor = Monitor::start().await;
    // The first call loads the script.
    register(&app, "192.0.2.7", "Ana Inventada", "1000000").await;

    let documents: Vec<_> = (1_000_001..1_000_006)
        .map(|number| number.to_string())
        .collect();
    let by_api = async {
        let sent = documents
            .iter()
            .map(|document| register(&app, "192.0.2.7", "Ana Inventada", document));
        assert_eq!(statuses(sent).await, [201; 5]);
    };
    monitor.expect_one_each(5, by_api).await;
    let repeated = async {
        let sent = documents
            .iter()
            .map(|document| register(&app, "192.0.2.7", "Otra Persona", document));
        assert_eq!(statuses(sent).await, [409; 5]);
    };
    monitor.expect_one_each(5, repeated).await;

    tokio::time::sleep(Duration::from_secs(3)).await;
    let by_form = async {
        assert_eq!(submit_form(&app, "1000011", &shown_at).await, 303);
        assert_eq!(submit_form(&app, "1000012", &shown_at).await, 303);
        assert_eq!(submit_form(&app, "1000013", "x").await, 403);
    };
    monitor.expect_one_each(3, by_form).await;

    let with_work = async {
        let proof = solve_challenge(&app).await;
        for (key, status) in [("key-0001", 201), ("key-0001", 200), ("key-0002", 403)] {
            let answer = vote(&app, Some(&proof), key, "Los Ejemplos").await;
            assert_eq!(answer.status(), status, "{key}");
        }
        let answer = vote(&app, None, "key-0003", "Los Ejemplos").await;
        assert_eq!(answer.status(), 403);
    };
    monitor.expect_one_each(4, with_work).await;

    let exempt = async {
        for document in ["1000021", "1000022", "1000023"] {
            let answer = app.register("Ana Inventada", document, "Cali").await;
            assert_eq!(answer.status(), 201);
        }
    };
    monitor.expect_one_each(0, exempt).await;
}

#[tokio::test]
async fn an_unused_conflict_is_returned_for_all_instances() {
    let mut installation = Installation::new(Stores::Servers);
    installation.set("JORNADA_LIMIT_CONFLICTS", "1+1");
    let (one, two) = (installation.start().await, installation.start().await);
    let answer = register(&one, "192.0.2.7", "Ana Inventada", "1000001").await;
    assert_eq!(answer.status(), 201);
    // Without the return it would take a minute.
    two.wait_until("the token is back", async |two| {
        let answer = register(two, "192.0.2.7", "Ana Inventada", "1000002").await;
        answer.status() == 201
    })
    .await;
}

#[tokio::test]
async fn parallel_requests_to_several_instances_reveal_no_more_than_the_limit() {
    let mut installation = Installation::new(Stores::Servers);
    installation.set("JORNADA_LIMIT_CONFLICTS", "3+1");
    let (one, two) = (installation.start().await, installation.start().await);
    let answer = register(&one, "192.0.2.8", "Ana Inventada", "1000001").await;
    assert_eq!(answer.status(), 201);
    let conflicting = |app: &RunningInstance| {
        let form = form_without_photo("Ana Inventada", "1000001", "Cali");
        let form = form.part("foto", photo_part(jpeg(9)));
        let request = app.http.post(app.registrations_url(&app.campaign));
        let request = request.header(CLIENT_ADDRESS, "192.0.2.7").multipart(form);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let sent = (0..20).map(|number| conflicting(if number % 2 == 0 { &one } else { &two }));
    let answers = futures_util::future::join_all(sent).await;
    let revealed = answers.iter().filter(|status| **status == 409).count();
    assert_eq!(revealed, 3, "{answers:?}");
    assert!(answers.iter().all(|status| [409, 429].contains(status)));
}
