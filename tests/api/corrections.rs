//! Corrections and deletions by staff as the public sees them: totals follow exactly, and deleted registrations are
//! gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jornada::app::metrics::Metrics;
use jornada_domain::history::RegistrationHistory;
use jornada_domain::{Campaign, FormData, RegistrationId};
use jornada_objects::ObjectKey;
use jornada_service::key::InstallationSecret;
use jornada_service::registrations::amend;
use jornada_service::registrations::photo_deleter::PhotoDeleter;
use jornada_service::registrations::photo_repository::PhotoRepository;
use jornada_store::Store;
use jornada_store::UpdateOutcome;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::app::open_app;
use crate::on_both;
use jornada_testkit::instance::{
    DEFAULT_TIMEOUT, Installation, RunningInstance, Stores, expect_problem, form_with_photo,
    form_without_photo, photo_part,
};
use jornada_testkit::photos::jpeg;
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::variable;

on_both!(
    the_chart_follows_corrections_and_deletions,
    a_deleted_registration_is_gone_and_cannot_be_resubmitted,
    a_corrected_document_blocks_another_registration,
    a_known_number_is_answered_alike_whatever_became_of_it,
);

/// The services behind the staff pages of an installation.
struct StaffServices {
    secret: InstallationSecret,
    store: Store,
    photos: PhotoRepository,
    metrics: Metrics,
    campaign: Arc<Campaign>,
}

impl StaffServices {
    async fn open(installation: &Installation) -> Self {
        let app = open_app(installation, &[]).await;
        Self {
            campaign: Arc::clone(app.campaigns.get(&installation.campaign).unwrap()),
            photos: app.registrations.photos,
            secret: app.registrations.secret,
            store: app.store,
            metrics: app.metrics,
        }
    }

    async fn read(&self, id: &str) -> Option<RegistrationHistory> {
        let id = RegistrationId::parse(id).unwrap();
        self.store.history(&self.campaign, id).await.unwrap()
    }

    async fn correct(&self, id: &str, field: &str, answer: &str) -> UpdateOutcome {
        let read = self.read(id).await.unwrap();
        let typed = FormData {
            parts: vec![(field.to_owned(), answer.to_owned())],
            has_photo: false,
        };
        let (store, secret, campaign) = (&self.store, &self.secret, &self.campaign);
        let judged = read.correct(
            campaign,
            &typed,
            "account:1",
            "mal escrito",
            Timestamp::now(),
        );
        let corrected = judged.unwrap().unwrap();
        let amended = amend::correct(store, secret, campaign, &read, &corrected);
        amended.await.unwrap()
    }

    async fn delete(&self, id: &str) -> UpdateOutcome {
        let read = self.read(id).await.unwrap();
        let deletion = read.delete("account:1", "lo pidió la persona".into(), Timestamp::now());
        let (store, photos, campaign) = (&self.store, &self.photos, &self.campaign);
        let deleted = amend::delete(store, photos, campaign, &read, &deletion);
        deleted.await.unwrap()
    }

    /// Returns whether the photo of a registration is stored anywhere.
    async fn has_photo(&self, read: &RegistrationHistory) -> bool {
        let found = self.photos.get(&read.registration).await;
        found.unwrap().is_some()
    }
}

async fn register(app: &RunningInstance, document: &str, city: &str) -> String {
    let answer = app.register("Ana Ejemplo", document, city).await;
    assert_eq!(answer.status(), 201);
    let registered: Value = answer.json().await.unwrap();
    registered["id"].as_str().unwrap().to_owned()
}

async fn wait_for_chart(app: &RunningInstance, expected: &[(&str, u64)]) {
    let expected: BTreeMap<_, _> = expected.iter().copied().collect();
    app.wait_until("the chart shows exactly these totals", async |app| {
        let chart = app.chart().await.unwrap();
        let values = chart["values"].as_array().unwrap().iter();
        let shown: BTreeMap<_, _> = values
            .map(|value| {
                (
                    value["value"].as_str().unwrap(),
                    value["count"].as_u64().unwrap(),
                )
            })
            .collect();
        shown == expected && chart["total"] == expected.values().sum::<u64>()
    })
    .await;
}

async fn fetch_metrics(app: &RunningInstance) -> String {
    let asked = app.http.get(format!("{}/metrics", app.ops)).send().await;
    asked.unwrap().text().await.unwrap()
}

