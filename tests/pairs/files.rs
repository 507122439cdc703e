//! Files of reports: streamed to the object store and back, whole or not at all.

use std::fs::File;
use std::io::Write;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use jornada::domain::job::{Format, JobFile, Wanted};
use jornada::domain::{CampaignId, Job, Lang, Selection};
use jornada::photo::{FileKey, Photos, PhotosError};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::photos::{disk, s3};
use crate::servers::random_name;

/// More than one chunk, and not a whole number of them.
const BYTES: usize = 300_001;

fn key() -> FileKey {
    let wanted = Wanted {
        campaign: CampaignId::parse(&random_name()).unwrap(),
        selection: Selection::all(),
        format: Format::Csv,
        lang: Lang::Es,
        base: "http://localhost".into(),
    };
    let job = Job::new(Uuid::new_v4(), wanted, "token:x".into(), Timestamp::now());
    FileKey::of(&job, 1)
}

/// A file without a name, as reports are, and not at its start.
fn file(byte: u8) -> (Vec<u8>, File, JobFile) {
    let bytes: Vec<u8> = (0..BYTES).map(|at| byte ^ at.to_le_bytes()[0]).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let known = JobFile {
        bytes: BYTES as u64,
        sha256: Sha256::digest(&bytes).into(),
    };
    (bytes, file, known)
}

async fn read(photos: &Photos, key: &FileKey, known: JobFile) -> Option<Vec<u8>> {
    let chunks = photos.file(key, known).await.unwrap()?;
    let chunks: Vec<_> = chunks.try_collect().await.unwrap();
    Some(chunks.concat())
}

async fn what_was_put_comes_back_until_it_is_removed(photos: Photos) {
    let (key, (first, file_1, known_1)) = (key(), file(1));
    assert_eq!(read(&photos, &key, known_1).await, None);
    photos.put_file(&key, &file_1, &known_1).await.unwrap();
    photos.put_file(&key, &file_1, &known_1).await.unwrap();
    assert_eq!(read(&photos, &key, known_1).await, Some(first));
    let (second, file_2, known_2) = file(2);
    photos.put_file(&key, &file_2, &known_2).await.unwrap();
    assert_eq!(read(&photos, &key, known_2).await, Some(second));
    let chunks = photos.file(&key, known_1).await.unwrap().unwrap();
    let altered = chunks.try_collect::<Vec<_>>().await;
    assert!(altered.is_err(), "it is not the one that was asked for");
    let shorter = JobFile {
        bytes: known_2.bytes - 1,
        ..known_2
    };
    let told = photos.file(&key, shorter).await.map(drop);
    assert!(matches!(told, Err(PhotosError::Altered)), "{told:?}");
    for _ in 0..2 {
        photos.remove_file(&key).await.unwrap();
    }
    assert_eq!(read(&photos, &key, known_2).await, None);
}

#[tokio::test]
async fn disk_keeps_files() {
    let (folder, photos) = disk().await;
    what_was_put_comes_back_until_it_is_removed(photos).await;
    let left = folder.path().join("photos/_reports");
    let left: Vec<_> = std::fs::read_dir(left).unwrap().collect();
    let campaign = left[0].as_ref().unwrap().path();
    assert_eq!(std::fs::read_dir(campaign).unwrap().count(), 0);
}

#[tokio::test]
async fn s3_keeps_files() {
    what_was_put_comes_back_until_it_is_removed(s3().await).await;
}

#[tokio::test]
async fn bytes_that_are_not_those_that_were_told_are_not_kept() {
    let (_folder, disk) = disk().await;
    let (_, file, known) = file(3);
    let longer = JobFile {
        bytes: known.bytes + 1,
        ..known
    };
    let other = JobFile {
        sha256: [1; 32],
        ..known
    };
    let key = key();
    disk.put_file(&key, &file, &longer).await.unwrap_err();
    assert_eq!(read(&disk, &key, known).await, None);
    let s3 = s3().await;
    s3.put_file(&key, &file, &longer).await.unwrap_err();
    s3.put_file(&key, &file, &other).await.unwrap_err();
    assert_eq!(read(&s3, &key, known).await, None);
}
