//! Audit log, append-only. The store enforces one rule: a sequence number has one entry. A writer that loses the race
//! for a number reads the new head and retries (`jornada_service::staff::audit`).

use jiff::Timestamp;

use super::error::Result;
use super::handle::Store;
use super::records::{Condition, Fields, InsertableRecord, Query, ReadMode, Record, Table, Value};
use jornada_domain::CampaignId;
use jornada_domain::staff::audit::{AuditAction, AuditEvent, AuditRecord, ChainEntry, ChainHead};

/// Filter for entries; an absent field matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Actor.
    pub actor: Option<String>,
    /// Kind of event.
    pub action: Option<AuditAction>,
    /// Campaign.
    pub campaign: Option<CampaignId>,
    /// One of the subjects.
    pub subject: Option<String>,
    /// Earliest time, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time, exclusive.
    pub until: Option<Timestamp>,
}

/// An entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredEntry {
    /// Readable. Only its hash shows whether it was changed.
    Entry(Box<ChainEntry>),
    /// Sequence number of data that this version of the program did not write.
    Unreadable(u64),
}

impl StoredEntry {
    /// Returns the sequence number.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Unreadable(seq) => *seq,
        }
    }
}

impl Record for ChainEntry {
    const TABLE: Table = Table {
        renamed: Some(("address", "from")),
        lookup: Some(("subjects", "audit_subjects", "subject")),
        ..Table::new("audit", "seq")
    };

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let event = AuditEvent {
            action: fields.parse("action", |name| name.parse().ok())?,
            campaign: fields.parse_optional("campaign", CampaignId::parse)?,
            subjects: fields.take("subjects")?,
            detail: fields.take("detail")?,
        };
        Ok(Self {
            seq: fields.take("seq")?,
            record: AuditRecord {
                at: fields.take("at")?,
                actor: fields.take("who")?,
                client_ip: fields.parse_optional("address", |address| address.parse().ok())?,
                request_id: fields.take("request_id")?,
                event,
            },
            previous_hash: fields.take("before")?,
            hash: fields.take("hash")?,
        })
    }
}

impl InsertableRecord for ChainEntry {
    fn to_fields(&self) -> Fields {
        let AuditRecord {
            at,
            actor,
            client_ip,
            request_id,
            event,
        } = &self.record;
        Fields::from([
            ("seq", self.seq.into()),
            ("at", (*at).into()),
            ("who", actor.into()),
            (
                "address",
                client_ip.map(|address| address.to_string()).into(),
            ),
            ("request_id", request_id.as_ref().into()),
            ("action", <&str>::from(event.action).into()),
            (
                "campaign",
                event.campaign.as_ref().map(CampaignId::as_str).into(),
            ),
            ("subjects", event.subjects[..].into()),
            ("detail", Value::Map(event.detail.clone())),
            ("before", self.previous_hash.into()),
            ("hash", self.hash.into()),
        ])
    }
}

impl Record for ChainHead {
    const TABLE: Table = ChainEntry::TABLE;

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            seq: fields.take("seq")?,
            hash: fields.take("hash")?,
        })
    }
}

impl Record for StoredEntry {
    const TABLE: Table = ChainEntry::TABLE;

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let entry = ChainEntry::from_fields(fields.clone()).map(Box::new);
        Ok(entry.map_or_else(
            |_| Self::Unreadable(fields.take("seq").map_or(0, i64::unsigned_abs)),
            Self::Entry,
        ))
    }
}

impl AuditFilter {
    fn conditions(&self) -> Vec<Condition> {
        let campaign = self.campaign.as_ref().map(CampaignId::as_str);
        let conditions = [
            self.actor.as_ref().map(|actor| Condition::is("who", actor)),
            self.action
                .map(|action| Condition::is("action", <&str>::from(action))),
            campaign.map(|campaign| Condition::is("campaign", campaign)),
            self.subject
                .clone()
                .map(|subject| Condition::contains("subjects", subject)),
            self.from.map(|from| Condition::at_least("at", from)),
            self.until.map(|until| Condition::below("at", until)),
        ];
        conditions.into_iter().flatten().collect()
    }
}

impl Store {
    /// Appends an entry. Returns false if its sequence number exists. After true, the entry and all before it survive
    /// the loss of any one process or node.
    pub async fn append_audit(&self, entry: &ChainEntry) -> Result<bool> {
        self.time("append_audit", self.insert_record(entry)).await
    }

    /// Returns the head of the chain; the default if there is no entry.
    pub async fn audit_head(&self) -> Result<ChainHead> {
        // An entry appended after one that no majority has yet is acknowledged only once a majority has both.
        let last = Query::new([Condition::at_least("seq", 1_u64)])
            .sort(&[("seq", -1)])
            .read(ReadMode::PrimaryLocal);
        let head = self.time("audit_head", self.find_record(last)).await?;
        Ok(head.unwrap_or_default())
    }

    /// Returns up to `limit` entries after `seq`, oldest first.
    pub async fn audit_after(&self, seq: u64, limit: u16) -> Result<Vec<StoredEntry>> {
        let after = [Condition::at_least("seq", seq.saturating_add(1))];
        let query = Query::new(after).sort(&[("seq", 1)]).limit(limit.into());
        self.time("audit_after", self.find_records(query)).await
    }

    /// Returns up to `limit` matching entries before `seq`, or from the end, newest first. Entries appended meanwhile
    /// do not shift the following pages.
    pub async fn audit_before(
        &self,
        filter: &AuditFilter,
        seq: Option<u64>,
        limit: u16,
    ) -> Result<Vec<StoredEntry>> {
        let mut conditions = filter.conditions();
        conditions.push(Condition::below("seq", seq.unwrap_or(u64::MAX)));
        let query = Query::new(conditions)
            .sort(&[("seq", -1)])
            .limit(limit.into());
        self.time("audit_before", self.find_records(query)).await
    }
}
