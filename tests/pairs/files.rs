//! Report files: encrypted, streamed to the object store and back, complete or not at all.

use std::io::Write;
use std::os::unix::fs::FileExt;

use futures_util::TryStreamExt;
use jornada_domain::CampaignId;
use jornada_domain::job::{ReportFile, ReportFormat};
use jornada_objects::encryption::EncryptedFile;
use jornada_objects::{ObjectError, ObjectKey, ObjectStore};
use uuid::Uuid;

use crate::photos::{disk, s3};
use jornada_testkit::servers::random_name;

/// More than one chunk, and not a multiple of one.
const BYTES: usize = 300_001;

fn key() -> ObjectKey {
    ObjectKey::Report {
        campaign: CampaignId::parse(&random_name()).unwrap(),
        job: Uuid::new_v4(),
        attempt: 1,
        format: ReportFormat::Csv,
    }
}

/// A report encrypted for this store.
fn encrypted(
    photos: &ObjectStore,
    key: &ObjectKey,
    byte: u8,
) -> (Vec<u8>, EncryptedFile, ReportFile) {
    let bytes: Vec<u8> = (0..BYTES).map(|at| byte ^ at.to_le_bytes()[0]).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let (known, encrypted_file) = photos.encryptor().encrypt_file(key, file, || ()).unwrap();
    (bytes, encrypted_file, known)
}

async fn read(photos: &ObjectStore, key: &ObjectKey, known: ReportFile) -> Option<Vec<u8>> {
    let chunks = photos.get_file(key, known).await.unwrap()?;
    let chunks: Vec<_> = chunks.try_collect().await.unwrap();
    Some(chunks.concat())
}

async fn content_is_readable_until_it_is_removed(photos: ObjectStore) {
    let key = key();
    let (first, encrypted_1, known_1) = encrypted(&photos, &key, 1);
    assert_eq!(read(&photos, &key, known_1).await, None);
    photos.put_file(&key, &encrypted_1).await.unwrap();
    photos.put_file(&key, &encrypted_1).await.unwrap();
    assert_eq!(read(&photos, &key, known_1).await, Some(first));
    let (second, encrypted_2, known_2) = encrypted(&photos, &key, 2);
    photos.put_file(&key, &encrypted_2).await.unwrap();
    assert_eq!(read(&photos, &key, known_2).await, Some(second));
    let chunks = photos.get_file(&key, known_1).await.unwrap().unwrap();
    let altered = chunks.try_collect::<Vec<_>>().await;
    assert!(altered.is_err(), "it is another file");
    let shorter = ReportFile {
        bytes: known_2.bytes - 1,
        ..known_2
    };
    let result = photos.get_file(&key, shorter).await.map(drop);
    assert!(matches!(result, Err(ObjectError::Altered)), "{result:?}");
    for _ in 0..2 {
        photos.remove(&key).await.unwrap();
    }
    assert_eq!(read(&photos, &key, known_2).await, None);
}

#[tokio::test]
async fn disk_stores_files() {
    let (folder, photos) = disk().await;
    content_is_readable_until_it_is_removed(photos).await;
    let left = folder.path().join("photos/_reports");
    let left: Vec<_> = std::fs::read_dir(left).unwrap().collect();
    let campaign = left[0].as_ref().unwrap().path();
    assert_eq!(std::fs::read_dir(campaign).unwrap().count(), 0);
}

#[tokio::test]
async fn s3_stores_files() {
    content_is_readable_until_it_is_removed(s3().await).await;
}

#[tokio::test]
async fn files_altered_after_encryption_are_rejected() {
    let key = key();
    let (_folder, disk) = disk().await;
    let (_, encrypted_1, known_1) = encrypted(&disk, &key, 3);
    let bytes = encrypted_1.file().metadata().unwrap().len();
    encrypted_1.file().set_len(bytes - 1).unwrap();
    disk.put_file(&key, &encrypted_1).await.unwrap_err();
    assert_eq!(read(&disk, &key, known_1).await, None);
    let s3 = s3().await;
    let (_, encrypted_2, known_2) = encrypted(&s3, &key, 3);
    encrypted_2
        .file()
        .write_all_at(b"another", bytes / 2)
        .unwrap();
    s3.put_file(&key, &encrypted_2).await.unwrap_err();
    encrypted_2.file().set_len(bytes - 1).unwrap();
    s3.put_file(&key, &encrypted_2).await.unwrap_err();
    assert_eq!(read(&s3, &key, known_2).await, None);
}
