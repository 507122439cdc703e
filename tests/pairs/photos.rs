//! Photos: stored ones are readable, storing again changes nothing, altered ones are not returned.

use bytes::Bytes;
use jiff::Timestamp;
use jornada::config::{Env, FromEnv};
use jornada_domain::registration::UniqueKey;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_objects::ObjectStoreSetting;
use jornada_objects::encryption::{Encryptor, KeyEncryptionKey, MasterKey};
use jornada_objects::{ObjectError, ObjectKey, ObjectStore};
use jornada_photo::PhotoFormat;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use jornada_testkit::servers::{random_name, variable};

fn key(bytes: &[u8]) -> ObjectKey {
    let campaign = CampaignId::parse(&random_name()).unwrap();
    let id = RegistrationId::derive(&[1; 32], &campaign, &UniqueKey::Answer("1".into()));
    ObjectKey::Photo {
        campaign,
        id,
        sha256: Sha256::digest(bytes).into(),
        received_at: Timestamp::UNIX_EPOCH,
        format: PhotoFormat::Png,
    }
}

fn encryptor() -> Encryptor {
    let master = MasterKey::new(&[1; 32]);
    Encryptor::new(KeyEncryptionKey::generate(master.id()).unwrap())
}

async fn put(photos: &ObjectStore, key: &ObjectKey, bytes: impl Into<Bytes>) {
    let encrypted = photos.encryptor().encrypt(key, bytes.into()).await.unwrap();
    photos.put(key, &encrypted).await.unwrap();
}

pub async fn disk() -> (TempDir, ObjectStore) {
    let folder = tempfile::tempdir().unwrap();
    let photos = ObjectStore::new(
        &ObjectStoreSetting::Disk(folder.path().join("photos")),
        encryptor(),
    );
    photos.prepare().await.unwrap();
    (folder, photos)
}

fn s3_setting(endpoint: &str, secret_key: &str) -> ObjectStoreSetting {
    let env = Env::from_pairs(&[
        (
            "JORNADA_PHOTOS",
            &format!("s3://jornada-test?endpoint={endpoint}&region=us-east-1"),
        ),
        ("AWS_ACCESS_KEY_ID", &variable("JORNADA_TEST_S3_ACCESS_KEY")),
        ("AWS_SECRET_ACCESS_KEY", secret_key),
    ]);
    ObjectStoreSetting::from_env(&env).unwrap()
}

pub async fn s3() -> ObjectStore {
    let secret_key = variable("JORNADA_TEST_S3_SECRET_KEY");
    let setting = s3_setting(&variable("JORNADA_TEST_S3"), &secret_key);
    let photos = ObjectStore::new(&setting, encryptor());
    photos.prepare().await.unwrap();
    photos
}

async fn content_is_readable_until_it_is_removed(photos: ObjectStore) {
    let bytes = Bytes::from(vec![7; 300_000]);
    let key = key(&bytes);
    photos.ping().await.unwrap();
    photos.try_put().await.unwrap();
    assert_eq!(photos.get(&key).await.unwrap(), None);
    put(&photos, &key, bytes.clone()).await;
    put(&photos, &key, bytes.clone()).await;
    assert_eq!(photos.get(&key).await.unwrap(), Some(bytes));
    photos.remove(&key).await.unwrap();
    photos.remove(&key).await.unwrap();
    assert_eq!(photos.get(&key).await.unwrap(), None);
}

#[tokio::test]
async fn disk_stores_photos() {
    let (_folder, photos) = disk().await;
    content_is_readable_until_it_is_removed(photos).await;
}

#[tokio::test]
async fn s3_stores_photos() {
    content_is_readable_until_it_is_removed(s3().await).await;
}

#[tokio::test]
async fn an_altered_photo_is_not_returned() {
    let (folder, photos) = disk().await;
    let key = key(b"the picture");
    put(&photos, &key, "the picture").await;
    std::fs::write(
        folder.path().join("photos").join(key.to_string()),
        b"another",
    )
    .unwrap();
    assert!(matches!(photos.get(&key).await, Err(ObjectError::Altered)));
}

#[tokio::test]
async fn a_huge_file_in_place_of_a_photo_is_not_read_completely() {
    let (folder, photos) = disk().await;
    let key = key(b"the picture");
    put(&photos, &key, "the picture").await;
    let path = folder.path().join("photos").join(key.to_string());
    let swapped = std::fs::File::options().write(true).open(path).unwrap();
    // A sparse file; read completely it would not fit into memory.
    swapped.set_len(1 << 40).unwrap();
    assert!(matches!(photos.get(&key).await, Err(ObjectError::Altered)));
}

#[tokio::test]
async fn bytes_that_do_not_match_the_key_are_not_returned() {
    let photos = s3().await;
    let key = key(b"the picture");
    put(&photos, &key, "another one").await;
    assert!(matches!(photos.get(&key).await, Err(ObjectError::Altered)));
    photos.remove(&key).await.unwrap();
}

async fn each_photo_is_listed_once(photos: ObjectStore) {
    let mut keys = Vec::new();
    for number in 0..150 {
        let bytes = vec![number; 10];
        keys.push((key(&bytes), bytes));
    }
    for (key, bytes) in &keys {
        put(&photos, key, bytes.clone()).await;
    }
    let (mut listed, listing) = photos.list(ObjectKey::ALL);
    let mut found = Vec::new();
    while let Some((key, _)) = listed.recv().await {
        found.push(key);
    }
    listing.await.unwrap().unwrap();
    for (key, _) in &keys {
        assert_eq!(found.iter().filter(|found| *found == key).count(), 1);
        photos.remove(key).await.unwrap();
    }
}

#[tokio::test]
async fn disk_lists() {
    let (_folder, photos) = disk().await;
    each_photo_is_listed_once(photos).await;
}

#[tokio::test]
async fn s3_lists() {
    each_photo_is_listed_once(s3().await).await;
}

#[tokio::test]
async fn an_unavailable_store_is_reported_soon_and_without_keys() {
    let start = std::time::Instant::now();
    let setting = s3_setting("http://127.0.0.1:1", "irrelevant");
    let unavailable = ObjectStore::new(&setting, encryptor());
    for error in [unavailable.prepare().await, unavailable.try_put().await] {
        let error = error.unwrap_err();
        assert!(matches!(error, ObjectError::Unavailable(_)), "{error}");
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(15));
    let setting = s3_setting(&variable("JORNADA_TEST_S3"), "wrong");
    let wrong = ObjectStore::new(&setting, encryptor());
    let wrong = wrong.prepare().await.unwrap_err();
    assert!(matches!(wrong, ObjectError::Failed(_)), "{wrong}");
    assert!(!format!("{wrong:?}").contains("wrong"));
}
