//! Registrations in MongoDB, one document each.

pub(super) mod document;
mod list;

use std::collections::BTreeMap;

use mongodb::bson::{DateTime, Document, RawDocumentBuf, doc};

use super::Receipt;
use crate::error::Result;
use crate::mongo::convert::{binary, moment};
use crate::mongo::handle::MongoStore;
use crate::mongo::indexes::list_index_hint;
use crate::time_limit::{COUNT_TIMEOUT, PING_TIMEOUT, in_time, with_timeout};
use jornada_domain::{
    Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, RegistrationSelection,
};

impl MongoStore {
    pub(crate) async fn receipt(&self, number: ReceiptNumber) -> Result<Option<Receipt>> {
        let (least, greatest) = number.id_range();
        let range = doc! { "$gte": binary(least.as_bytes()), "$lte": binary(greatest.as_bytes()) };
        // Tombstones and aliases have no `campaign`.
        let filter = doc! { "_id": range, "campaign": { "$exists": true } };
        let shown = doc! { "campaign": 1, "value": 1, "received_at": 1 };
        let found = self.find_soon(&self.registrations, filter, Some(shown));
        let found = found.await?;
        found.as_deref().map(document::receipt).transpose()
    }

    pub(crate) async fn registration(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>> {
        let find = || self.registrations.find_one(id_filter(&campaign.id, id));
        let found = in_time(self.primary.read(find)).await?;
        let read = |found| document::registration(campaign, found);
        found.as_deref().map(read).transpose()
    }

    pub(crate) async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>> {
        let find = || {
            let find = self.registrations.find_one(id_filter(campaign, id));
            find.projection(doc! { "answers": 1 })
        };
        let found = in_time(self.primary.read(find)).await?;
        let read = |found: RawDocumentBuf| document::answers(&found);
        found.map(read).transpose().map(Option::unwrap_or_default)
    }

    pub(crate) async fn count(
        &self,
        campaign: &CampaignId,
        selection: &RegistrationSelection,
    ) -> Result<u64> {
        let filter = selection_filter(campaign, selection);
        let count = self.registrations.count_documents(filter);
        with_timeout(COUNT_TIMEOUT, count.hint(list_index_hint())).await
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        let ping = self.run_on_primary(PING_TIMEOUT, doc! { "ping": 1 });
        ping.await.map(drop)
    }
}

/// Matches one registration of a campaign.
pub(super) fn id_filter(campaign: &CampaignId, id: RegistrationId) -> Document {
    doc! { "_id": binary(id.as_bytes()), "campaign": campaign.as_str() }
}

/// Matches times of arrival from the first bound (inclusive) until the second (exclusive).
pub(super) fn insert_period(filter: &mut Document, bounds: [Option<DateTime>; 2]) {
    let named = ["$gte", "$lt"].into_iter().zip(bounds);
    let period: Document = named
        .filter_map(|(bound, at)| Some((bound.to_owned(), at?.into())))
        .collect();
    if !period.is_empty() {
        filter.insert("received_at", period);
    }
}

/// Returns the filter of a selection; the index covers all of it.
pub(crate) fn selection_filter(
    campaign: &CampaignId,
    selection: &RegistrationSelection,
) -> Document {
    let mut filter = doc! { "campaign": campaign.as_str() };
    if let Some(value) = &selection.tally_value {
        filter.insert("value", value);
    }
    let bounds = [selection.from.map(moment), selection.until.map(moment)];
    insert_period(&mut filter, bounds);
    filter
}
