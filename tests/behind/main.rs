//! A follower that was away while millions of entries were written: counts are exact and fresh soon after it starts, and
//! the database is quiet afterwards.
#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jornada::app::metrics::Metrics;
use jornada_domain::registration::UniqueKey;
use jornada_domain::tally::TallyCounts;
use jornada_domain::{Campaign, FormData, Registration, RegistrationId};
use jornada_runtime::cache::CacheSetting;
use jornada_service::tally::TallyCache;
use jornada_service::tally::follower::Follower;
use jornada_store::{InsertOutcome, NewRegistration, Store, StoreSetting};
use jornada_testkit::servers::{random_name, variable};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use tokio_util::sync::CancellationToken;

const CAMPAIGN: &str = r#"
id = "voto"
opens_at = 2026-01-01T00:00:00Z
closes_at = 2036-01-01T00:00:00Z
time_zone = "America/Bogota"
title = { es = "Voto", en = "Vote" }
[[fields]]
name = "lugar"
kind = "place"
label = { es = "Lugar", en = "Place" }
required = true
tally = true
"#;

const FOREIGN: usize = 2_000_000;
const OWN: u64 = 1_000_000;
/// Time within which counts must be exact and fresh after the start.
const LIMIT: Duration = Duration::from_secs(15);

struct Site {
    store: Store,
    cache: TallyCache,
    campaign: Arc<Campaign>,
    database: Database,
}

impl Site {
    async fn new() -> Self {
        let name = format!("/test_{}?", random_name());
        let url = variable("JORNADA_TEST_MONGODB").replacen("/?", &name, 1);
        let client = Client::with_uri_str(&url).await.unwrap();
        let store = Store::open(&StoreSetting::Mongo(url.into())).await.unwrap();
        let redis = CacheSetting::Redis(variable("JORNADA_TEST_REDIS").into());
        let id = store.id().await.unwrap();
        Self {
            store,
            cache: TallyCache::open(&redis, id, "one").unwrap(),
            campaign: Arc::new(Campaign::parse(CAMPAIGN, |_| Err(String::new())).unwrap()),
            database: client.default_database().unwrap(),
        }
    }

    /// Follows until the guard is dropped.
    fn follow(&self) -> tokio_util::sync::DropGuard {
        let stop = CancellationToken::new();
        let follower = Follower {
            store: self.store.clone(),
            cache: self.cache.clone(),
            campaigns: vec![self.campaign.clone()],
            metrics: Metrics::new().unwrap().tally,
        };
        tokio::spawn(follower.run(stop.clone()));
        stop.drop_guard()
    }

    async fn register(&self, numbers: std::ops::Range<u64>) {
        let form = FormData {
            parts: vec![("lugar".into(), "Cali".into())],
            has_photo: false,
        };
        let answers = self.campaign.validate(&form).unwrap();
        let batch = numbers.map(|number| NewRegistration {
            campaign: self.campaign.clone(),
            registration: Registration {
                id: RegistrationId::derive(
                    &[3; 32],
                    &self.campaign.id,
                    &UniqueKey::Answer(number.to_string()),
                ),
                campaign: self.campaign.id.clone(),
                tally_value: self.campaign.tally_value(&answers),
                digest: answers.digest(&self.campaign, None),
                answers: answers.clone(),
                photo: None,
                received_at: Timestamp::now(),
            },
        });
        for outcome in self.store.insert(batch.collect()).await {
            assert_eq!(outcome.unwrap(), InsertOutcome::Inserted);
        }
    }

    /// Waits until `expected` registrations are counted, as of a time after the call.
    async fn wait_for(&self, expected: u64, limit: Duration) {
        let (start, since) = (Instant::now(), Timestamp::now());
        loop {
            let as_of = self.cache.state().await.unwrap().map(|state| state.as_of);
            let counts = self.cache.counts(&self.campaign).await.unwrap();
            let total = counts.get("lugar").map_or(0, TallyCounts::total);
            if total == expected && as_of.is_some_and(|as_of| as_of > since) {
                return;
            }
            let waited = start.elapsed();
            assert!(waited < limit, "{total} of {expected}, as of {as_of:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn write_foreign_documents(&self) {
        let foreign = self.database.collection::<Document>("other");
        for batch in 0..FOREIGN / 10_000 {
            let batch = i64::try_from(batch).unwrap();
            let documents = vec![doc! { "batch": batch }; 10_000];
            foreign.insert_many(documents).await.unwrap();
        }
    }

    /// Returns the processor time of mongod so far.
    async fn mongod_time(&self) -> Duration {
        let status = self.database.run_command(doc! { "serverStatus": 1 });
        let status = status.await.unwrap();
        let usage = status.get_document("extra_info").unwrap();
        let time = |name| u64::try_from(usage.get_i64(name).unwrap()).unwrap();
        Duration::from_micros(time("user_time_us") + time("system_time_us"))
    }

    async fn assert_mongod_is_quiet(&self) {
        let before = self.mongod_time().await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let used = self.mongod_time().await.saturating_sub(before);
        assert!(used < Duration::from_secs(1), "{used:?} within 5 s");
    }

    async fn position(&self) -> jornada_store::FeedPosition {
        self.cache.state().await.unwrap().unwrap().position
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_fresh_soon_after_millions_of_writes() {
    let site = Site::new().await;
    let first = site.follow();
    site.register(0..10).await;
    site.wait_for(10, LIMIT).await;
    drop(first);
    site.write_foreign_documents().await;
    let second = site.follow();
    site.wait_for(10, LIMIT).await;
    site.assert_mongod_is_quiet().await;
    drop(second);
    for batch in 0..OWN / 1_000 {
        let from = 10 + batch * 1_000;
        site.register(from..from + 1_000).await;
    }
    let _third = site.follow();
    site.wait_for(OWN + 10, LIMIT).await;
    site.assert_mongod_is_quiet().await;
    // Writes of others move the saved position, too.
    let before = site.position().await;
    let other = site.database.collection::<Document>("other");
    other.insert_one(doc! {}).await.unwrap();
    let start = Instant::now();
    while site.position().await == before {
        assert!(start.elapsed() < LIMIT, "the position stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    site.database.drop().await.unwrap();
}
