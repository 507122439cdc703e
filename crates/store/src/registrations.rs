//! Registrations: read, counted, listed. The folder has their inserts, searches, updates and statistics.

mod insert;
pub(crate) mod mongo;
pub mod search;
pub(crate) mod sqlite;
mod statistics;
mod stream;
pub(crate) mod updates;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::Result;
use super::handle::{Store, dispatch};
use jornada_domain::{
    Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, RegistrationSelection,
};

pub use insert::NewRegistration;
pub(crate) use mongo::document::{
    answers as answers_by_name, answers_by_field, answers_to_document,
};
pub(crate) use sqlite::answers_from_json;
pub use stream::RegistrationStream;
pub use updates::{DeletedRegistration, UpdateOutcome};

/// Contents of a receipt; no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Registration.
    pub id: RegistrationId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Tallied value.
    pub tally_value: String,
    /// Time of arrival.
    pub received_at: Timestamp,
}

impl Store {
    /// Returns the contents of the receipt with this number.
    pub async fn receipt(&self, number: ReceiptNumber) -> Result<Option<Receipt>> {
        dispatch!("receipt", self.receipt(number))
    }

    /// Returns one registration of a campaign.
    pub async fn registration(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<Registration>> {
        dispatch!("registration", self.registration(campaign, id))
    }

    /// Returns the answers of a registration by field name, including fields that the campaign no longer has.
    pub async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>> {
        dispatch!("answers", self.answers(campaign, id))
    }

    /// Counts the selected registrations of a campaign.
    pub async fn count(
        &self,
        campaign: &CampaignId,
        selection: &RegistrationSelection,
    ) -> Result<u64> {
        dispatch!("count", self.count(campaign, selection))
    }

    /// Streams the selected registrations: those of one value by arrival (time, then id), those of all values by value
    /// (byte order), then arrival.
    ///
    /// Returns everything inserted before this call exactly once. Of what is inserted during the read, SQLite returns
    /// nothing (one read transaction); MongoDB may return some, each complete and once (majority reads along an
    /// index).
    pub async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &RegistrationSelection,
    ) -> Result<RegistrationStream> {
        dispatch!("registrations", self.registrations(campaign, selection))
    }
}