async fn the_chart_follows_corrections_and_deletions(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let services = StaffServices::open(&installation).await;
    let mut ids = Vec::new();
    for (document, city) in [("3001", "Cali"), ("3002", "Cali"), ("3003", "Bogotá")] {
        ids.push(register(&app, document, city).await);
    }
    wait_for_chart(&app, &[("Cali", 2), ("Bogotá", 1)]).await;
    assert_eq!(
        services.correct(&ids[0], "ciudad", "pasto").await,
        UpdateOutcome::Updated
    );
    wait_for_chart(&app, &[("Cali", 1), ("Bogotá", 1), ("Pasto", 1)]).await;
    assert_eq!(
        services.correct(&ids[1], "ciudad", "BOGOTA").await,
        UpdateOutcome::Updated
    );
    wait_for_chart(&app, &[("Bogotá", 2), ("Pasto", 1)]).await;
    assert_eq!(
        services.correct(&ids[1], "nombre", "Eva Ejemplo").await,
        UpdateOutcome::Updated
    );
    assert_eq!(services.delete(&ids[0]).await, UpdateOutcome::Updated);
    wait_for_chart(&app, &[("Bogotá", 2)]).await;
    let more = [("3004", "Cali"), ("3005", "Cali")];
    for (document, city) in more {
        ids.push(register(&app, document, city).await);
    }
    assert_eq!(services.delete(&ids[3]).await, UpdateOutcome::Updated);
    assert_eq!(services.delete(&ids[1]).await, UpdateOutcome::Updated);
    wait_for_chart(&app, &[("Bogotá", 1), ("Cali", 1)]).await;
    // A report triggers a recount, which finds no drift.
    let csv = app.report("_all.csv", &installation.create_token()).await;
    assert_eq!(csv.text().await.unwrap().matches("Ejemplo").count(), 2);
    let drift = format!("jornada_tally_drift{{campaign=\"{}\"}}", app.campaign);
    app.wait_until("the recount is done", async |app| {
        fetch_metrics(app).await.contains(&drift)
    })
    .await;
    assert!(fetch_metrics(&app).await.contains(&format!("{drift} 0")));
    wait_for_chart(&app, &[("Bogotá", 1), ("Cali", 1)]).await;
}

async fn a_deleted_registration_is_gone_and_cannot_be_resubmitted(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let services = StaffServices::open(&installation).await;
    let id = register(&app, "3001", "Cali").await;
    let read = services.read(&id).await.unwrap();
    let receipt = format!("/r/{}", read.registration.id.receipt());
    assert_eq!(app.get(&receipt).await.status(), 200);
    assert!(services.has_photo(&read).await);
    assert_eq!(services.delete(&id).await, UpdateOutcome::Updated);
    assert!(!services.has_photo(&read).await, "at once");
    assert_eq!(app.get(&receipt).await.status(), 404);

    // The phone retries, and the person sends the form again with another photo.
    let other = form_without_photo("Ana Ejemplo", "3001", "Cali").part("foto", photo_part(jpeg(9)));
    for form in [form_with_photo("Ana Ejemplo", "3001", "Cali"), other] {
        let body = expect_problem(app.send(form, None).await, 409).await;
        assert_eq!(body["type"], "urn:jornada:problem:already-registered");
    }
    assert!(!services.has_photo(&read).await);
    if stores == Stores::Embedded {
        assert!(super::photos::stored_photos(&installation).is_empty());
    }
    wait_for_chart(&app, &[]).await;
    let counted = format!(
        "jornada_registrations_total{{campaign=\"{}\",outcome=\"deleted\"}} 2",
        app.campaign
    );
    assert!(fetch_metrics(&app).await.contains(&counted));
}

