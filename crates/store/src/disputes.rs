//! Disputes: submissions whose number somebody else sent first. A table of their own, so that no list, count or search
//! of registrations contains them. One that ends without being kept leaves no personal data.

pub(crate) mod record;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;
use crate::handle::Store;
use crate::photos::buffer::BufferedPhotoKey;
use crate::photos::deletions::PendingPhotoDeletion;
use crate::records::{Condition, FieldChange, Query, ReadMode};
use jornada_domain::dispute::{Dispute, DisputeEnd, DisputeReceipt, DisputeState, MAX_DISPUTES};
use jornada_domain::{Campaign, CampaignId, ReceiptNumber, RegistrationId};
use record::{ClosedDispute, StoredDispute};

/// Maximum number of pending deletions that are counted.
const MAX_COUNTED: u32 = 1_000;
/// Time after which a dispute that is being kept may end all the same.
const KEEPING_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);
/// No text, for a field that is removed.
const NOTHING: Option<String> = None;

/// Outcome of inserting a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeOutcome {
    /// Inserted, as durably as a registration.
    Inserted,
    /// The same content was inserted before. Nothing was written.
    SameAgain(DisputeReceipt),
    /// As many disputes of the number are undecided as may be. Nothing was written.
    Full,
}

impl Store {
    /// Inserts a dispute unless its id exists, or [`MAX_DISPUTES`] of its number are undecided. Idempotent.
    pub async fn insert_dispute(
        &self,
        campaign: &Campaign,
        dispute: &Dispute,
    ) -> Result<DisputeOutcome> {
        let insert = async {
            let id = dispute.registration.id;
            for place in 0..MAX_DISPUTES {
                let record = StoredDispute::from_dispute(campaign, dispute, place);
                if self.insert_record(&record).await? {
                    return Ok(DisputeOutcome::Inserted);
                }
                // The id exists, or another dispute has this place.
                if let Some(receipt) = self.dispute_receipt_of(id).await? {
                    return Ok(DisputeOutcome::SameAgain(receipt));
                }
            }
            Ok(DisputeOutcome::Full)
        };
        self.time("insert_dispute", insert).await
    }

