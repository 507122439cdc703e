//! Rate limits, form timestamps, honeypots and proof of work, enforced across all instances. Denied clients learn when
//! and how to retry.

use reqwest::multipart::Form;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, expect_problem, form_with_photo, form_without_photo,
    photo_part,
};
use jornada_testkit::nginx::Nginx;
use jornada_testkit::photos::jpeg;

/// Header in which nginx passes the client address.
pub const CLIENT_ADDRESS: &str = "x-client-address";

fn installation(stores: Stores, settings: &[(&str, &str)]) -> Installation {
    let mut installation = Installation::new(stores);
    for (name, value) in settings {
        installation.set(name, value);
    }
    installation
}

pub async fn register(app: &RunningInstance, from: &str, name: &str, document: &str) -> Response {
    let request = app.http.post(app.registrations_url(&app.campaign));
    let request = request
        .header(CLIENT_ADDRESS, from)
        .multipart(form_with_photo(name, document, "Cali"));
    request.send().await.unwrap()
}

async fn fetch_receipt(app: &RunningInstance, from: &str, number: &str) -> Response {
    let request = app.http.get(format!("{}/r/{number}", app.base));
    request.header(CLIENT_ADDRESS, from).send().await.unwrap()
}

pub async fn statuses(sent: impl IntoIterator<Item = impl Future<Output = Response>>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for sent in sent {
        statuses.push(sent.await.status().as_u16());
    }
    statuses
}

async fn fetch_metrics(app: &RunningInstance) -> String {
    let url = format!("{}/metrics", app.ops);
    let answer = app.http.get(url).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test]
async fn registrations_are_limited_per_address_across_instances() {
    let limits = [("JORNADA_LIMIT_REGISTRATIONS", "4+1")];
    let installation = installation(Stores::Servers, &limits);
    let (one, two) = (installation.start().await, installation.start().await);
    let apps = [&one, &two, &one, &two];
    let documents = ["1000001", "1000002", "1000003", "1000004"];
    let sent = apps.into_iter().zip(documents);
    let sent = sent.map(|(app, document)| register(app, "192.0.2.7", "Ana Inventada", document));
    assert_eq!(statuses(sent).await, [201; 4]);
    let answer = register(&one, "192.0.2.7", "Ana Inventada", "1000005").await;
    let wait: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    let told = expect_problem(answer, 429).await;
    assert_eq!(told["type"], "urn:jornada:problem:too-many-requests");
    for elsewhere in ["192.0.2.8", "127.0.0.1"] {
        let document = if elsewhere == "192.0.2.8" {
            "1000005"
        } else {
            "1000006"
        };
        let answer = register(&two, elsewhere, "Ana Inventada", document).await;
        assert_eq!(answer.status(), 201, "{elsewhere}");
    }
    assert!(
        fetch_metrics(&one)
            .await
            .contains("jornada_limited_total{what=\"registrations\"} 1")
    );
    let log = format!("{:?}{:?}", one.log(), two.log());
    assert!(!log.contains("192.0.2"));
}

#[tokio::test]
async fn limits_hold_per_instance_while_redis_is_gone_or_frozen() {
    // Accepts connections and never answers.
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let frozen = (format!("redis://{}/", frozen.local_addr().unwrap()), frozen);
    for cache in ["redis://127.0.0.1:1/", &frozen.0] {
        let settings = [
            ("JORNADA_LIMIT_REGISTRATIONS", "3+1"),
            ("JORNADA_CACHE", cache),
        ];
        let installation = installation(Stores::Embedded, &settings);
        let app = installation.start().await;
        let documents = ["1000001", "1000002", "1000003", "1000004"];
        let sent = documents.map(|document| register(&app, "192.0.2.7", "Ana Inventada", document));
        let answers = statuses(sent).await;
        assert_eq!(
            answers,
            [201, 201, 201, 429],
            "the instance counts alone, without {cache}"
        );
    }
}

