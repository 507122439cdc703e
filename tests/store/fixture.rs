//! Fixture of the cases: a fresh store of either kind, a campaign, and registrations for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jornada_domain::history::{Deletion, RegistrationHistory};
use jornada_domain::registration::{PhotoRef, UniqueKey};
use jornada_domain::{
    Answers, Campaign, CampaignId, FormData, Registration, RegistrationId, RegistrationSelection,
};
use jornada_photo::PhotoFormat;
use jornada_store::{
    Feed, FeedBatch, FeedError, FeedPosition, InsertOutcome, NewRegistration, Store, StoreError,
    StoreSetting,
};
use tempfile::TempDir;

use jornada_testkit::{campaign::EXAMPLE, servers};

/// Totals by city, at one position of the feed.
#[derive(Debug)]
pub struct Snapshot {
    pub totals: BTreeMap<String, u64>,
    pub position: FeedPosition,
}

/// Change of the total of one city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub campaign: CampaignId,
    pub tally_value: String,
    pub delta: i64,
    pub position: FeedPosition,
}

/// A store of its own, deleted after the case.
pub struct StoreFixture {
    pub setting: StoreSetting,
    pub store: Store,
    pub campaign: Arc<Campaign>,
    folder: Option<TempDir>,
}

impl StoreFixture {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setting = StoreSetting::Sqlite(folder.path().join("data/jornada.db"));
        Self::on(setting, Some(folder)).await
    }

    pub async fn mongodb() -> Self {
        let address = mongodb_address(&servers::variable("JORNADA_TEST_MONGODB"));
        Self::on(StoreSetting::Mongo(address.into()), None).await
    }

    /// Opens a store with this setting.
    pub async fn open(setting: StoreSetting) -> Self {
        Self::on(setting, None).await
    }

    async fn on(setting: StoreSetting, folder: Option<TempDir>) -> Self {
        Self {
            store: Store::open(&setting).await.unwrap(),
            setting,
            campaign: campaign("vacunacion"),
            folder,
        }
    }

    /// Opens the store once more, as another instance does.
    pub async fn reopen(&self) -> Store {
        Store::open(&self.setting).await.unwrap()
    }

    /// Returns the database behind the store, to manipulate it.
    pub async fn database(&self) -> mongodb::Database {
        let StoreSetting::Mongo(address) = &self.setting else {
            panic!("this is no MongoDB");
        };
        let address = secrecy::ExposeSecret::expose_secret(address);
        let client = mongodb::Client::with_uri_str(address).await.unwrap();
        client.default_database().unwrap()
    }

    pub async fn remove(self) {
        if self.folder.is_none() {
            self.database().await.drop().await.unwrap();
        }
    }

    /// Inserts `count` registrations, with these values in turn, a millisecond apart.
    pub async fn fill(&self, count: usize, values: &[&str]) -> Vec<Registration> {
        let mut stored = Vec::new();
        for number in 0..count {
            let value = values[number % values.len()];
            let millisecond = i64::try_from(number).unwrap();
            let one = registration(&self.campaign, &format!("{number}"), value, millisecond);
            self.insert(&one).await;
            stored.push(one);
        }
        stored
    }

    pub async fn insert(&self, one: &Registration) -> InsertOutcome {
        insert(&self.store, &self.campaign, one).await.unwrap()
    }

    /// Inserts a batch. Each record must have an outcome.
    pub async fn insert_all(&self, all: &[Registration]) -> Vec<InsertOutcome> {
        let batch = all.iter().map(|one| record(&self.campaign, one)).collect();
        let outcomes = self.store.insert(batch).await.into_iter();
        outcomes.map(Result::unwrap).collect()
    }

    pub async fn history(&self, id: RegistrationId) -> Option<RegistrationHistory> {
        self.store.history(&self.campaign, id).await.unwrap()
    }

    pub async fn snapshot(&self) -> Snapshot {
        snapshot(&self.store, &self.campaign).await.unwrap()
    }

    pub async fn feed(&self, from: &FeedPosition) -> Feed {
        self.store.feed(from).await.unwrap()
    }

    pub async fn count(&self, selection: &RegistrationSelection) -> u64 {
        let campaign = &self.campaign.id;
        self.store.count(campaign, selection).await.unwrap()
    }

    /// Returns the complete list of a value, or of all values.
    pub async fn list(&self, value: Option<&str>) -> Vec<Registration> {
        let selection =
            value.map_or_else(RegistrationSelection::all, RegistrationSelection::for_value);
        self.selected(&selection).await
    }

    /// Returns the complete list of a selection.
    pub async fn selected(&self, selection: &RegistrationSelection) -> Vec<Registration> {
        let mut batches = self
            .store
            .registrations(&self.campaign, selection)
            .await
            .unwrap();
        let mut all = Vec::new();
        while let Some(batch) = batches.next().await.unwrap() {
            assert!(!batch.is_empty());
            all.extend(batch);
        }
        all
    }
}