    /// Returns an undecided dispute of a campaign.
    pub async fn dispute(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<Dispute>> {
        let query = Query::new(is_open(&campaign.id, id));
        let found = self.find_record::<StoredDispute>(query);
        let found = self.time("dispute", found).await?;
        Ok(found.map(|found| found.into_dispute(campaign)))
    }

    /// Returns the answers of an undecided dispute by field name, see [`Store::answers`].
    pub async fn dispute_answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>> {
        let found = self.find_record::<StoredDispute>(Query::new(is_open(campaign, id)));
        let found = self.time("dispute_answers", found).await?;
        Ok(found.map(|found| found.answers).unwrap_or_default())
    }

    /// Returns what is known of the dispute with this id.
    pub async fn dispute_receipt_of(&self, id: RegistrationId) -> Result<Option<DisputeReceipt>> {
        let query = Query::new([Condition::is("id", id)]).read(ReadMode::Primary);
        let found = self.find_record::<ClosedDispute>(query);
        Ok(self
            .time("dispute_receipt", found)
            .await?
            .map(|it| it.receipt))
    }

    /// Returns the dispute with this receipt number.
    pub async fn dispute_receipt(
        &self,
        number: ReceiptNumber,
    ) -> Result<Option<(CampaignId, RegistrationId, DisputeReceipt)>> {
        let (least, greatest) = number.id_range();
        let range = [
            Condition::at_least("id", least),
            Condition::at_most("id", greatest),
        ];
        let found = self.find_record::<ClosedDispute>(Query::new(range));
        let found = self.time("dispute_receipt", found).await?;
        Ok(found.map(|it| (it.campaign, it.id, it.receipt)))
    }

    /// Returns up to `limit` undecided disputes of a campaign, oldest first: all, or those that are counted under one of
    /// these values, or contest a registration that is.
    pub async fn open_disputes(
        &self,
        campaign: &Arc<Campaign>,
        values: &[String],
        limit: u16,
    ) -> Result<Vec<Dispute>> {
        let mut conditions = vec![Vec::new()];
        if !values.is_empty() {
            let of_value =
                |value: &String| ["value", "rival"].map(|field| vec![Condition::is(field, value)]);
            conditions = values.iter().flat_map(of_value).collect();
        }
        let find = async {
            let mut found = BTreeMap::new();
            for condition in conditions {
                let open = all_open(&campaign.id).into_iter().chain(condition);
                let query = Query::new(open.collect::<Vec<_>>())
                    .sort(&[("received_at", 1)])
                    .limit(limit.into());
                for one in self.find_records::<StoredDispute>(query).await? {
                    found.insert((one.received_at, one.id), one.into_dispute(campaign));
                }
            }
            Ok(found.into_values().take(limit.into()).collect())
        };
        self.time("disputes", find).await
    }

    /// Returns up to `limit` undecided disputes with a photo.
    pub async fn disputes_with_photo(
        &self,
        campaign: &Arc<Campaign>,
        limit: u16,
    ) -> Result<Vec<Dispute>> {
        let mut with_photo = all_open(&campaign.id).to_vec();
        with_photo.extend(has_photo());
        let query = Query::new(with_photo).limit(limit.into());
        let found = self.find_records::<StoredDispute>(query);
        let found = self.time("disputes", found).await?.into_iter();
        Ok(found.map(|one| one.into_dispute(campaign)).collect())
    }

    /// Returns the undecided disputes of a number.
    pub async fn disputes_of_number(
        &self,
        campaign: &Arc<Campaign>,
        number: RegistrationId,
    ) -> Result<Vec<Dispute>> {
        let mut open = all_open(&campaign.id).to_vec();
        open.push(Condition::is("number", number));
        let found = self.find_records::<StoredDispute>(Query::new(open));
        let found = self.time("disputes", found).await?.into_iter();
        Ok(found.map(|one| one.into_dispute(campaign)).collect())
    }

    /// Notes that a dispute is being kept. Meanwhile it cannot [end](Self::end_dispute), so that its photo stays. Returns
    /// false if it is not undecided.
    pub async fn begin_keeping(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        since: Timestamp,
    ) -> Result<bool> {
        let keep = [FieldChange::set("keep_at", since)];
        let noted = self.update_records::<StoredDispute>(is_open(campaign, id), keep);
        Ok(self.time("begin_keeping", noted).await? > 0)
    }

    /// Notes that the attempt since that time did not keep the dispute. Idempotent.
    pub async fn cancel_keeping(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        since: Timestamp,
    ) -> Result<()> {
        let mut own = is_open(campaign, id).to_vec();
        own.push(Condition::is("keep_at", since));
        let cancel = [FieldChange::set("keep_at", NOTHING)];
        let cancelled = self.update_records::<StoredDispute>(own, cancel);
        self.time("cancel_keeping", cancelled).await.map(drop)
    }

    /// Ends a dispute that is not kept: removes all personal data and lists the photo as a pending deletion. Returns
    /// false if it is not undecided, or is being kept.
    pub async fn end_dispute(
        &self,
        campaign: &CampaignId,
        dispute: &Dispute,
        end: &DisputeEnd,
    ) -> Result<bool> {
        let photo = dispute.registration.photo.as_ref();
        let mut changes = vec![
            FieldChange::set("state", <&str>::from(end.state)),
            FieldChange::set("ended_at", end.at),
            FieldChange::set("ended_by", &end.by),
            FieldChange::set("reason", &end.reason),
        ];
        let personal = ["answers", "digest", "consent", "place_of_number", "keep_at"].into_iter();
        changes.extend(personal.map(|field| FieldChange::set(field, NOTHING)));
        changes.extend(photo.map(|_| FieldChange::set("remove_at", end.at)));
        // A decision to keep it that began so long ago has failed.
        let long_ago = end.at - KEEPING_TIMEOUT;
        let idle = [
            Condition::is("keep_at", NOTHING),
            Condition::at_most("keep_at", long_ago),
        ];
        let update = async {
            for idle in idle {
                let mut open = is_open(campaign, dispute.registration.id).to_vec();
                open.push(idle);
                let changes = changes.clone();
                if self.update_records::<StoredDispute>(open, changes).await? > 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        self.time("end_dispute", update).await
    }

    /// Removes a dispute that has become a registration. Idempotent.
    pub async fn remove_dispute(&self, id: RegistrationId) -> Result<()> {
        let removed = self.delete_records::<StoredDispute>([Condition::is("id", id)]);
        self.time("remove_dispute", removed).await.map(drop)
    }

    /// Removes the photo from an undecided dispute and lists it as a pending deletion. Returns false if it has none.
    pub async fn mark_dispute_photo_erased(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool> {
        let mut with_photo = is_open(campaign, id).to_vec();
        with_photo.extend(has_photo());
        let erase = [FieldChange::set("remove_at", at)];
        let erased = self.update_records::<StoredDispute>(with_photo, erase);
        Ok(self.time("erase_dispute_photo", erased).await? > 0)
    }

    /// Returns ended disputes in order of their ids, from after this one, see [`Store::erased_registrations`].
    pub async fn ended_disputes(
        &self,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<(CampaignId, RegistrationId, DisputeState)>> {
        let mut conditions = vec![Condition::above("ended_at", Timestamp::UNIX_EPOCH)];
        conditions.extend(after.map(|id| Condition::above("id", id)));
        let query = Query::new(conditions)
            .sort(&[("id", 1)])
            .limit(limit.into());
        let found = self.find_records::<ClosedDispute>(query);
        let found = self.time("ended_disputes", found).await?.into_iter();
        Ok(found
            .map(|it| (it.campaign, it.id, it.receipt.state))
            .collect())
    }

    /// Returns whether a photo belongs to a dispute.
    pub(crate) async fn is_photo_disputed(&self, photo: BufferedPhotoKey) -> Result<bool> {
        let query = Query::new([
            Condition::is("id", photo.id),
            Condition::is("photo_sha256", photo.sha256),
            Condition::is("received_at", photo.received_at),
        ]);
        let query = query.read(ReadMode::Primary);
        Ok(self.find_record::<ClosedDispute>(query).await?.is_some())
    }

    pub(crate) async fn pending_dispute_photos(
        &self,
        until: Timestamp,
        limit: u8,
    ) -> Result<Vec<PendingPhotoDeletion>> {
        let query = Query::new([Condition::at_most("remove_at", until)])
            .sort(&[("remove_at", 1)])
            .limit(limit.into());
        let found: Vec<ClosedDispute> = self.find_records(query).await?;
        let pending = found
            .into_iter()
            .filter_map(ClosedDispute::into_pending_deletion);
        Ok(pending.collect())
    }

    pub(crate) async fn count_pending_dispute_photos(&self) -> Result<u64> {
        let pending = [Condition::above("remove_at", Timestamp::UNIX_EPOCH)];
        let query = Query::new(pending).limit(MAX_COUNTED);
        let query = query.read(ReadMode::Primary);
        Ok(self.find_records::<ClosedDispute>(query).await?.len() as u64)
    }

    pub(crate) async fn mark_dispute_photo_deleted(&self, id: RegistrationId) -> Result<()> {
        let pending = [
            Condition::is("id", id),
            Condition::above("remove_at", Timestamp::UNIX_EPOCH),
        ];
        let gone = [
            "photo_sha256",
            "photo_extension",
            "photo_bytes",
            "remove_at",
        ];
        let gone = gone.map(|field| FieldChange::set(field, NOTHING));
        let marked = self.update_records::<StoredDispute>(pending, gone);
        marked.await.map(drop)
    }
}

fn all_open(campaign: &CampaignId) -> [Condition; 2] {
    [
        Condition::is("campaign", campaign.as_str()),
        Condition::is("state", <&str>::from(DisputeState::Open)),
    ]
}

fn has_photo() -> [Condition; 2] {
    [
        Condition::above("photo_bytes", 0),
        Condition::is("remove_at", NOTHING),
    ]
}

fn is_open(campaign: &CampaignId, id: RegistrationId) -> [Condition; 3] {
    let [campaign, state] = all_open(campaign);
    [Condition::is("id", id), campaign, state]
}
