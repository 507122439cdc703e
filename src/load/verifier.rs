//! Verifies a run: each acknowledged registration is stored once and as sent, its photo can be read, and the public
//! totals match the store. Relies on journal, store and site only, not on the state of the load process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use url::Url;

use super::client::read_body;
use super::journal::JournalContents;
use super::people::People;
use super::verification_report::{StoredByPerson, VerificationReport};
use jornada_domain::tally::{MergedTally, PublicTally, TallyRow};
use jornada_domain::{Campaign, Registration, RegistrationSelection};
use jornada_objects::{ObjectError, ObjectKey, ObjectStore};
use jornada_service::tally::counts::CampaignCounts;
use jornada_service::tally::snapshot_counter::count_campaigns;
use jornada_store::{Store, StoreError};

/// Polling interval while waiting for a buffered photo or for totals to catch up.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Concurrent photo reads.
const PHOTO_CONCURRENCY: usize = 16;
/// Consecutive matches required of the totals: behind nginx each response may come from another instance.
const REQUIRED_MATCHES: u32 = 6;

/// Sources of a verification.
#[derive(Debug)]
pub struct Verifier {
    /// Store of the instances.
    pub store: Store,
    /// Object store of the instances.
    pub objects: ObjectStore,
    /// People of the run.
    pub people: People,
    /// URL of the public totals.
    pub chart_url: Url,
    /// Client for the totals.
    pub http: reqwest::Client,
    /// Time limit for photos and totals to become correct.
    pub time_limit: Duration,
}

impl Verifier {
    /// Compares a journal with store, photos and public totals.
    pub async fn verify(
        &self,
        journal: &JournalContents,
    ) -> Result<VerificationReport, StoreError> {
        let stored = self.read_stored().await?;
        let mut report = VerificationReport::compare(journal, &stored, &self.people);
        let deadline = Instant::now() + self.time_limit;
        report.photos = self.find_missing_photos(journal, &stored, deadline).await;
        report.chart_differs = !self.wait_for_chart(deadline).await?;
        let campaign = &self.people.campaign().id;
        report.total = self
            .store
            .count(campaign, &RegistrationSelection::all())
            .await?;
        Ok(report)
    }

    async fn read_stored(&self) -> Result<StoredByPerson, StoreError> {
        let mut stored = StoredByPerson::new();
        let (campaign, all) = (self.people.campaign(), RegistrationSelection::all());
        let mut list = self.store.registrations(campaign, &all).await?;
        while let Some(batch) = list.next().await? {
            for registration in batch {
                if let Some(number) = self.people.number_of(&registration.answers) {
                    stored.entry(number).or_default().push(registration);
                }
            }
        }
        Ok(stored)
    }

    /// Returns the receipts whose photo cannot be read, with the reason.
    async fn find_missing_photos(
        &self,
        journal: &JournalContents,
        stored: &StoredByPerson,
        deadline: Instant,
    ) -> Vec<String> {
        let stored = journal.acknowledged.iter().filter_map(|record| {
            let registration = stored.get(&record.number)?.first()?;
            Some((record.receipt.as_str(), registration))
        });
        stream::iter(stored)
            .map(async |(receipt, registration)| {
                let missing = self.wait_for_photo(registration, deadline).await.err()?;
                Some(format!("{receipt}: {missing}"))
            })
            .buffer_unordered(PHOTO_CONCURRENCY)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    /// Reads a photo, retrying until `deadline`. The object store checks it against the SHA-256 in its key.
    async fn wait_for_photo(
        &self,
        registration: &Registration,
        deadline: Instant,
    ) -> Result<(), String> {
        let Some(photo) = &registration.photo else {
            return Ok(());
        };
        let key = ObjectKey::for_photo(registration, photo);
        loop {
            let why = match self.objects.get(&key).await {
                Ok(Some(_)) => return Ok(()),
                Err(altered @ ObjectError::Altered) => return Err(altered.to_string()),
                Ok(None) => "photo not found".to_owned(),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                return Err(why);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until the public totals match the store several times in a row.
    async fn wait_for_chart(&self, deadline: Instant) -> Result<bool, StoreError> {
        let mut right = 0;
        while right < REQUIRED_MATCHES {
            let totals = self.count_store().await?;
            if self.read_chart().await == Some(totals) {
                right += 1;
                continue;
            }
            right = 0;
            if Instant::now() > deadline {
                return Ok(false);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(true)
    }

    /// Returns what the public chart must list, counted in the store, by counted value.
    async fn count_store(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let campaign = self.people.campaign();
        let (counted, _) = count_campaigns(&self.store, vec![Arc::clone(campaign)]).await?;
        let counts = counted.into_iter().flat_map(|(_, counts)| counts).collect();
        Ok(public_totals(campaign, &counts))
    }

    async fn read_chart(&self) -> Option<BTreeMap<String, u64>> {
        let mut answer = self.http.get(self.chart_url.clone()).send().await.ok()?;
        let body = read_body(&mut answer).await?;
        let chart: ChartReply = serde_json::from_slice(&body).ok()?;
        let field = self.people.campaign().tally_field();
        let count = |one: ChartReplyValue| (field.tally_value(&one.value), one.count);
        Some(chart.values.into_iter().map(count).collect())
    }
}

/// Returns what the public chart lists of these counts, by counted value.
fn public_totals(campaign: &Campaign, counts: &CampaignCounts) -> BTreeMap<String, u64> {
    let tally = campaign.public_tallies().next();
    let Some((tally, counts)) = tally.and_then(|tally| Some((tally, counts.get(&tally.id)?)))
    else {
        return BTreeMap::new();
    };
    let merged = MergedTally::new(&campaign.fields, tally, counts);
    let public = PublicTally::new(&campaign.fields, tally, &merged, None);
    let row = |row: &TallyRow| (row.key.concat(), row.count);
    public.rows().map(row).collect()
}

#[derive(Deserialize)]
struct ChartReply {
    values: Vec<ChartReplyValue>,
}

#[derive(Deserialize)]
struct ChartReplyValue {
    value: String,
    count: u64,
}