/// Returns a registration to insert.
pub fn record(campaign: &Arc<Campaign>, one: &Registration) -> NewRegistration {
    NewRegistration {
        campaign: Arc::clone(campaign),
        registration: one.clone(),
    }
}

/// Inserts a batch of one.
pub async fn insert(
    store: &Store,
    campaign: &Arc<Campaign>,
    one: &Registration,
) -> Result<InsertOutcome, StoreError> {
    let outcomes = store.insert(vec![record(campaign, one)]).await;
    let [outcome] = outcomes.try_into().unwrap();
    outcome
}

/// Returns the address of a test server with a random database name.
pub fn mongodb_address(server: &str) -> String {
    let (server, options) = server.split_once('?').unwrap_or((server, ""));
    let name = servers::random_name();
    format!("{}/test-{name}?{options}", server.trim_end_matches('/'))
}

pub fn campaign(id: &str) -> Arc<Campaign> {
    let list =
        |_: &str| Ok("name,region\nBogotá,Bogotá D.C.\nCali,Valle\nPasto,Nariño\n".to_owned());
    let file = EXAMPLE.replacen("vacunacion", id, 1);
    Arc::new(Campaign::parse(&file, list).unwrap())
}

/// A registration of `key`, received `millisecond` after a time in 2026.
pub fn registration(campaign: &Campaign, key: &str, value: &str, millisecond: i64) -> Registration {
    named(campaign, key, &format!("Persona {key}"), value, millisecond)
}

pub fn named(
    campaign: &Campaign,
    key: &str,
    name: &str,
    value: &str,
    millisecond: i64,
) -> Registration {
    let text = |text: &str| Some(text.to_owned());
    let answers = Answers::from_stored(vec![text(name), text(key), text(value), None]);
    let sha256 = [7; 32];
    Registration {
        id: RegistrationId::derive(&[1; 32], &campaign.id, &UniqueKey::Answer(key.to_owned())),
        campaign: campaign.id.clone(),
        digest: answers.digest(campaign, Some(&sha256)),
        answers,
        tally_value: value.to_owned(),
        photo: Some(PhotoRef {
            sha256,
            format: PhotoFormat::Jpeg,
            bytes: 51_234,
        }),
        received_at: Timestamp::from_millisecond(1_795_000_000_000 + millisecond).unwrap(),
    }
}

/// Returns `read` with a correction.
pub fn corrected(
    campaign: &Campaign,
    read: &RegistrationHistory,
    parts: &[(&str, &str)],
) -> RegistrationHistory {
    let part = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let typed = FormData {
        parts: parts.iter().map(part).collect(),
        has_photo: false,
    };
    let now = Timestamp::from_millisecond(1_795_000_100_000).unwrap();
    let better = read.correct(campaign, &typed, "account:1", "mal escrito", now);
    better.unwrap().unwrap()
}

/// Returns a deletion of `read`.
pub fn deletion(read: &RegistrationHistory) -> Deletion {
    let now = Timestamp::from_millisecond(1_795_000_200_000).unwrap();
    read.delete("account:1", "lo pidió la persona".into(), now)
}

/// Counts a campaign by its only counted field.
pub async fn snapshot(store: &Store, campaign: &Arc<Campaign>) -> Result<Snapshot, StoreError> {
    let counts = BTreeMap::<Vec<String>, u64>::new();
    let (counts, position) = store.snapshot(vec![(Arc::clone(campaign), counts)]).await?;
    let totals = counts.into_iter().flatten();
    Ok(Snapshot {
        totals: totals
            .map(|(answers, count)| (answers.concat(), count))
            .collect(),
        position,
    })
}

/// Returns the changes of a batch, one for each city.
pub fn changes(batch: FeedBatch) -> Vec<Change> {
    let mut changes = Vec::new();
    for change in batch.changes {
        changes.extend(change.delta.counts.iter().map(|(answers, delta)| Change {
            campaign: change.delta.campaign.clone(),
            tally_value: answers.concat(),
            delta: *delta,
            position: change.position.clone(),
        }));
    }
    changes
}

/// Polls until there are no more changes.
pub async fn drain(feed: &mut Feed) -> Result<Vec<Change>, FeedError> {
    let mut all = Vec::new();
    loop {
        let batch = feed.next(Duration::ZERO).await?;
        if batch.changes.is_empty() {
            assert!(batch.is_complete);
            return Ok(all);
        }
        all.extend(changes(batch));
    }
}
