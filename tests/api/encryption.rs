//! Encryption of photos at rest: leaked objects are unreadable, altered ones are rejected, and the master key rotates
//! while people register and staff view photos.

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use mongodb::bson::{Document, doc};
use serde_json::Value;

use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, form_without_photo, photo_part,
};
use jornada_testkit::photos::jpeg;
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::variable;

const BUCKET: &str = "jornada-test";

/// The stored objects as an intruder sees them.
pub enum Objects {
    Folder(PathBuf),
    /// Client, bucket and campaign.
    Bucket(Client, String, String),
}

impl Objects {
    pub fn new(installation: &Installation, stores: Stores) -> Self {
        if stores == Stores::Embedded {
            return Self::Folder(installation.folder.path().join("data/photos"));
        }
        let keys = Credentials::new(
            variable("JORNADA_TEST_S3_ACCESS_KEY"),
            variable("JORNADA_TEST_S3_SECRET_KEY"),
            None,
            None,
            "test",
        );
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new("us-east-1"))
            .credentials_provider(keys)
            .endpoint_url(variable("JORNADA_TEST_S3"))
            .force_path_style(true)
            .build();
        let mut settings = installation.settings.iter();
        let photos = settings.find(|(name, _)| name == "JORNADA_PHOTOS").unwrap();
        let bucket = photos.1.trim_start_matches("s3://").split('?').next();
        let campaign = installation.campaign.clone();
        Self::Bucket(
            Client::from_conf(config),
            bucket.unwrap().to_owned(),
            campaign,
        )
    }

    async fn names(&self, installation: &Installation) -> Vec<String> {
        match self {
            Self::Folder(folder) => crate::photos::stored_photos(installation)
                .iter()
                .map(|path| path.strip_prefix(folder).unwrap().display().to_string())
                // Files being written have temporary names.
                .filter(|name| !name.contains("/."))
                .collect(),
            Self::Bucket(client, bucket, campaign) => {
                let list = client.list_objects_v2().bucket(bucket);
                let found = list.prefix(format!("{campaign}/")).send().await.unwrap();
                let names = found.contents().iter().filter_map(|object| object.key());
                names.map(str::to_owned).collect()
            }
        }
    }

    async fn read(&self, name: &str) -> Vec<u8> {
        match self {
            Self::Folder(folder) => std::fs::read(folder.join(name)).unwrap(),
            Self::Bucket(client, bucket, _) => {
                let get = client.get_object().bucket(bucket).key(name);
                let body = get.send().await.unwrap().body;
                body.collect().await.unwrap().to_vec()
            }
        }
    }

    pub async fn write(&self, name: &str, bytes: Vec<u8>) {
        match self {
            Self::Folder(folder) => std::fs::write(folder.join(name), bytes).unwrap(),
            Self::Bucket(client, bucket, _) => {
                let put = client.put_object().bucket(bucket).key(name);
                put.body(bytes.into()).send().await.unwrap();
            }
        }
    }
}

/// Registers a person with the photo of this number and returns the id.
pub async fn register(app: &RunningInstance, number: u32) -> String {
    let form = form_without_photo("Ana Ejemplo", &format!("70{number:06}"), "Cali");
    let form = form.part("foto", photo_part(photo_bytes(number)));
    let answer = app.send(form, None).await;
    assert_eq!(answer.status(), 201);
    let told: Value = answer.json().await.unwrap();
    told["id"].as_str().unwrap().to_owned()
}

fn photo_bytes(number: u32) -> Vec<u8> {
    jpeg(number.to_le_bytes()[0])
}

/// Fetches a photo as staff; `None` unless it is shown.
pub async fn fetch_photo(app: &RunningInstance, token: &str, id: &str) -> Option<Vec<u8>> {
    let path = format!("/staff/c/{}/registrations/{id}/photo", app.campaign);
    let asked = app
        .http
        .get(format!("{}{path}", app.base))
        .bearer_auth(token);
    let answer = asked.send().await.unwrap();
    let is_shown = answer.status() == 200;
    let bytes = answer.bytes().await.unwrap();
    is_shown.then(|| bytes.to_vec())
}

