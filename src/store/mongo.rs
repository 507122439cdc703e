//! Stub.
use super::{Batches, Change, FeedError, Kept, Position, Receipt, Snapshot, StoreError};
use crate::domain::{Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId};
use jiff::Timestamp;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// Store.
#[derive(Clone, Debug)]
pub struct MongoStore;
/// Feed.
#[derive(Debug)]
pub struct MongoFeed;
impl MongoFeed {
    pub(super) async fn next(&mut self, _: Duration) -> Result<Vec<Change>, FeedError> {
        unimplemented!()
    }
}
impl MongoStore {
    pub(super) async fn open(_uri: &SecretString) -> Result<Self, StoreError> {
        unimplemented!()
    }
    pub(super) async fn keep(&self, _: &Campaign, _: &Registration) -> Result<Kept, StoreError> {
        unimplemented!()
    }
    pub(super) async fn receipt(&self, _: ReceiptNumber) -> Result<Option<Receipt>, StoreError> {
        unimplemented!()
    }
    pub(super) async fn registration(
        &self,
        _: &Campaign,
        _: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        unimplemented!()
    }
    pub(super) async fn count(&self, _: &CampaignId, _: Option<&str>) -> Result<u64, StoreError> {
        unimplemented!()
    }
    pub(super) async fn registrations(
        &self,
        _: &Arc<Campaign>,
        _: Option<&str>,
    ) -> Result<Batches, StoreError> {
        unimplemented!()
    }
    pub(super) async fn snapshot(&self, _: &CampaignId) -> Result<Snapshot, StoreError> {
        unimplemented!()
    }
    pub(super) async fn feed(&self, _: &CampaignId, _: &Position) -> Result<MongoFeed, FeedError> {
        unimplemented!()
    }
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
    pub(super) async fn add_token(
        &self,
        _: &[u8; 32],
        _: &str,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }
    pub(super) async fn token_name(&self, _: &[u8; 32]) -> Result<Option<String>, StoreError> {
        unimplemented!()
    }
}
