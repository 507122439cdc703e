//! Totals are exact while people register, after Redis was emptied, and after drift.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jornada::app::metrics::Metrics;
use jornada_domain::CampaignId;
use jornada_domain::registration::UniqueKey;
use jornada_domain::tally::MAX_KEYS;
use jornada_domain::{Campaign, FormData, Registration, RegistrationId};
use jornada_service::tally::follower::Follower;
use jornada_service::tally::{LeaderTurn, TallyCache};
use jornada_store::{InsertOutcome, NewRegistration, Store, StoreSetting};
use tokio_util::sync::CancellationToken;

use crate::tally::{campaign, memory, redis as in_redis};
use jornada_testkit::servers::{random_name, variable};

pub struct TallyFixture {
    pub store: Store,
    pub cache: TallyCache,
    pub campaign: Arc<Campaign>,
    pub metrics: Metrics,
    pub stop: CancellationToken,
    folder: tempfile::TempDir,
}

impl TallyFixture {
    async fn new(store: StoreSetting, is_shared: bool, folder: tempfile::TempDir) -> Self {
        let fixture = Self::idle(store, is_shared, folder).await;
        fixture.follow();
        fixture
    }

    /// Nobody follows yet.
    async fn idle(store: StoreSetting, is_shared: bool, folder: tempfile::TempDir) -> Self {
        let store = Store::open(&store).await.unwrap();
        let id = store.id().await.unwrap();
        Self {
            store,
            cache: if is_shared {
                in_redis(id, "one")
            } else {
                memory()
            },
            campaign: campaign(&random_name()),
            metrics: Metrics::new().unwrap(),
            stop: CancellationToken::new(),
            folder,
        }
    }

    async fn embedded() -> Self {
        let fixture = Self::embedded_and_idle().await;
        fixture.follow();
        fixture
    }

    pub async fn embedded_and_idle() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setting = StoreSetting::Sqlite(folder.path().join("test.db"));
        Self::idle(setting, false, folder).await
    }

    async fn servers() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = variable("JORNADA_TEST_MONGODB").replacen(
            "/?",
            &format!("/test_{}?", random_name()),
            1,
        );
        Self::new(StoreSetting::Mongo(url.into()), true, folder).await
    }

    fn follow(&self) {
        let follower = self.follower(self.cache.clone());
        tokio::spawn(follower.run(self.stop.clone()));
    }

    fn follower(&self, cache: TallyCache) -> Follower {
        Follower {
            store: self.store.clone(),
            cache,
            campaigns: vec![self.campaign.clone()],
            metrics: self.metrics.tally.clone(),
        }
    }

    /// Stops the leader, and waits until it has resigned.
    async fn stop_leader(&self) {
        self.stop.cancel();
        let lease = self.key("lease").await;
        wait_until("the leader has resigned", async || {
            redis_command(&["EXISTS", &lease]).await == redis::Value::Int(0)
        })
        .await;
    }

    /// Returns the name of a key in Redis.
    async fn key(&self, name: &str) -> String {
        let store_id = self.store.id().await.unwrap();
        format!("jornada:{{{}}}:{name}", store_id.simple())
    }

    pub fn id(&self) -> &CampaignId {
        &self.campaign.id
    }

    pub async fn register(&self, numbers: std::ops::Range<u32>, place: &str) {
        for number in numbers {
            self.insert(vec![self.record(number, place)]).await;
        }
    }

    async fn insert(&self, records: Vec<NewRegistration>) {
        for outcome in self.store.insert(records).await {
            assert!(matches!(outcome, Ok(InsertOutcome::Inserted)));
        }
    }

    fn record(&self, number: u32, place: &str) -> NewRegistration {
        let form = FormData {
            parts: vec![("lugar".into(), place.into())],
            has_photo: false,
        };
        let answers = self.campaign.validate(&form).unwrap();
        let key = UniqueKey::Answer(format!("{place} {number}"));
        let registration = Registration {
            id: RegistrationId::derive(&[3; 32], self.id(), &key),
            campaign: self.id().clone(),
            tally_value: self.campaign.tally_value(&answers),
            digest: answers.digest(&self.campaign, None),
            answers,
            photo: None,
            received_at: Timestamp::now(),
        };
        NewRegistration {
            campaign: Arc::clone(&self.campaign),
            registration,
        }
    }

    async fn wait_for_total(&self, place: &str, total: u64) {
        let claim = format!("{place} has {total}");
        wait_until(&claim, async || {
            let counts = self.cache.counts(&self.campaign).await.unwrap();
            let counts = counts.get("lugar").map(|tally| &tally.counts);
            let found = counts.and_then(|counts| counts.get(&[place.to_owned()][..]));
            found.copied().unwrap_or(0) == total
        })
        .await;
    }

    /// Starts with three registrations in Yopal, counted. Returns the key of the counts in Redis, too.
    async fn with_counts_of_yopal() -> (Self, String) {
        let fixture = Self::servers().await;
        fixture.register(0..3, "Yopal").await;
        fixture.wait_for_total("Yopal", 3).await;
        let counts = fixture.key(&format!("counts:{}:lugar", fixture.id())).await;
        (fixture, counts)
    }
}

