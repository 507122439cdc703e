//! Audit log in MongoDB. The `_id` is the sequence number: its uniqueness decides which writer gets it.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result as Driven;
use mongodb::options::ReadConcern;
use tokio::time::timeout;

use super::account::{bytes, moment, number, time};
use super::{MongoStore, binary, driver_error, primary, with_timeout};
use crate::audit::{AuditFilter, StoredEntry};
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::CampaignId;
use jornada_domain::staff::audit::{AuditAction, AuditEvent, AuditRecord, ChainEntry, ChainHead};

/// Creates an index for each field that filters use.
pub(super) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let index = |keys: Document| IndexModel::builder().keys(keys).build();
    let indexes = ["who", "action", "campaign", "subjects", "at"]
        .map(|name| index(doc! { name: 1, "_id": -1 }));
    store.audit.create_indexes(indexes).await.map(drop)
}

impl MongoStore {
    pub(crate) async fn append_audit(&self, entry: &ChainEntry) -> Result<bool, StoreError> {
        let document = to_document(entry);
        let added = timeout(OPERATION_TIMEOUT, async {
            self.audit.insert_one(document).await
        })
        .await;
        match added.map_err(|_| StoreError::timed_out())? {
            Ok(_) => Ok(true),
            Err(error) if driver_error::is_duplicate(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads from the primary, including entries that no majority has yet: an entry appended after such a one is
    /// acknowledged only once a majority has both.
    pub(crate) async fn audit_head(&self) -> Result<ChainHead, StoreError> {
        let find = self
            .audit
            .find_one(doc! { "_id": { "$gt": 0_i64 } })
            .sort(doc! { "_id": -1 })
            .projection(doc! { "hash": 1 })
            .read_concern(ReadConcern::local())
            .selection_criteria(primary());
        let Some(last) = with_timeout(OPERATION_TIMEOUT, find).await? else {
            return Ok(ChainHead::EMPTY);
        };
        let malformed = || StoreError::malformed("chain head");
        let hash = bytes(&last, "hash")?.ok_or_else(malformed)?;
        let seq = sequence_number(&last);
        Ok(ChainHead { seq, hash })
    }

    pub(crate) async fn audit_after(
        &self,
        seq: u64,
        limit: u16,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let after = doc! { "_id": { "$gt": number(seq) } };
        self.entries(after, 1, limit).await
    }

    pub(crate) async fn audit_before(
        &self,
        filter: &AuditFilter,
        seq: Option<u64>,
        limit: u16,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let end = seq.map_or(i64::MAX, number);
        let mut query = doc! { "_id": { "$lt": end } };
        if let Some(who) = &filter.actor {
            query.insert("who", who);
        }
        if let Some(action) = filter.action {
            query.insert("action", action.name());
        }
        if let Some(campaign) = &filter.campaign {
            query.insert("campaign", campaign.as_str());
        }
        if let Some(subject) = &filter.subject {
            query.insert("subjects", subject);
        }
        let mut at = Document::new();
        at.extend(
            filter
                .from
                .map(|from| ("$gte".to_owned(), moment(from).into())),
        );
        at.extend(
            filter
                .until
                .map(|until| ("$lt".to_owned(), moment(until).into())),
        );
        if !at.is_empty() {
            query.insert("at", at);
        }
        self.entries(query, -1, limit).await
    }

    async fn entries(
        &self,
        query: Document,
        order: i32,
        limit: u16,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let find = self
            .audit
            .find(query)
            .sort(doc! { "_id": order })
            .limit(limit.into())
            .max_time(OPERATION_TIMEOUT);
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        Ok(found.iter().map(stored_entry).collect())
    }
}

fn to_document(entry: &ChainEntry) -> Document {
    let AuditRecord {
        at,
        actor,
        client_ip: from,
        request_id,
        event,
    } = &entry.record;
    let detail = event.detail.iter();
    let detail = detail.map(|(name, text)| (name.clone(), Bson::from(text)));
    let mut document = doc! {
        "_id": number(entry.seq),
        "at": moment(*at),
        "who": actor,
        "action": event.action.name(),
        "subjects": &event.subjects,
        "detail": detail.collect::<Document>(),
        "before": binary(&entry.previous_hash),
        "hash": binary(&entry.hash),
    };
    if let Some(from) = from {
        document.insert("from", from.to_string());
    }
    if let Some(request_id) = request_id {
        document.insert("request_id", request_id);
    }
    if let Some(campaign) = &event.campaign {
        document.insert("campaign", campaign.as_str());
    }
    document
}

fn stored_entry(document: &Document) -> StoredEntry {
    let entry = read_entry(document).map(Box::new);
    entry.map_or_else(
        || StoredEntry::Unreadable(sequence_number(document)),
        StoredEntry::Entry,
    )
}

/// Returns the sequence number, also of a document that this program did not write.
fn sequence_number(document: &Document) -> u64 {
    match document.get("_id") {
        Some(Bson::Int64(seq)) => seq.unsigned_abs(),
        Some(Bson::Int32(seq)) => seq.unsigned_abs().into(),
        _ => 0,
    }
}

/// Returns `None` for a document that this program did not write.
fn read_entry(document: &Document) -> Option<ChainEntry> {
    let text = |name: &str| document.get_str(name).ok();
    let optional = |name: &str| match document.get(name) {
        None => Some(None),
        Some(value) => value.as_str().map(Some),
    };
    let campaign = match optional("campaign")? {
        Some(campaign) => Some(CampaignId::parse(campaign)?),
        None => None,
    };
    let from = match optional("from")? {
        Some(from) => Some(from.parse().ok()?),
        None => None,
    };
    let owned = |value: &Bson| value.as_str().map(str::to_owned);
    let subjects = document.get_array("subjects").ok()?.iter();
    let detail = document.get_document("detail").ok()?.iter();
    let detail = detail.map(|(name, text)| Some((name.clone(), owned(text)?)));
    Some(ChainEntry {
        seq: document.get_i64("_id").ok()?.unsigned_abs(),
        record: AuditRecord {
            at: time(document, "at").ok()??,
            actor: text("who")?.to_owned(),
            client_ip: from,
            request_id: optional("request_id")?.map(str::to_owned),
            event: AuditEvent {
                action: AuditAction::parse(text("action")?)?,
                campaign,
                subjects: subjects.map(owned).collect::<Option<_>>()?,
                detail: detail.collect::<Option<BTreeMap<_, _>>>()?,
            },
        },
        previous_hash: bytes(document, "before").ok()??,
        hash: bytes(document, "hash").ok()??,
    })
}
