//! Verifies a run: each acknowledged registration is stored once and as sent, its photo can be read, and the public
//! totals match the store. Relies on journal, store and site only, not on the state of the load process.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use url::Url;

use super::client::whole;
use super::findings::{Findings, Kept};
use super::journal::Promises;
use super::people::People;
use crate::domain::{Registration, Selection};
use crate::photo::{PhotoKey, Photos, PhotosError};
use crate::store::{Store, StoreError};

/// Polling interval while waiting for a buffered photo or for totals to catch up.
const TICK: Duration = Duration::from_millis(500);
/// Concurrent photo reads.
const PHOTOS_AT_ONCE: usize = 16;
/// Consecutive matches required of the totals: behind nginx each response may come from another instance.
const LOOKS: u32 = 6;

/// Sources of a verification.
#[derive(Debug)]
pub struct Proof {
    /// Store of the instances.
    pub store: Store,
    /// Object store of the instances.
    pub photos: Photos,
    /// People of the run.
    pub people: People,
    /// URL of the public totals.
    pub chart: Url,
    /// Client for the totals.
    pub http: reqwest::Client,
    /// Time limit for photos and totals to become correct.
    pub within: Duration,
}

impl Proof {
    /// Compares a journal with store, photos and public totals.
    pub async fn judge(&self, promises: &Promises) -> Result<Findings, StoreError> {
        let kept = self.kept().await?;
        let mut findings = Findings::of(promises, &kept, &self.people);
        let deadline = Instant::now() + self.within;
        findings.photos = self.photos_missing(promises, &kept, deadline).await;
        findings.chart_differs = !self.chart_is_right(deadline).await?;
        findings.total = self
            .store
            .count(&self.people.campaign().id, &Selection::all())
            .await?;
        Ok(findings)
    }

    async fn kept(&self) -> Result<Kept, StoreError> {
        let mut kept = Kept::new();
        let campaign = self.people.campaign();
        let mut list = self
            .store
            .registrations(campaign, &Selection::all())
            .await?;
        while let Some(batch) = list.next().await? {
            for registration in batch {
                if let Some(number) = self.people.number(&registration.answers) {
                    kept.entry(number).or_default().push(registration);
                }
            }
        }
        Ok(kept)
    }

    /// Returns the receipts whose photo cannot be read, with the reason.
    async fn photos_missing(
        &self,
        promises: &Promises,
        kept: &Kept,
        deadline: Instant,
    ) -> Vec<String> {
        let kept = promises.acknowledged.iter().filter_map(|promise| {
            let registration = kept.get(&promise.number)?.first()?;
            Some((promise.receipt.as_str(), registration))
        });
        stream::iter(kept)
            .map(async |(receipt, registration)| {
                let missing = self.photo_is_there(registration, deadline).await.err()?;
                Some(format!("{receipt}: {missing}"))
            })
            .buffer_unordered(PHOTOS_AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    /// Reads a photo, retrying until `deadline`. The object store checks it against the SHA-256 in its key.
    async fn photo_is_there(
        &self,
        registration: &Registration,
        deadline: Instant,
    ) -> Result<(), String> {
        let Some(photo) = &registration.photo else {
            return Ok(());
        };
        let key = PhotoKey::of(&registration.campaign, registration.id, photo);
        let key = key.ok_or("unknown photo format")?;
        loop {
            let why = match self.photos.get(&key).await {
                Ok(Some(_)) => return Ok(()),
                Err(altered @ PhotosError::Altered) => return Err(altered.to_string()),
                Ok(None) => "photo not found".to_owned(),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                return Err(why);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until the public totals match the store several times in a row.
    async fn chart_is_right(&self, deadline: Instant) -> Result<bool, StoreError> {
        let mut right = 0;
        while right < LOOKS {
            let held = self
                .store
                .snapshot(&self.people.campaign().id)
                .await?
                .totals;
            if self.charted().await == Some(held) {
                right += 1;
                continue;
            }
            right = 0;
            if Instant::now() > deadline {
                return Ok(false);
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(true)
    }

    async fn charted(&self) -> Option<BTreeMap<String, u64>> {
        let mut answer = self.http.get(self.chart.clone()).send().await.ok()?;
        let body = whole(&mut answer).await?;
        let chart: Chart = serde_json::from_slice(&body).ok()?;
        let values = chart.values.into_iter();
        Some(values.map(|count| (count.value, count.count)).collect())
    }
}

#[derive(Deserialize)]
struct Chart {
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    value: String,
    count: u64,
}
