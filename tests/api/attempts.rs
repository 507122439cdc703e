//! Photos of several attempts at one registration: each attempt has its own, and only that of the registration stays.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jornada::app::App;
use jornada_domain::{Answers, CampaignId, FormData, IdempotencyKey, RegistrationSelection};
use jornada_objects::{ObjectKey, ObjectStore};
use jornada_service::registrations::{Submission, SubmitError, SubmitOutcome};
use jornada_store::{MAX_BATCH_BYTES, NewRegistration};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::photos::jpeg;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::app::open_app;
use crate::encryption::fetch_photo;
use crate::hangups::assert_no_photo_of_nobody;
use crate::on_both;
use crate::store_gate::StoreGate;
use crate::sweeping::{list_keys, sweep};

on_both!(
    a_late_deletion_of_an_attempt_leaves_the_photo_of_its_retry,
    a_retry_leaves_one_photo,
);

async fn photo_keys(objects: &ObjectStore, campaign: &str) -> Vec<ObjectKey> {
    let campaign = CampaignId::parse(campaign).unwrap();
    list_keys(objects, format!("{campaign}/")).await
}

async fn register(app: &RunningInstance, status: u16) -> String {
    let answer = app.register("Ana Ejemplo", "2000", "Cali").await;
    assert_eq!(answer.status(), status);
    let told: Value = answer.json().await.unwrap();
    told["id"].as_str().unwrap().to_owned()
}

async fn a_late_deletion_of_an_attempt_leaves_the_photo_of_its_retry(stores: Stores) {
    let mut installation = Installation::new(stores);
    let objects = sweep(&installation).await.objects;
    let mut gate = StoreGate::new(&mut installation, stores).await;
    let mut app = installation.start().await;
    assert_eq!(
        app.register("Ana Ejemplo", "1000", "Cali").await.status(),
        201
    );
    let others = photo_keys(&objects, &installation.campaign).await;
    gate.freeze();
    let form = jornada_testkit::instance::form_with_photo("Ana Ejemplo", "2000", "Cali");
    let request = app.http.post(app.registrations_url(&app.campaign));
    let sending = tokio::spawn(request.multipart(form).send());
    app.wait_until("the photo is stored", async |app| {
        photo_keys(&objects, &app.campaign).await.len() == 2
    })
    .await;
    app.signal("-KILL");
    app.wait_for_exit().await;
    gate.bypass(&mut installation);
    sending.await.unwrap().unwrap_err();
    // The sweep finds the photo of nobody, and decides to delete it.
    let mut orphans = photo_keys(&objects, &installation.campaign).await;
    orphans.retain(|key| !others.contains(key));
    let app = installation.start().await;
    let id = register(&app, 201).await;
    // The person has a receipt when the deletion arrives.
    for orphan in &orphans {
        objects.remove(orphan).await.unwrap();
    }
    let token = installation.create_token();
    assert_eq!(fetch_photo(&app, &token, &id).await, Some(jpeg(0)));
    let left = photo_keys(&objects, &installation.campaign).await;
    assert_eq!((orphans.len(), left.len()), (1, 2));
}

async fn a_retry_leaves_one_photo(stores: Stores) {
    let installation = Installation::new(stores);
    let objects = sweep(&installation).await.objects;
    let app = installation.start().await;
    let id = register(&app, 201).await;
    let first = photo_keys(&objects, &installation.campaign).await;
    for _ in 0..3 {
        assert_eq!(register(&app, 200).await, id);
    }
    assert_eq!(photo_keys(&objects, &installation.campaign).await, first);
    let token = installation.create_token();
    assert_eq!(fetch_photo(&app, &token, &id).await, Some(jpeg(0)));
    let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    assert!(metrics.contains("jornada_unresolved_photos 0\n"));
    let report = assert_no_photo_of_nobody(&installation).await;
    assert_eq!((report.orphans, report.held), (0, 0));
}

async fn submit(app: &App, document: &str) -> Result<SubmitOutcome, SubmitError> {
    let campaign = app.campaigns.default();
    let now = Timestamp::now();
    let admission = &app.admission;
    let admitted = admission.admit(campaign, Ipv4Addr::LOCALHOST.into(), None, now);
    let parts = [
        ("nombre", "Ana Ejemplo"),
        ("documento", document),
        ("ciudad", "Cali"),
        ("consent", "true"),
    ];
    let submission = Submission {
        wants_review: false,
        form: FormData {
            parts: parts.map(|(name, text)| (name.into(), text.into())).into(),
            has_photo: true,
        },
        photo: Some(jpeg(0).into()),
        key: IdempotencyKey::parse("un-intento").unwrap(),
    };
    let admitted = admitted.await.unwrap();
    let registrations = &app.registrations;
    registrations
        .submit(&admitted, campaign, submission, now)
        .await
}

#[tokio::test]
async fn a_registration_that_may_not_wait_leaves_no_photo() {
    let mut installation = Installation::new(Stores::Embedded);
    let mut gate = StoreGate::new(&mut installation, Stores::Embedded).await;
    let app = Arc::new(open_app(&installation, &[]).await);
    submit(&app, "1000").await.unwrap();
    let stored = photo_keys(&app.object_store, &installation.campaign).await;
    assert_eq!(stored.len(), 1);
    let campaign = app.campaigns.default();
    let all = RegistrationSelection::all();
    let mut listed = app.store.registrations(campaign, &all).await.unwrap();
    let mut first = listed.next().await.unwrap().unwrap().remove(0);
    gate.freeze();
    // Two large batches are in flight, and one waits.
    first.answers = Answers::from_stored(vec![None, Some("x".repeat(4 * MAX_BATCH_BYTES))]);
    let mut waiting = JoinSet::new();
    for _ in 0..3 {
        let record = NewRegistration {
            campaign: Arc::clone(campaign),
            registration: first.clone(),
        };
        let batcher = app.registrations.batcher.clone();
        waiting.spawn(async move { batcher.insert(record).await });
        // A writer takes it at once, unless two are busy.
        sleep(Duration::from_millis(50)).await;
    }
    let busy = submit(&app, "2000").await;
    assert!(matches!(busy, Err(SubmitError::Busy)), "{busy:?}");
    assert_eq!(
        photo_keys(&app.object_store, &installation.campaign).await,
        stored
    );
    gate.release();
    while waiting.join_next().await.is_some() {}
    app.registrations.photos.close().await.unwrap();
    assert_eq!(app.store.unresolved_photos().await.unwrap(), []);
}