/// Returns status, headers and body of a conflict in the words of this language, without what differs by chance.
async fn conflict(app: &RunningInstance, address: &str, document: &str, lang: &str) -> String {
    let sent = app.http.post(address).header("Accept-Language", lang);
    let sent = sent.multipart(form_with_photo("Otra Persona", document, "Pasto"));
    let answer = sent.send().await.unwrap();
    let status = answer.status();
    let mut headers: Vec<_> = answer.headers().iter().collect();
    headers.retain(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    headers.sort_by_key(|(name, _)| name.as_str());
    let told = format!("{status} {headers:?}");
    let body = answer.text().await.unwrap().replace(document, "…");
    let by_chance = ["name=\"_key\" value=\"", "name=\"_at\" value=\""];
    let cut = by_chance.into_iter().fold(body, |body, start| {
        let Some((before, rest)) = body.split_once(start) else {
            return body;
        };
        format!("{before}{}", rest.split_once('"').unwrap().1)
    });
    told + &cut
}

async fn a_known_number_is_answered_alike_whatever_became_of_it(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let services = StaffServices::open(&installation).await;
    register(&app, "3001", "Cali").await;
    let corrected = register(&app, "3002", "Cali").await;
    let outcome = services.correct(&corrected, "documento", "3003").await;
    assert_eq!(outcome, UpdateOutcome::Updated);
    let deleted = register(&app, "3004", "Cali").await;
    assert_eq!(services.delete(&deleted).await, UpdateOutcome::Updated);
    let form = format!("{}/c/{}", app.base, app.campaign);
    for address in [app.registrations_url(&app.campaign), form] {
        for lang in ["es", "en"] {
            let registered = conflict(&app, &address, "3001", lang).await;
            assert!(registered.starts_with("409 "), "{registered}");
            for (document, state) in [("3003", "corrected"), ("3004", "deleted")] {
                let answer = conflict(&app, &address, document, lang).await;
                assert_eq!(answer, registered, "{state}");
            }
        }
    }
}

async fn a_corrected_document_blocks_another_registration(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let services = StaffServices::open(&installation).await;
    let id = register(&app, "3001", "Cali").await;
    register(&app, "3002", "Cali").await;
    assert_eq!(
        services.correct(&id, "documento", "3.002").await,
        UpdateOutcome::AliasTaken
    );
    assert_eq!(
        services.correct(&id, "documento", "3.003").await,
        UpdateOutcome::Updated
    );
    let body = expect_problem(app.register("Otra Persona", "3003", "Cali").await, 409).await;
    assert_eq!(body["type"], "urn:jornada:problem:already-registered");
    let again = app.register("Ana Ejemplo", "3001", "Cali").await;
    assert_eq!(again.status(), 200, "the phone still gets its receipt");
    if stores == Stores::Embedded {
        let photos = super::photos::stored_photos(&installation);
        assert_eq!(photos.len(), 2, "the rejected photo is not stored");
    }
}

#[tokio::test]
async fn a_photo_that_could_not_be_deleted_is_deleted_later() {
    let server = variable("JORNADA_TEST_S3");
    let s3 = Proxy::start(server.trim_start_matches("http://").to_owned()).await;
    let mut installation = Installation::new(Stores::Servers);
    let app = installation.start().await;
    let id = register(&app, "3001", "Cali").await;
    let past_proxy = StaffServices::open(&installation).await;
    let address = format!("s3://jornada-test?endpoint=http://{}", s3.address);
    installation.set("JORNADA_PHOTOS", &address);
    let services = StaffServices::open(&installation).await;
    let read = services.read(&id).await.unwrap();
    s3.set_open(false);
    assert_eq!(services.delete(&id).await, UpdateOutcome::Updated);
    assert!(past_proxy.has_photo(&read).await);

    let (keeper, store, pending) = (
        &services.photos,
        &services.store,
        &services.metrics.buffered_photos,
    );
    let remover = PhotoDeleter::new(
        keeper.clone(),
        store.clone(),
        pending.clone(),
        SignedDuration::ZERO,
    );
    let stop = CancellationToken::new();
    let removing = tokio::spawn(remover.run(stop.clone()));
    let waiting = |count: u8| {
        let line = format!("jornada_unremoved_photos {count}\n");
        let metrics = services.metrics.clone();
        let polling = async move {
            while !metrics.text().contains(&line) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(DEFAULT_TIMEOUT, polling)
    };
    waiting(1).await.unwrap();
    assert!(past_proxy.has_photo(&read).await);
    s3.set_open(true);
    waiting(0).await.unwrap();
    assert!(!past_proxy.has_photo(&read).await);
    assert_eq!(store.count_pending_deletions().await.unwrap(), 0);
    stop.cancel();
    removing.await.unwrap();
    let prefix = ObjectKey::photos_prefix(&read.registration.campaign, read.registration.id);
    assert!(!app.log().concat().contains(&prefix));
}
