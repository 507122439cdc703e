//! Photos in S3 through a network that cuts, delays and rejects requests.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

use std::iter::repeat;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use jornada_domain::registration::UniqueKey;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_objects::encryption::{EncryptedPhoto, Encryptor, KeyEncryptionKey, MasterKey};
use jornada_objects::{ObjectError, ObjectKey, ObjectStore, ObjectStoreSetting, S3Setting};
use jornada_photo::PhotoFormat;
use jornada_testkit::faults::{Fault, FaultProxy};
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::{random_name, variable};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 46\r\n\r\n\
    <Error><Code>ServiceUnavailable</Code></Error>";
const SLOW_DOWN: &str = "HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: 36\r\n\r\n\
    <Error><Code>SlowDown</Code></Error>";
const TOO_MANY: &str =
    "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const INTERNAL: &str =
    "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const SKEWED: &str = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 64\r\n\r\n\
    <Error><Code>RequestTimeTooSkewed</Code><Key>a-key</Key></Error>";

/// An object store that is reached through a proxy, and the same one without it.
struct FaultFixture {
    proxy: FaultProxy,
    store: ObjectStore,
    direct: ObjectStore,
}

fn open(endpoint: &str, secret_key: &str, encryptor: Encryptor) -> ObjectStore {
    let setting = S3Setting {
        bucket: "jornada-test".into(),
        endpoint: Some(endpoint.parse().unwrap()),
        region: "us-east-1".into(),
        access_key: variable("JORNADA_TEST_S3_ACCESS_KEY"),
        secret_key: secret_key.into(),
        session_token: None,
    };
    ObjectStore::new(&ObjectStoreSetting::S3(setting), encryptor)
}

impl FaultFixture {
    /// The first connections through the proxy have these faults.
    async fn new<F>(faults: F) -> Self
    where
        F: IntoIterator<Item = Fault, IntoIter: Send + 'static>,
    {
        let (server, secret_key) = (server(), variable("JORNADA_TEST_S3_SECRET_KEY"));
        let proxy = FaultProxy::start(&server, faults).await;
        let key = KeyEncryptionKey::generate(MasterKey::new(&[1; 32]).id()).unwrap();
        let direct = open(
            &format!("http://{server}"),
            &secret_key,
            Encryptor::new(key),
        );
        direct.prepare().await.unwrap();
        let endpoint = format!("http://{}", proxy.address);
        let store = open(&endpoint, &secret_key, direct.encryptor().clone());
        Self {
            proxy,
            store,
            direct,
        }
    }

    /// Stores a photo through the proxy.
    async fn put(&self, key: &ObjectKey, photo: &Bytes) -> Result<(), ObjectError> {
        put(&self.store, key, photo).await
    }
}

fn server() -> String {
    let url = variable("JORNADA_TEST_S3");
    url.trim_start_matches("http://").to_owned()
}

async fn put(store: &ObjectStore, key: &ObjectKey, photo: &Bytes) -> Result<(), ObjectError> {
    let encryptor = store.encryptor();
    let encrypted = encryptor.encrypt(key, photo.clone()).await.unwrap();
    store.put(key, &encrypted).await
}

fn photo(bytes: usize) -> (ObjectKey, Bytes) {
    let photo: Vec<u8> = (0..bytes).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let campaign = CampaignId::parse(&random_name()).unwrap();
    let id = RegistrationId::derive(&[1; 32], &campaign, &UniqueKey::Answer("1".into()));
    let key = ObjectKey::Photo {
        campaign,
        id,
        sha256: Sha256::digest(&photo).into(),
        received_at: Timestamp::UNIX_EPOCH,
        format: PhotoFormat::Png,
    };
    (key, photo.into())
}

#[tokio::test]
async fn photos_of_every_size_return_as_they_were_stored() {
    let fixture = FaultFixture::new([]).await;
    for bytes in [1, 50_000, 1_000_000] {
        let (key, photo) = photo(bytes);
        fixture.put(&key, &photo).await.unwrap();
        assert!(fixture.store.get(&key).await.unwrap() == Some(photo));
        fixture.store.remove(&key).await.unwrap();
    }
    let connections = fixture.proxy.connections();
    assert!(connections < 8, "{connections} for 15 requests");
}

