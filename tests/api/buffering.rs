//! Outages of the object store: registrations continue, staff see buffered photos, and each is uploaded once
//! afterwards.

use jornada_domain::{CampaignId, RegistrationId};
use jornada_objects::{ObjectKey, ObjectStore};
use reqwest::Response;
use serde_json::Value;

use crate::app::open_app;
use crate::encryption::fetch_photo;
use crate::sweeping::list_keys;
use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, expect_problem, form_without_photo, photo_part,
};
use jornada_testkit::photos::jpeg;
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::variable;

/// An installation on the real servers that reaches the object store through a proxy.
struct OutageFixture {
    installation: Installation,
    s3: Proxy,
}

impl OutageFixture {
    async fn new() -> Self {
        let server = variable("JORNADA_TEST_S3");
        let s3 = Proxy::start(server.trim_start_matches("http://").to_owned()).await;
        let mut installation = Installation::new(Stores::Servers);
        let photos = format!("s3://jornada-test?endpoint=http://{}", s3.address);
        installation.set("JORNADA_PHOTOS", &photos);
        Self { installation, s3 }
    }

    /// Returns the object store, bypassing the proxy.
    async fn photos(&self) -> ObjectStore {
        let photos = format!("s3://jornada-test?endpoint={}", variable("JORNADA_TEST_S3"));
        let replaced = [("JORNADA_PHOTOS", photos.as_str())];
        open_app(&self.installation, &replaced).await.object_store
    }

    /// Asserts that the object store has each photo as it was sent.
    async fn assert_all_stored(&self, app: &RunningInstance, ids: &[String]) {
        let photos = self.photos().await;
        for (seed, id) in ids.iter().enumerate() {
            let bytes = jpeg(u8::try_from(seed).unwrap());
            let id = RegistrationId::parse(id).unwrap();
            let campaign = CampaignId::parse(&app.campaign).unwrap();
            let prefix = ObjectKey::photos_prefix(&campaign, id);
            let [key] = &list_keys(&photos, prefix).await[..] else {
                panic!("{id} does not have one photo in the object store");
            };
            let kept = photos.get(key).await.unwrap();
            assert!(
                kept == Some(bytes.into()),
                "the photo of {id} is not in the object store"
            );
        }
    }
}

async fn send(app: &RunningInstance, document: &str, photo_bytes: Vec<u8>) -> Response {
    let form =
        form_without_photo("Ana Ejemplo", document, "Cali").part("foto", photo_part(photo_bytes));
    app.send(form, None).await
}

/// Registers `count` people with different photos and returns their ids.
async fn register(app: &RunningInstance, count: u8) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let answer = send(app, &format!("6000{number:03}"), jpeg(number)).await;
        assert_eq!(answer.status(), 201);
        let registered: Value = answer.json().await.unwrap();
        ids.push(registered["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn read_metric(app: &RunningInstance, name: &str) -> f64 {
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

async fn wait_for_buffered(app: &RunningInstance, count: u32) {
    app.wait_until("this number of photos is buffered", async |app| {
        (read_metric(app, "jornada_pending_photos ").await - f64::from(count)).abs() < 0.5
    })
    .await;
}

#[tokio::test]
async fn registrations_continue_and_staff_see_buffered_photos() {
    let fixture = OutageFixture::new().await;
    let app = fixture.installation.start().await;
    fixture.s3.set_open(false);
    let ids = register(&app, 5).await;
    wait_for_buffered(&app, 5).await;
    let retry = send(&app, "6000002", jpeg(2)).await;
    assert_eq!(retry.status(), 200, "the same person again");
    let other = send(&app, "6000002", jpeg(77)).await;
    expect_problem(other, 409).await;
    let token = fixture.installation.create_token();
    for (seed, id) in (0..).zip(&ids) {
        assert_eq!(fetch_photo(&app, &token, id).await, Some(jpeg(seed)));
    }
    wait_for_buffered(&app, 5).await;
    fixture.s3.set_open(true);
    wait_for_buffered(&app, 0).await;
    fixture.assert_all_stored(&app, &ids).await;
}

#[tokio::test]
async fn each_photo_is_uploaded_once_although_an_instance_is_killed() {
    let fixture = OutageFixture::new().await;
    fixture.s3.set_open(false);
    let (one, two) = tokio::join!(fixture.installation.start(), fixture.installation.start());
    let third = fixture.installation.start().await;
    let ids = register(&one, 90).await;
    wait_for_buffered(&one, 90).await;
    fixture.s3.set_open(true);
    let uploaded =
        async |app: &RunningInstance| read_metric(app, "jornada_photos_moved_total ").await;
    one.wait_until("some are uploaded", async |one| {
        uploaded(one).await + uploaded(&two).await + uploaded(&third).await > 4.0
    })
    .await;
    // If this instance is the one that uploads, another continues when its lease expires.
    let by_killed = uploaded(&third).await;
    third.signal("-KILL");
    drop(third);
    one.wait_until_within("all are uploaded", 60, async |app| {
        read_metric(app, "jornada_pending_photos ").await < 0.5
    })
    .await;
    fixture.assert_all_stored(&one, &ids).await;
    let counted = uploaded(&one).await + uploaded(&two).await + by_killed;
    assert!(counted <= 90.0, "{counted} were counted as uploaded");
}

#[tokio::test]
async fn an_instance_starts_without_the_object_store() {
    let fixture = OutageFixture::new().await;
    fixture.s3.set_open(false);
    let app = fixture.installation.start().await;
    let ids = register(&app, 2).await;
    assert!(
        app.log()
            .iter()
            .any(|line| line.contains("buffering photos in the database")),
        "the outage is logged"
    );
    wait_for_buffered(&app, 2).await;
    fixture.s3.set_open(true);
    wait_for_buffered(&app, 0).await;
    fixture.assert_all_stored(&app, &ids).await;
}

#[tokio::test]
async fn photos_beyond_the_buffer_limit_are_rejected() {
    let mut fixture = OutageFixture::new().await;
    fixture.installation.set("JORNADA_PENDING_PHOTOS", "0");
    let app = fixture.installation.start().await;
    fixture.s3.set_open(false);
    // The first photo may still arrive, those after it are not sent.
    for _ in 0..3 {
        expect_problem(send(&app, "6000001", jpeg(1)).await, 503).await;
        let unresolved = read_metric(&app, "jornada_unresolved_photos ").await;
        assert!((unresolved - 1.0).abs() < 0.5, "{unresolved}");
    }
    assert_eq!(app.total().await, Some(0));
    fixture.s3.set_open(true);
    app.wait_until("it is accepted", async |app| {
        send(app, "6000001", jpeg(1)).await.status() == 201
    })
    .await;
}