#[tokio::test]
async fn known_documents_cannot_be_enumerated() {
    let limits = [("JORNADA_LIMIT_CONFLICTS", "2+1")];
    let app = installation(Stores::Embedded, &limits).start().await;
    for number in 0..6 {
        let document = format!("100000{number}");
        let answer = register(&app, "192.0.2.7", "Ana Inventada", &document).await;
        assert_eq!(answer.status(), 201, "only conflicts are counted");
    }
    let other_photo =
        |name| form_without_photo(name, "1000000", "Cali").part("foto", photo_part(jpeg(9)));
    let mut told = Vec::new();
    for name in ["Ana Inventada", "Beto Inventado"] {
        let request = app.http.post(app.registrations_url(&app.campaign));
        let sent = request
            .header(CLIENT_ADDRESS, "192.0.2.7")
            .multipart(other_photo(name));
        told.push(expect_problem(sent.send().await.unwrap(), 409).await);
    }
    assert_eq!(told[0], told[1], "whether the name fits is not told");
    for document in ["1000000", "2000000"] {
        let answer = register(&app, "192.0.2.7", "Beto Inventado", document).await;
        expect_problem(answer, 429).await;
    }
    let answer = register(&app, "192.0.2.8", "Beto Inventado", "2000000").await;
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn documents_of_erased_people_cannot_be_enumerated() {
    let installation = installation(Stores::Embedded, &[("JORNADA_LIMIT_CONFLICTS", "2+1")]);
    let app = installation.start().await;
    let answer = register(&app, "192.0.2.7", "Ana Inventada", "1000000").await;
    let registered: Value = answer.json().await.unwrap();
    let receipt = registered["receipt"].as_str().unwrap();
    let erase = ["erase", receipt, "--reason", "lo pidió por escrito"];
    let erased = installation.command(&erase).output().unwrap();
    assert!(erased.status.success());
    for status in [409, 409, 429] {
        let answer = register(&app, "192.0.2.7", "Ana Inventada", "1000000").await;
        expect_problem(answer, status).await;
    }
}

#[tokio::test]
async fn receipts_cannot_be_enumerated() {
    let limits = [("JORNADA_LIMIT_MISSES", "2+1")];
    let app = installation(Stores::Embedded, &limits).start().await;
    let kept = register(&app, "192.0.2.7", "Ana Inventada", "1000001").await;
    let kept: Value = kept.json().await.unwrap();
    let number = kept["receipt"].as_str().unwrap();
    let seen = (0..5).map(|_| fetch_receipt(&app, "192.0.2.7", number));
    assert_eq!(statuses(seen).await, [200; 5]);
    // Well formed, so that the store is queried.
    let missing = (0..2).map(|_| fetch_receipt(&app, "192.0.2.7", "00000-00000-0000"));
    assert_eq!(statuses(missing).await, [404; 2]);
    let answer = fetch_receipt(&app, "192.0.2.7", number).await;
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("Desde su red llegaron muchas solicitudes"),
        "{page}"
    );
    assert_eq!(fetch_receipt(&app, "192.0.2.8", number).await.status(), 200);
}

#[tokio::test]
async fn nginx_passes_the_client_address() {
    let limits = [
        ("JORNADA_LIMIT_REGISTRATIONS", "2+1"),
        ("JORNADA_EXEMPT", "127.0.0.1"),
    ];
    let app = installation(Stores::Embedded, &limits).start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    let url = format!("{}/api/v1/campaigns/{}/registrations", nginx.base, app.vote);
    let vote = json!({"album": "Ejemplo", "artista": "Los Ejemplos", "puesto": "1"});
    let client = reqwest::Client::builder().local_address(Some([127, 0, 0, 2].into()));
    let client = client.build().unwrap();
    let from = |client: &reqwest::Client| {
        let request = client.post(&url).json(&vote);
        async move {
            request
                .header(CLIENT_ADDRESS, "192.0.2.9")
                .send()
                .await
                .unwrap()
        }
    };
    let sent = statuses((0..4).map(|_| from(&client))).await;
    assert_eq!(sent, [201, 201, 429, 429]);
    let exempt = statuses((0..4).map(|_| from(&app.http))).await;
    assert_eq!(exempt, [201; 4]);
    assert!(!format!("{:?}{:?}", app.log(), nginx.log()).contains("127.0.0.2"));
}