pub async fn wait_until(claim: &str, holds: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "not yet: {claim}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for TallyFixture {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn totals_are_exact_while_people_register(fixture: TallyFixture) {
    fixture.register(0..5, "Cali").await;
    fixture.wait_for_total("Cali", 5).await;
    tokio::join!(
        fixture.register(5..60, "Cali"),
        fixture.register(0..40, "Pasto"),
        async {
            for _ in 0..5 {
                fixture.cache.request_refresh(fixture.id()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    );
    fixture.wait_for_total("Cali", 60).await;
    fixture.wait_for_total("Pasto", 40).await;
    let drift = format!("jornada_tally_drift{{campaign=\"{}\"}} 0", fixture.id());
    assert!(
        fixture.metrics.text().contains(&drift),
        "a refresh found no drift"
    );
}

#[tokio::test]
async fn embedded_totals_are_exact() {
    totals_are_exact_while_people_register(TallyFixture::embedded().await).await;
}

#[tokio::test]
async fn totals_of_the_servers_are_exact() {
    totals_are_exact_while_people_register(TallyFixture::servers().await).await;
}

#[tokio::test]
async fn two_followers_count_everything_once() {
    let fixture = TallyFixture::servers().await;
    let store_id = fixture.store.id().await.unwrap();
    let other = fixture.follower(in_redis(store_id, "two"));
    tokio::spawn(other.run(fixture.stop.clone()));
    fixture.register(0..50, "Neiva").await;
    // The lease disappears: for a moment both instances believe that they lead.
    redis_command(&["DEL", &fixture.key("lease").await]).await;
    fixture.register(50..100, "Neiva").await;
    fixture.wait_for_total("Neiva", 100).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    fixture.wait_for_total("Neiva", 100).await;
}

#[tokio::test]
async fn an_emptied_redis_is_refilled() {
    let fixture = TallyFixture::servers().await;
    fixture.register(0..20, "Tunja").await;
    fixture.wait_for_total("Tunja", 20).await;
    let counts = format!("counts:{}:lugar", fixture.id());
    for key in [counts.as_str(), "meta", "lease"] {
        redis_command(&["DEL", &fixture.key(key).await]).await;
    }
    fixture.register(20..25, "Tunja").await;
    fixture.wait_for_total("Tunja", 25).await;
}

#[tokio::test]
async fn drift_is_found_and_corrected() {
    let (fixture, counts) = TallyFixture::with_counts_of_yopal().await;
    redis_command(&["HINCRBY", &counts, "[\"Yopal\"]", "4"]).await;
    fixture.cache.request_refresh(fixture.id()).await.unwrap();
    fixture.wait_for_total("Yopal", 3).await;
    let drift = format!("jornada_tally_drift{{campaign=\"{}\"}} 4", fixture.id());
    assert!(fixture.metrics.text().contains(&drift));
}

#[tokio::test]
async fn a_refresh_requested_while_nobody_leads_is_done_by_the_next_leader() {
    let (mut fixture, counts) = TallyFixture::with_counts_of_yopal().await;
    fixture.stop_leader().await;
    redis_command(&["HINCRBY", &counts, "[\"Yopal\"]", "4"]).await;
    fixture.cache.request_refresh(fixture.id()).await.unwrap();
    fixture.stop = CancellationToken::new();
    fixture.follow();
    fixture.wait_for_total("Yopal", 3).await;
}

#[tokio::test]
async fn a_count_that_cannot_be_read_is_replaced() {
    let (fixture, counts) = TallyFixture::with_counts_of_yopal().await;
    redis_command(&["HSET", &counts, "[\"Yopal\"]", "-1"]).await;
    assert!(fixture.cache.counts(&fixture.campaign).await.is_err());
    fixture.cache.request_refresh(fixture.id()).await.unwrap();
    wait_until("the counts can be read", async || {
        fixture.cache.counts(&fixture.campaign).await.is_ok()
    })
    .await;
    fixture.wait_for_total("Yopal", 3).await;
}

#[tokio::test]
async fn a_refresh_that_a_killed_leader_had_begun_is_done() {
    let (mut fixture, counts) = TallyFixture::with_counts_of_yopal().await;
    fixture.stop_leader().await;
    redis_command(&["HINCRBY", &counts, "[\"Yopal\"]", "4"]).await;
    fixture.cache.request_refresh(fixture.id()).await.unwrap();
    // Gets the request, and is killed. A refresh is repeated after 30 s: its time is moved back.
    let killed = in_redis(fixture.store.id().await.unwrap(), "killed");
    let turn = killed.acquire_lead(None, Timestamp::now()).await.unwrap();
    assert!(matches!(turn, LeaderTurn::Lead(due) if due.contains_key(fixture.id())));
    let (lease, refreshed) = (fixture.key("lease").await, fixture.key("refreshed").await);
    redis_command(&["DEL", &lease, &refreshed]).await;
    fixture.stop = CancellationToken::new();
    fixture.follow();
    fixture.wait_for_total("Yopal", 3).await;
}

#[tokio::test]
async fn an_unreadable_delta_stops_nothing() {
    let fixture = TallyFixture::embedded().await;
    fixture.register(0..3, "Tunja").await;
    fixture.wait_for_total("Tunja", 3).await;
    let file = rusqlite::Connection::open(fixture.folder.path().join("test.db")).unwrap();
    let unreadable = "INSERT INTO deltas (campaign, fields, counts) VALUES (?1, '[]', '{')";
    file.execute(unreadable, [fixture.id().as_str()]).unwrap();
    fixture.register(3..5, "Tunja").await;
    fixture.wait_for_total("Tunja", 5).await;
    let rebuilds = |reason: &str| {
        let name = format!("jornada_tally_rebuilds_total{{reason=\"{reason}\"}} 1\n");
        fixture.metrics.text().contains(&name)
    };
    assert!(rebuilds("missing") && rebuilds("lost"));
}

#[tokio::test]
async fn the_highest_value_is_listed_however_many_came_before_it() {
    let fixture = TallyFixture::embedded_and_idle().await;
    let places = u32::try_from(MAX_KEYS).unwrap() + 1;
    let places: Vec<_> = (0..places)
        .map(|number| fixture.record(0, &format!("Lugar {number}")))
        .collect();
    for batch in places.chunks(1_000) {
        fixture.insert(batch.to_vec()).await;
    }
    fixture.follow();
    wait_until("one place is counted with the others", async || {
        let counts = fixture.cache.counts(&fixture.campaign).await.unwrap();
        counts.get("lugar").is_some_and(|tally| tally.others == 1)
    })
    .await;
    let newcomer = (0..5).map(|number| fixture.record(number, "Yopal"));
    fixture.insert(newcomer.collect()).await;
    fixture.wait_for_total("Yopal", 5).await;
    let counts = fixture.cache.counts(&fixture.campaign).await.unwrap();
    assert_eq!(counts["lugar"].total(), MAX_KEYS as u64 + 6);
}

#[tokio::test]
async fn without_campaigns_the_follower_has_nothing_to_do() {
    let mut fixture = TallyFixture::servers().await;
    fixture.stop.cancel();
    fixture.stop = CancellationToken::new();
    let store_id = fixture.store.id().await.unwrap();
    redis_command(&["DEL", &fixture.key("meta").await]).await;
    let follower = Follower {
        campaigns: Vec::new(),
        ..fixture.follower(in_redis(store_id, "two"))
    };
    tokio::spawn(follower.run(fixture.stop.clone()));
    wait_until("it follows", async || {
        let state = fixture.cache.state().await.unwrap();
        state.is_some_and(|state| state.position.token.is_some())
    })
    .await;
}

async fn redis_command(words: &[&str]) -> redis::Value {
    let client = redis::Client::open(variable("JORNADA_TEST_REDIS")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(*word);
    }
    command.query_async(&mut connection).await.unwrap()
}
