//! Records in MongoDB: one document each.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, RawDocument, doc};
use mongodb::options::{ReadConcern, ReturnDocument};
use tokio::time::sleep;

use super::convert::{binary, moment};
use super::driver_error;
use super::handle::{MongoStore, primary};
use super::primary_watch::RETRY_DELAY;
use crate::error::{Result, StoreError};
use crate::records::{
    Comparison, Condition, FieldChange, Fields, Order, Query, ReadMode, Record, Table, Value,
};
use crate::time_limit::{OPERATION_TIMEOUT, in_time, with_timeout};

impl MongoStore {
    fn records(&self, table: Table) -> Collection<Document> {
        let name = table.part.map_or(table.name, |_| "registrations");
        self.database.collection(name)
    }

    /// Returns false if a unique field has the same value in another record.
    pub(crate) async fn insert_record(&self, table: Table, fields: Fields) -> Result<bool> {
        let (records, document) = (self.records(table), to_document(table, fields));
        let insert = async {
            loop {
                let inserted = match self.primary.run(records.insert_one(&document)).await {
                    Err(error) if driver_error::is_duplicate(&error) => return Ok(false),
                    inserted => inserted.map_err(StoreError::from),
                };
                if !awaits_primary(table, &inserted) {
                    return inserted.map(|_| true);
                }
                sleep(RETRY_DELAY).await;
            }
        };
        in_time(insert).await
    }

    /// Inserts documents at once, and leaves out those whose key exists.
    pub(crate) async fn insert_records(&self, table: Table, records: Vec<Fields>) -> Result<()> {
        let documents = records.into_iter();
        let documents: Vec<_> = documents.map(|fields| to_document(table, fields)).collect();
        let collection = self.records(table);
        let insert = async {
            loop {
                let inserted = collection.insert_many(&documents).ordered(false);
                let inserted = match self.primary.run(inserted).await {
                    Err(error) if driver_error::has_only_duplicates(&error) => return Ok(()),
                    inserted => inserted.map_err(StoreError::from),
                };
                if !awaits_primary(table, &inserted) {
                    return inserted.map(drop);
                }
                sleep(RETRY_DELAY).await;
            }
        };
        in_time(insert).await
    }

    pub(crate) async fn count_records(&self, table: Table, limit: u32) -> Result<u64> {
        let records = self.records(table);
        let count = records.count_documents(doc! {}).limit(limit.into());
        in_time(self.primary.run(count.max_time(OPERATION_TIMEOUT))).await
    }

