//! Photos whose registration was never stored: the next sweep deletes them however many they are, unless the store was
//! restored from an older copy.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use jornada_objects::ObjectStore;
use mongodb::bson::{Document, doc};
use tokio::task::JoinSet;

use crate::hangups::{assert_no_photo_of_nobody, photos};
use crate::on_both;
use crate::store_gate::StoreGate;
use crate::sweeping::{empty_store, sweep};
use jornada_testkit::instance::{Installation, RunningInstance, Stores, form_with_photo};

on_both!(
    a_killed_instance_leaves_no_photo_of_nobody,
    photos_of_failed_inserts_are_deleted,
    photos_are_held_after_a_restore_of_an_older_store,
    an_instance_that_ends_leaves_no_note,
);

async fn register(app: &RunningInstance, documents: Range<u32>) {
    for document in documents {
        let document = document.to_string();
        let answer = app.register("Ana Ejemplo", &document, "Cali").await;
        assert_eq!(answer.status(), 201);
    }
}

/// Sends registrations at once, and waits until `stored` of their photos are. Returns the requests in progress.
async fn send_many(
    objects: &ObjectStore,
    app: &RunningInstance,
    documents: Range<u32>,
    stored: usize,
) -> JoinSet<Option<u16>> {
    let count_photos = async || photos(objects, &app.campaign).await.len();
    let (mut sending, before) = (JoinSet::new(), count_photos().await);
    for document in documents {
        let form = form_with_photo("Ana Ejemplo", &document.to_string(), "Cali");
        let request = app.http.post(app.registrations_url(&app.campaign));
        let request = request.multipart(form).send();
        sending.spawn(async move { Some(request.await.ok()?.status().as_u16()) });
    }
    app.wait_until("the photos are stored", async |_| {
        count_photos().await >= before + stored
    })
    .await;
    sending
}

async fn a_killed_instance_leaves_no_photo_of_nobody(stores: Stores) {
    let mut installation = Installation::new(stores);
    let objects = sweep(&installation).await.objects;
    let mut gate = StoreGate::new(&mut installation, stores).await;
    let mut app = installation.start().await;
    register(&app, 1000..1005).await;
    gate.freeze();
    let sending = send_many(&objects, &app, 2000..2100, 50).await;
    app.signal("-KILL");
    app.wait_for_exit().await;
    gate.bypass(&mut installation);
    drop(sending);
    let orphans = photos(&objects, &installation.campaign).await.len() as u64 - 5;
    let report = assert_no_photo_of_nobody(&installation).await;
    assert_eq!(
        (report.orphans, report.unresolved, report.held),
        (orphans, orphans, 0)
    );
    assert_eq!(photos(&objects, &installation.campaign).await.len(), 5);
    // Those who send again are registered.
    let app = installation.start().await;
    register(&app, 2000..2005).await;
}

async fn photos_of_failed_inserts_are_deleted(stores: Stores) {
    let mut installation = Installation::new(stores);
    let objects = sweep(&installation).await.objects;
    let mut gate = StoreGate::new(&mut installation, stores).await;
    let app = installation.start().await;
    register(&app, 1000..1005).await;
    gate.freeze();
    let mut sending = send_many(&objects, &app, 2000..2030, 30).await;
    while let Some(status) = sending.join_next().await {
        assert_eq!(status.unwrap(), Some(503));
    }
    // SQLite waits for the lock longer than the request for its write.
    tokio::time::sleep(Duration::from_secs(6)).await;
    gate.bypass(&mut installation);
    let report = assert_no_photo_of_nobody(&installation).await;
    assert_eq!(
        (report.orphans, report.unresolved, report.held),
        (30, 30, 0)
    );
}

/// The content of a store.
enum Backup {
    File(PathBuf),
    Documents(Vec<(String, Vec<Document>)>),
}

fn setting<'a>(installation: &'a Installation, name: &str) -> &'a str {
    let mut settings = installation.settings.iter();
    &settings.find(|(known, _)| known == name).unwrap().1
}

async fn database(installation: &Installation) -> mongodb::Database {
    let uri = setting(installation, "JORNADA_STORE");
    let client = mongodb::Client::with_uri_str(uri).await.unwrap();
    client.default_database().unwrap()
}

async fn back_up(installation: &Installation, stores: Stores) -> Backup {
    if stores == Stores::Embedded {
        let path = installation.folder.path();
        let backup = path.join("backup.db");
        let copy = rusqlite::Connection::open(path.join("data/jornada.db")).unwrap();
        let sql = format!("VACUUM INTO '{}'", backup.display());
        copy.execute(&sql, ()).unwrap();
        return Backup::File(backup);
    }
    let (database, mut documents) = (database(installation).await, Vec::new());
    for name in database.list_collection_names().await.unwrap() {
        let found = database.collection::<Document>(&name).find(doc! {}).await;
        let found = found.unwrap().try_collect().await.unwrap();
        documents.push((name, found));
    }
    Backup::Documents(documents)
}

async fn restore(installation: &Installation, stores: Stores, backup: Backup) {
    empty_store(installation, stores).await;
    match backup {
        Backup::File(path) => {
            let to = installation.folder.path().join("data/jornada.db");
            std::fs::copy(path, to).unwrap();
        }
        Backup::Documents(documents) => {
            let database = database(installation).await;
            for (name, documents) in documents.into_iter().filter(|(_, all)| !all.is_empty()) {
                let collection = database.collection(&name);
                collection.insert_many(documents).await.unwrap();
            }
        }
    }
}

async fn photos_are_held_after_a_restore_of_an_older_store(stores: Stores) {
    for signal in ["-TERM", "-KILL"] {
        let installation = Installation::new(stores);
        let mut app = installation.start().await;
        register(&app, 1000..1005).await;
        let backup = back_up(&installation, stores).await;
        register(&app, 2000..2030).await;
        app.signal(signal);
        app.wait_for_exit().await;
        restore(&installation, stores, backup).await;
        let sweep = sweep(&installation).await;
        let later = Timestamp::now() + SignedDuration::from_hours(25);
        let report = sweep.run_once(later).await.unwrap().unwrap();
        assert_eq!((report.orphans, report.held), (0, 30), "{signal}");
        let left = photos(&sweep.objects, &installation.campaign).await;
        assert_eq!(left.len(), 35);
    }
}

async fn an_instance_that_ends_leaves_no_note(stores: Stores) {
    let installation = Installation::new(stores);
    let mut app = installation.start().await;
    let sweep = sweep(&installation).await;
    let noted = async || sweep.store.unresolved_photos().await.unwrap();
    assert_eq!(noted().await, []);
    register(&app, 1000..1003).await;
    let range = noted().await;
    assert!(range[0].low == 0 && range[0].high > 3, "{range:?}");
    // More than were reserved at first.
    for start in (2000..2300).step_by(50) {
        let mut sending = send_many(&sweep.objects, &app, start..start + 50, 0).await;
        while let Some(status) = sending.join_next().await {
            assert_eq!(status.unwrap(), Some(201));
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let range = noted().await;
    assert_eq!(range.len(), 1);
    assert!(range[0].low > 0 && range[0].high > 303, "{range:?}");
    app.signal("-TERM");
    app.wait_for_exit().await;
    assert_eq!(noted().await, []);
}