#[tokio::test]
async fn an_object_larger_than_any_photo_is_not_read_completely() {
    let fixture = FaultFixture::new([Fault::FreezeResponse(8_500_000)]).await;
    let (key, _) = photo(1);
    let stored = Bytes::from([&b"JPS1"[..], &vec![0; 9_000_000]].concat());
    let encrypted = EncryptedPhoto::from_stored(&stored).unwrap();
    fixture.direct.put(&key, &encrypted).await.unwrap();
    let read = fixture.store.get(&key).await;
    assert!(matches!(read, Err(ObjectError::Altered)), "{read:?}");
    fixture.direct.remove(&key).await.unwrap();
}

#[tokio::test]
async fn a_cut_put_is_repeated_and_leaves_the_whole_photo() {
    for fault in [
        Fault::Close,
        Fault::CutRequest(100),
        Fault::CutRequest(150_000),
        Fault::CutBeforeResponse,
        Fault::CutResponse(10),
    ] {
        let fixture = FaultFixture::new([fault]).await;
        let (key, photo) = photo(300_000);
        let stored = fixture.put(&key, &photo).await;
        assert!(stored.is_ok(), "{fault:?}: {stored:?}");
        assert!(fixture.direct.get(&key).await.unwrap() == Some(photo));
        assert_eq!(fixture.proxy.connections(), 2, "{fault:?}");
        fixture.direct.remove(&key).await.unwrap();
    }
}

#[tokio::test]
async fn a_cut_get_is_repeated_and_returns_the_whole_photo() {
    let (key, photo) = photo(300_000);
    for fault in [
        Fault::Close,
        Fault::CutRequest(100),
        Fault::CutBeforeResponse,
        Fault::CutResponse(10),
        Fault::CutResponse(150_000),
    ] {
        let fixture = FaultFixture::new([fault]).await;
        put(&fixture.direct, &key, &photo).await.unwrap();
        let read = fixture.store.get(&key).await;
        assert!(
            matches!(&read, Ok(Some(read)) if *read == photo),
            "{fault:?}: {read:?}"
        );
        assert_eq!(fixture.proxy.connections(), 2, "{fault:?}");
        fixture.direct.remove(&key).await.unwrap();
    }
}

#[tokio::test]
async fn a_network_that_always_cuts_is_reported_after_three_attempts() {
    let (key, photo) = photo(300_000);
    for fault in [
        Fault::Close,
        Fault::CutRequest(150_000),
        Fault::CutResponse(10),
    ] {
        let fixture = FaultFixture::new(repeat(fault)).await;
        let error = fixture.put(&key, &photo).await.unwrap_err();
        assert!(
            matches!(error, ObjectError::Unavailable(_)),
            "{fault:?}: {error}"
        );
        assert_eq!(fixture.proxy.connections(), 3, "{fault:?}");
    }
    let fixture = FaultFixture::new(repeat(Fault::CutResponse(150_000))).await;
    put(&fixture.direct, &key, &photo).await.unwrap();
    let error = fixture.store.get(&key).await.unwrap_err();
    assert!(matches!(error, ObjectError::Unavailable(_)), "{error}");
    assert_eq!(fixture.proxy.connections(), 3);
    fixture.direct.remove(&key).await.unwrap();
}