/// Returns the value of a hidden form field.
pub fn hidden_field(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

fn filled_form(key: &str, shown: Option<&str>, empty: &str) -> Form {
    let form = form_with_photo("Ana Inventada", "1000001", "Cali").text("_key", key.to_owned());
    let form = form.text("_comentario", empty.to_owned());
    match shown {
        Some(shown) => form.text("_at", shown.to_owned()),
        None => form,
    }
}

async fn submit(app: &RunningInstance, form: Form) -> (u16, Option<String>, String) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let url = format!("{}/c/{}", app.base, app.campaign);
    let request: RequestBuilder = client.build().unwrap().post(url).multipart(form);
    let answer = request.send().await.unwrap();
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let more = header("location").or_else(|| header("retry-after"));
    (answer.status().as_u16(), more, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_form_sent_too_soon_is_returned_and_can_be_sent_again() {
    let app = installation(Stores::Embedded, &[("JORNADA_EXEMPT", "none")])
        .start()
        .await;
    let page = app.show_form().await;
    let (key, shown) = (hidden_field(&page, "_key"), hidden_field(&page, "_at"));
    let (status, wait, page) = submit(&app, filled_form(&key, Some(&shown), "")).await;
    assert_eq!((status, wait.as_deref()), (429, Some("3")), "{page}");
    assert!(
        page.contains("espere unos segundos y envíelo de nuevo")
            && page.contains("value=\"Ana Inventada\"")
    );
    assert_eq!(
        (hidden_field(&page, "_key"), hidden_field(&page, "_at")),
        (key.clone(), shown.clone())
    );
    assert_eq!(app.total().await, Some(0));
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    let (status, first, _) = submit(&app, filled_form(&key, Some(&shown), "")).await;
    assert_eq!(status, 303);
    let (status, again, _) = submit(&app, filled_form(&key, Some(&shown), "")).await;
    assert_eq!((status, again), (303, first), "a retry is not timed anew");
    let by_the_api = register(&app, "192.0.2.7", "Beto Inventado", "1000002").await;
    assert_eq!(by_the_api.status(), 201, "programs are not asked");
}

#[tokio::test]
async fn a_form_without_timestamp_or_with_a_filled_honeypot_explains_the_remedy() {
    let app = installation(Stores::Embedded, &[("JORNADA_EXEMPT", "none")])
        .start()
        .await;
    let page = app.show_form().await;
    let (key, shown) = (hidden_field(&page, "_key"), hidden_field(&page, "_at"));
    let (status, _, page) = submit(&app, filled_form(&key, Some(&shown), "buy now")).await;
    assert_eq!(status, 422);
    assert!(page.contains("Ya lo vaciamos") && !page.contains("buy now"));
    for strange in [None, Some("1795000000000.00"), Some("x")] {
        let (status, _, page) = submit(&app, filled_form(&key, strange, "")).await;
        assert_eq!(status, 403);
        assert!(page.contains("demasiado tiempo abierta") && page.contains("Ana Inventada"));
        assert_ne!(hidden_field(&page, "_at"), strange.unwrap_or_default());
    }
    let trapped = app.send(filled_form(&key, None, "buy now"), None).await;
    expect_problem(trapped, 422).await;
    assert_eq!(app.total().await, Some(0));
    let counted = fetch_metrics(&app).await;
    assert!(
        counted.contains("jornada_trapped_total{how=\"filled\"}"),
        "{counted}"
    );
}

/// Makes this campaign require a proof of work.
pub fn require_work(installation: &Installation, campaign: &str) {
    let path = installation
        .folder
        .path()
        .join(format!("campaigns/{campaign}.toml"));
    let file = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("proof_of_work = 2000\n{file}")).unwrap();
}

/// Fetches a challenge and returns the solution as a header value.
pub async fn solve_challenge(app: &RunningInstance) -> String {
    let path = format!("/api/v1/campaigns/{}/challenge", app.vote);
    let mut set: Value = app.get(&path).await.json().await.unwrap();
    let (salt, challenge) = (set["salt"].as_str().unwrap(), &set["challenge"]);
    let digest = |number: u64| {
        let digest = Sha256::new()
            .chain_update(salt)
            .chain_update(number.to_string());
        data_encoding::HEXLOWER.encode(&digest.finalize())
    };
    let number =
        (0..=set["maxnumber"].as_u64().unwrap()).find(|number| *challenge == digest(*number));
    set["number"] = number.unwrap().into();
    data_encoding::BASE64.encode(set.to_string().as_bytes())
}

pub async fn vote(app: &RunningInstance, proof: Option<&str>, key: &str, artist: &str) -> Response {
    let vote = json!({"album": "Ejemplo", "artista": artist, "puesto": "1"});
    let request = app.http.post(app.registrations_url(&app.vote)).json(&vote);
    let request = request
        .header("Idempotency-Key", key)
        .header(CLIENT_ADDRESS, "192.0.2.7");
    let request = match proof {
        Some(proof) => request.header("Proof-Of-Work", proof),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_proof_of_work_is_consumed_once_across_instances() {
    let installation = Installation::new(Stores::Servers);
    require_work(&installation, "voto");
    let (one, two) = (installation.start().await, installation.start().await);
    for proof in [None, Some("nonsense"), Some("e30=")] {
        let told = expect_problem(vote(&one, proof, "key-0001", "Los Ejemplos").await, 403).await;
        assert_eq!(told["type"], "urn:jornada:problem:proof-of-work");
    }
    let proof = solve_challenge(&one).await;
    let proof = Some(proof.as_str());
    assert_eq!(
        vote(&two, proof, "key-0001", "Los Ejemplos").await.status(),
        201
    );
    assert_eq!(
        vote(&one, proof, "key-0001", "Los Ejemplos").await.status(),
        200,
        "a retry"
    );
    expect_problem(vote(&one, proof, "key-0002", "Los Ejemplos").await, 403).await;
    expect_problem(vote(&two, proof, "key-0001", "Otros Ejemplos").await, 403).await;
    let fresh = solve_challenge(&two).await;
    assert_eq!(
        vote(&one, Some(&fresh), "key-0002", "Los Ejemplos")
            .await
            .status(),
        201
    );
    let asked = one
        .get(&format!("/api/v1/campaigns/{}/challenge", one.campaign))
        .await;
    expect_problem(asked, 404).await;
    let exempt = one.http.post(one.registrations_url(&one.vote));
    let exempt =
        exempt.json(&json!({"album": "Ejemplo", "artista": "Los Ejemplos", "puesto": "1"}));
    assert_eq!(
        exempt.send().await.unwrap().status(),
        201,
        "from this machine"
    );
}
