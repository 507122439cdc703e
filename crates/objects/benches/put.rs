//! Processor time of storing and reading photos in S3: the object store of this crate and the AWS SDK in turn, on the
//! server of `JORNADA_TEST_S3` (see `test.sh servers`). Without encryption and SHA-256, which both would need.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use jiff::Timestamp;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_objects::encryption::{EncryptedPhoto, Encryptor, KeyEncryptionKey, MasterKey};
use jornada_objects::{ObjectKey, ObjectStore, ObjectStoreSetting, S3Setting};
use jornada_photo::PhotoFormat;
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

const BUCKET: &str = "jornada-bench";
const NAMES: [&str; 4] = ["put with SDK", "put", "get with SDK", "get"];
const ROUNDS: usize = 3;
const CONCURRENCY: usize = 16;
/// Processor time is counted in ticks of 10 ms.
const TICKS_PER_SECOND: f64 = 100.0;

struct Contestants {
    store: ObjectStore,
    sdk: Client,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the servers are found by variables"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see test.sh servers"))
}

fn setting() -> S3Setting {
    S3Setting {
        bucket: BUCKET.into(),
        endpoint: Some(variable("JORNADA_TEST_S3").parse().expect("a URL")),
        region: "us-east-1".into(),
        access_key: variable("JORNADA_TEST_S3_ACCESS_KEY"),
        secret_key: variable("JORNADA_TEST_S3_SECRET_KEY").into(),
        session_token: None,
    }
}

fn sdk(setting: &S3Setting) -> Client {
    let secret_key = setting.secret_key.expose_secret();
    let keys = Credentials::new(&setting.access_key, secret_key, None, None, "bench");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(setting.region.clone()))
        .credentials_provider(keys)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_url(setting.endpoint.as_ref().expect("set").as_str())
        .force_path_style(true);
    Client::from_conf(config.build())
}

fn key(number: usize) -> ObjectKey {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    ObjectKey::Photo {
        campaign: CampaignId::parse("bench").expect("valid"),
        id: RegistrationId::from_bytes(id),
        sha256: [7; 32],
        received_at: Timestamp::UNIX_EPOCH,
        format: PhotoFormat::Jpeg,
    }
}

type Shared = (Arc<Contestants>, EncryptedPhoto);

async fn put((contestants, photo): Shared, number: usize) {
    let stored = contestants.store.put(&key(number), &photo).await;
    stored.expect("the server stores it");
}

async fn put_with_sdk((contestants, photo): Shared, number: usize) {
    let checksum = crc32fast::hash(photo.bytes()).to_be_bytes();
    let put = contestants.sdk.put_object().bucket(BUCKET);
    put.key(key(number).to_string())
        .checksum_crc32(data_encoding::BASE64.encode(&checksum))
        .body(ByteStream::from(photo.bytes().clone()))
        .customize()
        .disable_payload_signing()
        .send()
        .await
        .expect("the server stores it");
}

/// Reads only the header of a photo: a whole one would also be decrypted.
async fn get((contestants, _): Shared, number: usize) {
    let store = &contestants.store;
    let found = store.put_id(&[], &key(number)).await;
    found.expect("the server has it");
}

async fn get_with_sdk((contestants, _): Shared, number: usize) {
    let get = contestants.sdk.get_object().bucket(BUCKET);
    let found = get.key(key(number).to_string()).range("bytes=0-83");
    let found = found.send().await.expect("the server has it");
    found.body.collect().await.expect("the server has it");
}

/// Processor seconds and context switches.
#[derive(Clone, Copy)]
struct Cost([f64; 2]);

impl Cost {
    /// Returns those of this process so far, in user mode and in the kernel.
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u32 = ticks.filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        let threads = fs::read_dir("/proc/self/task").expect("Linux");
        let switches: u32 = threads
            .flatten()
            .map(|thread| switches(&thread.path()))
            .sum();
        Self([f64::from(ticks) / TICKS_PER_SECOND, f64::from(switches)])
    }
}

/// Returns the context switches of a thread so far.
fn switches(thread: &Path) -> u32 {
    let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
    let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
    let counts = lines.filter_map(|line| line.rsplit('\t').next()?.parse::<u32>().ok());
    counts.sum()
}

/// Runs an operation `count` times, some at once, and returns the cost of a thousand.
async fn measure<F>(count: usize, shared: Shared, operation: fn(Shared, usize) -> F) -> Cost
where
    F: Future<Output = ()> + Send + 'static,
{
    let start = Cost::now();
    let mut people = JoinSet::new();
    for person in 0..CONCURRENCY {
        let shared = shared.clone();
        people.spawn(async move {
            for number in (person..count).step_by(CONCURRENCY) {
                operation(shared.clone(), number).await;
            }
        });
    }
    people.join_all().await;
    let end = Cost::now();
    let thousands = f64::from(u32::try_from(count).expect("small")) / 1e3;
    Cost([0, 1].map(|at| (end.0[at] - start.0[at]) / thousands))
}

async fn compare(contestants: &Arc<Contestants>, bytes: usize, count: usize) {
    let stored = Bytes::from([&b"JPS1"[..], &vec![7; bytes]].concat());
    let photo = EncryptedPhoto::from_stored(&stored).expect("its magic");
    let mut runs = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let shared = || (Arc::clone(contestants), photo.clone());
        runs[0].push(measure(count, shared(), put_with_sdk).await);
        runs[1].push(measure(count, shared(), put).await);
        runs[2].push(measure(count, shared(), get_with_sdk).await);
        runs[3].push(measure(count, shared(), get).await);
    }
    for (name, runs) in NAMES.into_iter().zip(runs) {
        let [seconds, switches] = [0, 1].map(|at| {
            let mut runs: Vec<f64> = runs.iter().map(|cost| cost.0[at]).collect();
            runs.sort_by(f64::total_cmp);
            [runs[ROUNDS / 2], runs[0], runs[ROUNDS - 1]]
        });
        let [median, least, most] = seconds;
        let name = format!("{name}, {bytes} bytes");
        println!(
            "{name:30} {median:7.3} ({least:.3} - {most:.3}) {:9.0}",
            switches[0]
        );
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let setting = setting();
    let master = MasterKey::new(&[1; 32]);
    let encryptor = Encryptor::new(KeyEncryptionKey::generate(master.id()).expect("randomness"));
    let contestants = Arc::new(Contestants {
        sdk: sdk(&setting),
        store: ObjectStore::new(&ObjectStoreSetting::S3(setting), encryptor),
    });
    runtime.block_on(async {
        contestants.store.prepare().await.expect("the server runs");
        println!("per 1,000: processor seconds (median, least, most), context switches");
        compare(&contestants, 50_000, 2_000).await;
        compare(&contestants, 500_000, 400).await;
    });
}