#[tokio::test]
async fn a_pooled_connection_that_the_server_closes_is_replaced() {
    let fixture = FaultFixture::new([Fault::CutSecondRequest]).await;
    let (first, photo_1) = photo(50_000);
    let (second, photo_2) = photo(60_000);
    fixture.put(&first, &photo_1).await.unwrap();
    // Returns the connection to the pool.
    sleep(Duration::from_millis(100)).await;
    fixture.put(&second, &photo_2).await.unwrap();
    assert_eq!(fixture.proxy.connections(), 2);
    assert!(fixture.store.get(&second).await.unwrap() == Some(photo_2));
    let network = Proxy::start(server()).await;
    let secret_key = variable("JORNADA_TEST_S3_SECRET_KEY");
    let endpoint = format!("http://{}", network.address);
    let store = open(&endpoint, &secret_key, fixture.store.encryptor().clone());
    assert!(store.get(&first).await.unwrap().is_some());
    network.set_open(false);
    network.set_open(true);
    assert!(store.get(&first).await.unwrap() == Some(photo_1));
    for key in [&first, &second] {
        fixture.direct.remove(key).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_overloaded_for_a_moment_gets_the_photo_later() {
    for answer in [UNAVAILABLE, INTERNAL, SLOW_DOWN, TOO_MANY] {
        let fixture = FaultFixture::new([Fault::Answer(answer)]).await;
        let (key, photo) = photo(50_000);
        fixture.put(&key, &photo).await.unwrap();
        assert_eq!(fixture.proxy.connections(), 2, "{answer}");
        assert!(fixture.direct.get(&key).await.unwrap() == Some(photo));
        fixture.direct.remove(&key).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_stays_overloaded_is_reported_as_unavailable() {
    let fixture = FaultFixture::new(repeat(Fault::Answer(UNAVAILABLE))).await;
    let (key, photo) = photo(50_000);
    let error = fixture.put(&key, &photo).await.unwrap_err();
    assert!(
        matches!(&error, ObjectError::Unavailable(text) if text == "status 503, ServiceUnavailable"),
        "{error}"
    );
    assert_eq!(fixture.proxy.connections(), 3);
}

#[tokio::test]
async fn a_frozen_server_is_given_up_and_a_new_connection_tried() {
    let start = Instant::now();
    let frozen = async |fault: Fault| {
        let fixture = FaultFixture::new(repeat(fault)).await;
        let (key, photo) = photo(50_000);
        let error = fixture.put(&key, &photo).await.unwrap_err();
        assert!(
            matches!(&error, ObjectError::Unavailable(text) if text == "no answer in time"),
            "{error}"
        );
        assert_eq!(fixture.proxy.connections(), 2);
    };
    let recovered = async {
        let fixture = FaultFixture::new([Fault::Freeze]).await;
        let (key, photo) = photo(50_000);
        put(&fixture.direct, &key, &photo).await.unwrap();
        assert_eq!(fixture.store.get(&key).await.unwrap(), Some(photo));
        assert_eq!(fixture.proxy.connections(), 2);
    };
    let stalled = async {
        let fixture = FaultFixture::new([Fault::FreezeResponse(20_000)]).await;
        let (key, photo) = photo(50_000);
        put(&fixture.direct, &key, &photo).await.unwrap();
        let error = fixture.store.get(&key).await.unwrap_err();
        assert!(matches!(error, ObjectError::Unavailable(_)), "{error}");
    };
    tokio::join!(
        frozen(Fault::Freeze),
        frozen(Fault::FreezeResponse(10)),
        recovered,
        stalled,
    );
    assert!(start.elapsed().as_secs() < 25, "each wait is limited");
}

#[tokio::test]
async fn wrong_keys_are_reported_with_their_setting_after_one_attempt() {
    let fixture = FaultFixture::new([Fault::CutSecondRequest]).await;
    let endpoint = format!("http://{}", fixture.proxy.address);
    let wrong = open(&endpoint, "wrong", fixture.store.encryptor().clone());
    let (key, photo) = photo(50_000);
    let error = put(&wrong, &key, &photo).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "object store error: status 403, SignatureDoesNotMatch: check AWS_SECRET_ACCESS_KEY"
    );
    assert_eq!(fixture.proxy.connections(), 1);
}

#[tokio::test]
async fn a_wrong_clock_is_named_after_one_attempt_and_without_the_key() {
    let fixture = FaultFixture::new([Fault::Answer(SKEWED)]).await;
    let (key, photo) = photo(50_000);
    let error = fixture.put(&key, &photo).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "object store error: status 403, RequestTimeTooSkewed: set the clock of this machine"
    );
    assert_eq!(fixture.proxy.connections(), 1);
}