async fn assert_all_shown(app: &RunningInstance, token: &str, ids: &[String]) {
    for (number, id) in (0..).zip(ids) {
        assert_shown(app, token, id, number).await;
    }
}

async fn assert_shown(app: &RunningInstance, token: &str, id: &str, number: u32) {
    assert!(fetch_photo(app, token, id).await == Some(photo_bytes(number)));
}

/// Returns whether a stored photo has a part of the picture. Its header is not compared: it holds small numbers, whose
/// zeros are in pictures, too.
fn reveals(stored: &[u8], picture: &[u8]) -> bool {
    let kept = &stored[stored.len() - picture.len()..];
    picture
        .windows(8)
        .any(|part| kept.windows(8).any(|kept| kept == part))
}

async fn stored_photos_are_unreadable(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    register(&app, 1).await;
    let objects = Objects::new(&installation, stores);
    let names = objects.names(&installation).await;
    assert_eq!(names.len(), 1);
    let kept = objects.read(&names[0]).await;
    assert!(kept.len() > photo_bytes(1).len());
    assert!(!reveals(&kept, &photo_bytes(1)));
}

#[tokio::test]
async fn buffered_photos_are_unreadable() {
    let server = variable("JORNADA_TEST_S3");
    let s3 = Proxy::start(server.trim_start_matches("http://").to_owned()).await;
    let mut installation = Installation::new(Stores::Servers);
    let photos = format!("s3://{BUCKET}?endpoint=http://{}", s3.address);
    installation.set("JORNADA_PHOTOS", &photos);
    let app = installation.start().await;
    s3.set_open(false);
    let id = register(&app, 1).await;
    let address = &installation
        .settings
        .iter()
        .find(|(name, _)| name == "JORNADA_STORE");
    let client = mongodb::Client::with_uri_str(&address.unwrap().1)
        .await
        .unwrap();
    let database = client.default_database().unwrap();
    let pending = database.collection::<Document>("pending_photos");
    let waits = pending.find_one(doc! {}).await.unwrap().unwrap();
    let kept = waits.get_binary_generic("bytes").unwrap().clone();
    assert!(!reveals(&kept, &photo_bytes(1)));
    s3.set_open(true);
    app.wait_until("it is moved", async |_| {
        pending.count_documents(doc! {}).await.unwrap() == 0
    })
    .await;
    let objects = Objects::new(&installation, Stores::Servers);
    let names = objects.names(&installation).await;
    assert_eq!(names.len(), 1);
    assert!(!reveals(&objects.read(&names[0]).await, &photo_bytes(1)));
    assert_shown(&app, &installation.create_token(), &id, 1).await;
}

async fn an_altered_photo_is_distinguished_from_a_missing_key(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let token = installation.create_token();
    let (one, two) = (register(&app, 0).await, register(&app, 1).await);
    let objects = Objects::new(&installation, stores);
    let names = objects.names(&installation).await;
    let name = |id: &String| names.iter().find(|name| name.contains(id)).unwrap();
    let whole = objects.read(name(&one)).await;
    let told = |words| app.log().iter().filter(|line| line.contains(words)).count();
    let altered = "was altered, truncated or exchanged";

    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let exchanged = objects.read(name(&two)).await;
    for (count, bytes) in [
        (1, flipped),
        (2, whole[..90].to_vec()),
        (3, exchanged),
        (4, photo_bytes(0)),
    ] {
        objects.write(name(&one), bytes).await;
        assert!(fetch_photo(&app, &token, &one).await.is_none());
        app.wait_until("it is told", async |_| told(altered) == count)
            .await;
    }
    let mut of_another_key = whole.clone();
    of_another_key[4..12].copy_from_slice(&[0xEE; 8]);
    objects.write(name(&one), of_another_key).await;
    assert!(fetch_photo(&app, &token, &one).await.is_none());
    app.wait_until("it is told", async |_| {
        told("encrypted under unknown key eeeeeeeeeeeeeeee") == 1
    })
    .await;
    assert_eq!(told(altered), 4);
    objects.write(name(&one), whole).await;
    assert_all_shown(&app, &token, &[one, two]).await;
}