    pub(crate) async fn find_records(&self, table: Table, query: Query) -> Result<Vec<Fields>> {
        let records = self.records(table);
        let (filter, sort) = (filter(table, query.conditions), sort(table, query.order));
        let find = || async {
            let mut find = records
                .find(filter.clone())
                .sort(sort.clone())
                .limit(query.limit.unwrap_or(0).into())
                .max_time(query.time_limit);
            if query.read_mode != ReadMode::PrimaryPreferred {
                find = find.selection_criteria(primary());
            }
            if query.read_mode == ReadMode::PrimaryLocal {
                find = find.read_concern(ReadConcern::local());
            }
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = with_timeout(query.time_limit, self.primary.read(find)).await?;
        Ok(found
            .into_iter()
            .map(|found| fields(table, found))
            .collect())
    }

    /// Returns the number of matching records. Changes of one record are retried by the driver.
    pub(crate) async fn update_records(
        &self,
        table: Table,
        conditions: Vec<Condition>,
        changes: Vec<FieldChange>,
    ) -> Result<u64> {
        let (records, update) = (self.records(table), update(table, changes));
        let is_one = names_key(table, &conditions);
        let filter = filter(table, conditions);
        let update = if is_one {
            records.update_one(filter, update)
        } else {
            records.update_many(filter, update)
        };
        Ok(in_time(self.primary.run(update)).await?.matched_count)
    }

    /// Changes the first matching record and returns it.
    pub(crate) async fn update_first_record(
        &self,
        table: Table,
        conditions: Vec<Condition>,
        order: Order,
        changes: Vec<FieldChange>,
    ) -> Result<Option<Fields>> {
        let records = self.records(table);
        let updated = records
            .find_one_and_update(filter(table, conditions), update(table, changes))
            .sort(sort(table, order))
            .return_document(ReturnDocument::After);
        let updated = in_time(self.primary.run(updated)).await?;
        Ok(updated.map(|found| fields(table, found)))
    }

    pub(crate) async fn delete_records(
        &self,
        table: Table,
        conditions: Vec<Condition>,
    ) -> Result<u64> {
        let records = self.records(table);
        let is_one = names_key(table, &conditions);
        let filter = filter(table, conditions);
        let delete = if is_one {
            records.delete_one(filter)
        } else {
            records.delete_many(filter)
        };
        Ok(in_time(self.primary.run(delete)).await?.deleted_count)
    }
}

/// Returns whether an insertion is repeated, because there may be a primary again soon.
fn awaits_primary<T>(table: Table, inserted: &Result<T>) -> bool {
    table.awaits_primary && matches!(inserted, Err(StoreError::Unavailable(_)))
}

fn to_document(table: Table, fields: Fields) -> Document {
    let stored = fields.0.into_iter();
    stored
        .filter(|(_, value)| *value != Value::Null)
        .map(|(name, value)| (field_name(table, &name), to_bson(value)))
        .collect()
}

fn names_key(table: Table, conditions: &[Condition]) -> bool {
    let is_key = |condition: &Condition| {
        condition.field == table.key && matches!(condition.comparison, Comparison::Is)
    };
    conditions.iter().any(is_key)
}

fn field_name(table: Table, name: &str) -> String {
    let name = match table.renamed {
        _ if name == table.key => return "_id".to_owned(),
        Some((from, to)) if name == from => to,
        _ => name,
    };
    match table.part {
        Some(part) => format!("{part}.{name}"),
        None => name.to_owned(),
    }
}

fn filter(table: Table, conditions: Vec<Condition>) -> Document {
    let one = |condition: Condition| {
        let value = to_bson(condition.value);
        let test = match condition.comparison {
            Comparison::Is | Comparison::Contains => value,
            Comparison::Above => doc! { "$gt": value }.into(),
            Comparison::Below => doc! { "$lt": value }.into(),
            Comparison::AtMost => doc! { "$lte": value }.into(),
            Comparison::AtLeast => doc! { "$gte": value }.into(),
            Comparison::OlderThan => {
                let limit = doc! { "$subtract": ["$$NOW", value] };
                return doc! { "$expr": { "$lt": [format!("${}", condition.field), limit] } };
            }
        };
        doc! { field_name(table, condition.field): test }
    };
    let mut all: Vec<_> = conditions.into_iter().map(one).collect();
    all.extend(table.part.map(|part| doc! { part: { "$exists": true } }));
    if all.is_empty() {
        return doc! {};
    }
    doc! { "$and": all }
}

fn sort(table: Table, order: Order) -> Document {
    let order = order.iter();
    order
        .map(|(name, direction)| (field_name(table, name), Bson::Int32(*direction)))
        .collect()
}

fn update(table: Table, changes: Vec<FieldChange>) -> Document {
    let mut operators: BTreeMap<_, Document> = BTreeMap::new();
    for change in changes {
        let (operator, name, value) = match change {
            FieldChange::Set(name, Value::Null) => ("$unset", name, "".into()),
            FieldChange::Set(name, value) => ("$set", name, to_bson(value)),
            FieldChange::Increment(name) => ("$inc", name.to_owned(), Bson::Int64(1)),
            FieldChange::SetNow(name) => ("$currentDate", name.to_owned(), true.into()),
            FieldChange::Include(name, text) => ("$addToSet", name.to_owned(), text.into()),
        };
        let name = field_name(table, &name);
        operators.entry(operator).or_default().insert(name, value);
    }
    let operators = operators.into_iter();
    operators
        .map(|(operator, fields)| (operator.to_owned(), fields.into()))
        .collect()
}

fn to_bson(value: Value) -> Bson {
    match value {
        Value::Null | Value::Unknown => Bson::Null,
        Value::Int(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Bytes(bytes) => binary(&bytes).into(),
        Value::Time(at) => moment(at).into(),
        Value::List(texts) => texts.into(),
        Value::Map(texts) => {
            let texts = texts.into_iter();
            Bson::Document(texts.map(|(name, text)| (name, text.into())).collect())
        }
    }
}

/// Reads the record in a document.
pub(crate) fn read_record<R: Record>(document: &RawDocument) -> Result<R> {
    let document = Document::try_from(document).map_err(|_| StoreError::malformed("shape"))?;
    R::from_fields(fields(R::TABLE, document))
}

fn fields(table: Table, mut document: Document) -> Fields {
    if let Some(Bson::Document(part)) = table.part.and_then(|part| document.remove(part)) {
        document.extend(part);
    }
    let original = |name: String| match table.renamed {
        _ if name == "_id" => table.key.to_owned(),
        Some((original, renamed)) if name == renamed => original.to_owned(),
        _ => name,
    };
    let fields = document.into_iter();
    let fields = fields.map(|(name, value)| (original(name), read_value(value)));
    Fields(fields.collect())
}

fn read_value(value: Bson) -> Value {
    let text = |value: Bson| match value {
        Bson::String(text) => Some(text),
        _ => None,
    };
    let read = match value {
        Bson::Null => Some(Value::Null),
        Bson::Int32(number) => Some(Value::Int(number.into())),
        Bson::Int64(number) => Some(Value::Int(number)),
        Bson::String(text) => Some(Value::Text(text)),
        Bson::Binary(binary) => Some(Value::Bytes(binary.bytes)),
        Bson::DateTime(at) => Timestamp::from_millisecond(at.timestamp_millis())
            .ok()
            .map(Value::Time),
        Bson::Array(texts) => {
            let texts = texts.into_iter().map(text);
            texts.collect::<Option<_>>().map(Value::List)
        }
        Bson::Document(texts) => {
            let texts = texts.into_iter();
            let texts = texts.map(|(name, value)| Some((name, text(value)?)));
            texts.collect::<Option<_>>().map(Value::Map)
        }
        _ => None,
    };
    read.unwrap_or(Value::Unknown)
}
