//! Corrections and deletions. Each is one transaction, together with alias, feed, delta and the campaign's revision.
//! It applies only to the version that was read.

pub(crate) mod mongo;
pub(crate) mod sqlite;

use std::sync::Arc;

use crate::deltas::Delta;
use crate::error::Result;
use crate::handle::{Store, dispatch};
use crate::records::{Condition, FieldChange, Fields, Query, ReadMode, Record, Table};
use crate::time_limit::COUNT_TIMEOUT;
use jornada_domain::history::{Deletion, DeletionCause, RegistrationHistory};
use jornada_domain::{Campaign, CampaignId, ReceiptNumber, RegistrationId};

/// Outcome of a correction or deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// Written, as durably as a registration.
    Updated,
    /// The registration was corrected or deleted after it was read. Nothing was written.
    Stale,
    /// The new unique answer identifies another registration. Nothing was written.
    AliasTaken,
    /// The registration has as many aliases as it may. Nothing was written.
    TooManyAliases,
}

/// A deleted registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedRegistration {
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its id; not personal data.
    pub id: RegistrationId,
    /// Cause of the deletion.
    pub cause: DeletionCause,
}

/// Number of corrections and deletions in a campaign.
struct Revision(u64);

impl Record for Revision {
    const TABLE: Table = Table::new("revisions", "campaign");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        fields.take("revision").map(Self)
    }
}

impl Record for Deletion {
    const TABLE: Table = Table {
        part: Some("gone"),
        ..Table::new("tombstones", "id")
    };

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            at: fields.take("at")?,
            by: fields.take("by")?,
            reason: fields.take("reason")?,
            tally_value: fields.take("value")?,
            cause: read_cause(&mut fields)?,
        })
    }
}

impl Record for DeletedRegistration {
    const TABLE: Table = Deletion::TABLE;

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            campaign: fields.parse("campaign", CampaignId::parse)?,
            id: fields.take("id")?,
            cause: read_cause(&mut fields)?,
        })
    }
}

fn read_cause(fields: &mut Fields) -> Result<DeletionCause> {
    let cause = fields.parse_optional("cause", |cause| cause.parse().ok())?;
    Ok(cause.unwrap_or(DeletionCause::Requested))
}

/// The registration that owns an alias.
pub(crate) struct AliasOwner(pub(crate) RegistrationId);

impl Record for AliasOwner {
    const TABLE: Table = Table {
        part: Some("claim"),
        renamed: Some(("owner", "of")),
        ..Table::new("claims", "id")
    };

    fn from_fields(mut fields: Fields) -> Result<Self> {
        fields.take("owner").map(Self)
    }
}

/// An alias.
struct AliasId(RegistrationId);

impl Record for AliasId {
    const TABLE: Table = AliasOwner::TABLE;

    fn from_fields(mut fields: Fields) -> Result<Self> {
        fields.take("id").map(Self)
    }
}

