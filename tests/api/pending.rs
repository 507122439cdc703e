//! The photo store is away: registrations go on, staff see the photos, and each is moved once when it is back.

use jornada::config::{Env, PhotoKeys, PhotosSetting, StoreSetting};
use jornada::domain::registration::PhotoRef;
use jornada::domain::{CampaignId, RegistrationId};
use jornada::intake::vault::Vault;
use jornada::photo::{PhotoKey, Photos};
use jornada::store::Store;
use reqwest::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::seal::seen;
use crate::support::app::{App, Installation, Stores, photo, problem, texts};
use crate::support::photos::jpeg;
use crate::support::proxy::Proxy;
use crate::support::servers::variable;

/// Instances on the real servers, with a proxy before the photo store.
struct Bed {
    installation: Installation,
    s3: Proxy,
}

impl Bed {
    async fn new() -> Self {
        let server = variable("JORNADA_TEST_S3");
        let s3 = Proxy::before(server.trim_start_matches("http://").to_owned()).await;
        let mut installation = Installation::new(Stores::Servers);
        let photos = format!("s3://jornada-test?endpoint=http://{}", s3.address);
        installation.set("JORNADA_PHOTOS", &photos);
        Self { installation, s3 }
    }

    /// The photo store itself, past the proxy.
    async fn photos(&self) -> Photos {
        let photos = format!("s3://jornada-test?endpoint={}", variable("JORNADA_TEST_S3"));
        let settings = self.installation.settings.iter();
        let mut settings: Vec<_> = settings
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| *name != "JORNADA_PHOTOS")
            .collect();
        settings.push(("JORNADA_PHOTOS", &photos));
        let env = Env::of(&settings);
        let store = StoreSetting::from_env(&env).unwrap();
        let keys = PhotoKeys::from_env(&env, &store).unwrap();
        let vault = Vault::open(Store::open(&store).await.unwrap(), &keys).await;
        let setting = PhotosSetting::from_env(&env).unwrap();
        Photos::new(&setting, vault.unwrap().seal().clone())
    }

    /// Whether the photo store has the photo of each, as it was sent.
    async fn all_are_in_the_photo_store(&self, app: &App, ids: &[String]) {
        let photos = self.photos().await;
        for (seed, id) in ids.iter().enumerate() {
            let bytes = jpeg(u8::try_from(seed).unwrap());
            let photo = PhotoRef {
                sha256: Sha256::digest(&bytes).into(),
                extension: "jpg".into(),
                bytes: bytes.len() as u64,
            };
            let id = RegistrationId::parse(id).unwrap();
            let key = PhotoKey::of(&CampaignId::parse(&app.campaign).unwrap(), id, &photo);
            let kept = photos.get(&key.unwrap()).await.unwrap();
            assert!(kept == Some(bytes.into()), "the photo of {id} is not there");
        }
    }
}

async fn send(app: &App, document: &str, photo_bytes: Vec<u8>) -> Response {
    let form = texts("Ana Ejemplo", document, "Cali").part("foto", photo(photo_bytes));
    app.send(form, None).await
}

/// Registers so many people whose photos differ; their ids.
async fn register(app: &App, count: u8) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let answer = send(app, &format!("6000{number:03}"), jpeg(number)).await;
        assert_eq!(answer.status(), 201);
        let told: Value = answer.json().await.unwrap();
        ids.push(told["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn metric(app: &App, name: &str) -> f64 {
    let url = format!("{}/metrics", app.ops);
    let text = app
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim().parse().unwrap()
}

async fn until_pending(app: &App, count: u32) {
    app.until("so many photos wait", async |app| {
        (metric(app, "jornada_pending_photos ").await - f64::from(count)).abs() < 0.5
    })
    .await;
}

#[tokio::test]
async fn registrations_go_on_and_staff_see_the_photos() {
    let bed = Bed::new().await;
    let app = bed.installation.start().await;
    bed.s3.set_open(false);
    let ids = register(&app, 5).await;
    until_pending(&app, 5).await;
    let retry = send(&app, "6000002", jpeg(2)).await;
    assert_eq!(retry.status(), 200, "the same person again");
    let other = send(&app, "6000002", jpeg(77)).await;
    problem(other, 409).await;
    let token = bed.installation.token();
    for (seed, id) in (0..).zip(&ids) {
        assert_eq!(seen(&app, &token, id).await, Some(jpeg(seed)));
    }
    until_pending(&app, 5).await;
    bed.s3.set_open(true);
    until_pending(&app, 0).await;
    bed.all_are_in_the_photo_store(&app, &ids).await;
}

#[tokio::test]
async fn each_photo_is_moved_once_by_whoever_lives() {
    let bed = Bed::new().await;
    bed.s3.set_open(false);
    let (one, two) = tokio::join!(bed.installation.start(), bed.installation.start());
    let third = bed.installation.start().await;
    let ids = register(&one, 90).await;
    until_pending(&one, 90).await;
    bed.s3.set_open(true);
    let moved = async |app: &App| metric(app, "jornada_photos_moved_total ").await;
    one.until("some are moved", async |one| {
        moved(one).await + moved(&two).await + moved(&third).await > 4.0
    })
    .await;
    // Whoever moves them dies in the middle, if it is this one; another goes on when the lease is over.
    let by_dead = moved(&third).await;
    third.signal("-KILL");
    drop(third);
    one.until_within("all are moved", 60, async |app| {
        metric(app, "jornada_pending_photos ").await < 0.5
    })
    .await;
    bed.all_are_in_the_photo_store(&one, &ids).await;
    let counted = moved(&one).await + moved(&two).await + by_dead;
    assert!(counted <= 90.0, "{counted} were counted as moved");
}

#[tokio::test]
async fn an_instance_starts_while_the_photo_store_is_away() {
    let bed = Bed::new().await;
    bed.s3.set_open(false);
    let app = bed.installation.start().await;
    let ids = register(&app, 2).await;
    assert!(
        app.log()
            .iter()
            .any(|line| line.contains("buffering photos in the database")),
        "the operator is told"
    );
    until_pending(&app, 2).await;
    bed.s3.set_open(true);
    until_pending(&app, 0).await;
    bed.all_are_in_the_photo_store(&app, &ids).await;
}

#[tokio::test]
async fn past_their_bound_photos_do_not_fill_the_store() {
    let mut bed = Bed::new().await;
    bed.installation.set("JORNADA_PENDING_PHOTOS", "0");
    let app = bed.installation.start().await;
    bed.s3.set_open(false);
    problem(send(&app, "6000001", jpeg(1)).await, 503).await;
    assert_eq!(app.total().await, Some(0));
    bed.s3.set_open(true);
    app.until("it is taken", async |app| {
        send(app, "6000001", jpeg(1)).await.status() == 201
    })
    .await;
}