/// Registers people and views the photo of each until `stop` is set; returns their ids.
async fn register_until_stopped(
    app: &RunningInstance,
    token: &str,
    first: u32,
    stop: &AtomicBool,
) -> Vec<String> {
    let mut ids = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = first + u32::try_from(ids.len()).unwrap();
        let id = register(app, number).await;
        assert_shown(app, token, &id, number).await;
        ids.push(id);
    }
    ids
}

/// Runs `photos rewrap` without blocking the test and returns the number of rewrapped keys.
async fn rewrap(installation: &Installation) -> u64 {
    let mut command = installation.command(&["photos", "rewrap"]);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = ended.unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let told: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(told.as_object().unwrap().len(), 1, "{told}");
    told["keys"].as_u64().unwrap()
}

async fn the_master_key_rotates_while_people_register(stores: Stores) {
    let (old, new) = ("0a".repeat(32), "0b".repeat(32));
    let mut installation = Installation::new(stores);
    installation.set("JORNADA_PHOTO_KEY", &old);
    let first = installation.start().await;
    let token = installation.create_token();
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(register(&first, number).await);
    }
    assert_all_shown(&first, &token, &ids).await;

    installation.set("JORNADA_PHOTO_KEY", &format!("{old},{new}"));
    let second = installation.start().await;
    installation.set("JORNADA_PHOTO_KEY", &format!("{new},{old}"));
    let third = installation.start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let going_on = async {
        tokio::join!(
            register_until_stopped(&second, &token, 1_000, &stop),
            register_until_stopped(&third, &token, 2_000, &stop)
        )
    };
    let rotating = async {
        // An instance that started earlier can decrypt what the newest one encrypts.
        let id = register(&third, 20).await;
        assert_shown(&second, &token, &id, 20).await;
        ids.push(id);
        // There is one key under the old master key; of two concurrent commands, one rewraps it.
        let wrapped = tokio::join!(rewrap(&installation), rewrap(&installation));
        assert_eq!(wrapped.0 + wrapped.1, 1);
        for app in [&second, &third] {
            assert_all_shown(app, &token, &ids).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let ((by_second, by_third), ()) = tokio::join!(going_on, rotating);
    assert!(!by_second.is_empty() && !by_third.is_empty());
    for app in [&second, &third] {
        assert_all_shown(app, &token, &ids).await;
    }
    assert_eq!(rewrap(&installation).await, 0);

    installation.set("JORNADA_PHOTO_KEY", &new);
    let last = installation.start().await;
    assert_all_shown(&last, &token, &ids).await;
    for (first, ids) in [(1_000, by_second), (2_000, by_third)] {
        for (number, id) in (first..).zip(&ids) {
            assert_shown(&last, &token, id, number).await;
        }
    }
    installation.set("JORNADA_PHOTO_KEY", &old);
    assert_start_fails(&installation, "which is not set: add that key");
}

/// Asserts that the start fails with one line that names the setting and contains these words.
fn assert_start_fails(installation: &Installation, words: &str) {
    let ended = installation.command(&[]).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success());
    let lines: Vec<_> = told
        .lines()
        .filter(|line| line.starts_with("jornada: "))
        .collect();
    assert_eq!(lines.len(), 1, "{told}");
    assert!(
        lines[0].starts_with("jornada: JORNADA_PHOTO_KEY: "),
        "{told}"
    );
    assert!(lines[0].contains(words), "{told}");
}

#[tokio::test]
async fn a_wrong_or_missing_key_prevents_the_start() {
    let mut installation = Installation::new(Stores::Servers);
    drop(installation.start().await);
    installation.set("JORNADA_PHOTO_KEY", &"0c".repeat(32));
    assert_start_fails(&installation, "which is not set: add that key");
    installation.set("JORNADA_PHOTO_KEY", "");
    assert_start_fails(&installation, "is not set");
}

#[tokio::test]
async fn the_embedded_key_is_generated_once() {
    let installation = Installation::new(Stores::Embedded);
    let id = register(&installation.start().await, 1).await;
    let again = installation.start().await;
    assert_shown(&again, &installation.create_token(), &id, 1).await;
    assert!(installation.folder.path().join("data/photo-key").exists());
}

crate::on_both!(
    stored_photos_are_unreadable,
    an_altered_photo_is_distinguished_from_a_missing_key,
    the_master_key_rotates_while_people_register,
);