impl Store {
    /// Returns a registration with its corrections.
    pub async fn history(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<RegistrationHistory>> {
        dispatch!("record", self.history(campaign, id))
    }

    /// Stores the last correction of `corrected` if the registration is unchanged since `read`. With an alias, also
    /// reserves that id for good: registering under it is rejected. If the outcome is unknown, read the registration
    /// again.
    pub async fn correct(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        corrected: &RegistrationHistory,
        alias: Option<RegistrationId>,
    ) -> Result<UpdateOutcome> {
        let Some(correction) = corrected.corrections.last() else {
            return Ok(UpdateOutcome::Updated);
        };
        dispatch!(
            "correct",
            self.correct(campaign, read, corrected, correction, alias)
        )
    }

    /// Replaces a registration with a tombstone if it is unchanged since `read`. The tombstone holds no personal data,
    /// reserves the id and lists the photo as a pending deletion. Of a false entry it holds the digest, and the aliases
    /// are free again. If the outcome is unknown, read the registration again.
    pub async fn delete(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        deletion: &Deletion,
    ) -> Result<UpdateOutcome> {
        dispatch!("delete", self.delete(campaign, read, deletion))
    }

    /// Returns who deleted a registration, when and why.
    pub async fn deletion(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<Option<Deletion>> {
        let tombstone = [
            Condition::is("id", id),
            Condition::is("campaign", campaign.as_str()),
        ];
        let query = Query::new(tombstone);
        self.time("deletion", self.find_record(query)).await
    }

    /// Returns the registration that owns an alias.
    pub async fn alias_owner(&self, alias: RegistrationId) -> Result<Option<RegistrationId>> {
        let query = Query::new([Condition::is("id", alias)]);
        let found = self.time("claimant", self.find_record(query)).await?;
        Ok(found.map(|AliasOwner(owner)| owner))
    }

    /// Returns the aliases of a registration, up to `limit`.
    pub async fn aliases(&self, owner: RegistrationId, limit: u8) -> Result<Vec<RegistrationId>> {
        let query = Query::new([Condition::is("owner", owner)]).limit(limit.into());
        let query = query.read(ReadMode::Primary);
        let found = self.time("aliases", self.find_records(query)).await?;
        Ok(found.into_iter().map(|AliasId(alias)| alias).collect())
    }

    /// Reserves an id as alias of a registration, which need not exist yet. Returns false if the id exists, unless it is
    /// that alias already.
    pub async fn add_alias(
        &self,
        campaign: &CampaignId,
        alias: RegistrationId,
        owner: RegistrationId,
    ) -> Result<bool> {
        dispatch!("add_alias", self.add_alias(campaign, alias, owner))
    }

    /// Removes an alias of a registration. Idempotent.
    pub async fn remove_alias(&self, alias: RegistrationId, owner: RegistrationId) -> Result<()> {
        let claim = [Condition::is("id", alias), Condition::is("owner", owner)];
        let removed = self.delete_records::<AliasOwner>(claim);
        self.time("remove_alias", removed).await.map(drop)
    }

    /// Frees the number of a registration whose deletion was requested, and its aliases. Idempotent.
    pub async fn lift_deletion(&self, campaign: &CampaignId, id: RegistrationId) -> Result<bool> {
        let lift = async {
            let tombstone = [
                Condition::is("id", id),
                Condition::is("campaign", campaign.as_str()),
            ];
            let lifted = [FieldChange::set("cause", DeletionCause::Lifted.to_string())];
            if self.update_records::<Deletion>(tombstone, lifted).await? == 0 {
                return Ok(false);
            }
            let aliases = [Condition::is("owner", id)];
            self.delete_records::<AliasOwner>(aliases).await?;
            Ok(true)
        };
        self.time("lift", lift).await
    }

    /// Returns the deleted registration with this receipt number.
    pub async fn deleted_registration(
        &self,
        number: ReceiptNumber,
    ) -> Result<Option<DeletedRegistration>> {
        let (least, greatest) = number.id_range();
        let range = [
            Condition::at_least("id", least),
            Condition::at_most("id", greatest),
        ];
        self.time("deleted", self.find_record(Query::new(range)))
            .await
    }

    /// Returns a number that grows with every correction and deletion in a campaign.
    pub async fn revision(&self, campaign: &CampaignId) -> Result<u64> {
        let query = Query::new([Condition::is("campaign", campaign.as_str())]);
        let found = self.time("revision", self.find_record(query)).await?;
        Ok(found.map_or(0, |Revision(revision)| revision))
    }

    /// Returns up to `limit` deleted registrations of all campaigns, in order of their ids, from after this one.
    /// The list is stored apart from the store, to repeat the deletions after an older backup was restored.
    pub async fn erased_registrations(
        &self,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<DeletedRegistration>> {
        let after = after.map(|id| Condition::above("id", id));
        let conditions: Vec<_> = after.into_iter().collect();
        // MongoDB scans all documents in order of their ids.
        let query = Query::new(conditions)
            .sort(&[("id", 1)])
            .limit(limit.into())
            .within(COUNT_TIMEOUT);
        self.time("erased_after", self.find_records(query)).await
    }
}

/// Returns the change of the counts when a registration is corrected, or deleted.
fn delta(
    campaign: &Campaign,
    before: &RegistrationHistory,
    after: Option<&RegistrationHistory>,
) -> Delta {
    let mut delta = Delta::new(campaign);
    delta.add(campaign, &before.registration.answers, -1);
    if let Some(after) = after {
        delta.add(campaign, &after.registration.answers, 1);
    }
    delta
}
