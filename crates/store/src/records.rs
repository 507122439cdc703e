//! Records: named values, which both back ends store, find and change in the same way. Collections that are not on the
//! path of a registration use them, so that each of their operations is written once.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jornada_domain::RegistrationId;
use uuid::Uuid;

use super::error::{Result, StoreError};
use super::time_limit::OPERATION_TIMEOUT;

/// A table in SQLite, and a collection in MongoDB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Part of the documents of registrations that holds the fields but the key, instead of a collection of its own.
    pub(crate) part: Option<&'static str>,
    /// Unique field, `_id` in MongoDB.
    pub(crate) key: &'static str,
    /// Name in SQLite and in MongoDB of the field that has two.
    pub(crate) renamed: Option<(&'static str, &'static str)>,
    /// List whose texts a trigger of SQLite copies, with the key, to a table for look-ups: list, table, column.
    pub(crate) lookup: Option<(&'static str, &'static str, &'static str)>,
    /// Whether MongoDB retries an insertion while there is no primary.
    pub(crate) awaits_primary: bool,
}

impl Table {
    pub(crate) const fn new(name: &'static str, key: &'static str) -> Self {
        Self {
            name,
            part: None,
            key,
            renamed: None,
            lookup: None,
            awaits_primary: false,
        }
    }
}

/// A type that is read from a record.
pub(crate) trait Record: Sized {
    const TABLE: Table;

    fn from_fields(fields: Fields) -> Result<Self>;
}

/// A type that is stored as a record.
pub(crate) trait NewRecord: Record {
    fn to_fields(&self) -> Fields;
}

/// Value of a field. SQLite stores a time as milliseconds since 1970 UTC, and a list or map as JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// In MongoDB, the field is missing.
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Time(Timestamp),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
    /// Anything that this program does not write.
    Unknown,
}

/// Values by field name.
#[derive(Clone, Debug)]
pub(crate) struct Fields(pub(crate) BTreeMap<String, Value>);

impl<const N: usize> From<[(&'static str, Value); N]> for Fields {
    fn from(fields: [(&'static str, Value); N]) -> Self {
        Self(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

impl Fields {
    /// Takes a value, which is null if the field is missing.
    pub(crate) fn take<T: FromValue>(&mut self, name: &'static str) -> Result<T> {
        let value = self.0.remove(name).unwrap_or(Value::Null);
        T::from_value(value).ok_or_else(|| StoreError::malformed(name))
    }

    /// Takes a text and parses it.
    pub(crate) fn parse<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T> {
        let parsed = self.parse_optional(name, parse)?;
        parsed.ok_or_else(|| StoreError::malformed(name))
    }

    /// Takes a text, if it is there, and parses it.
    pub(crate) fn parse_optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let text: Option<String> = self.take(name)?;
        let parsed = text.map(|text| parse(&text).ok_or_else(|| StoreError::malformed(name)));
        parsed.transpose()
    }
}

/// A condition on one field.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) field: &'static str,
    pub(crate) test: Test,
    pub(crate) value: Value,
}

/// How a field compares with the value of a condition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    /// Equal, or missing for [`Value::Null`].
    Is,
    Above,
    Below,
    AtMost,
    AtLeast,
    /// The field is a list that contains the text.
    Contains,
    /// The time is more milliseconds ago, by the clock of the store.
    OlderThan,
}

macro_rules! conditions {
    ($($name:ident => $test:ident,)*) => {$(
        pub(crate) fn $name(field: &'static str, value: impl Into<Value>) -> Self {
            let (test, value) = (Test::$test, value.into());
            Self { field, test, value }
        }
    )*};
}

impl Condition {
    conditions! {
        is => Is,
        above => Above,
        below => Below,
        at_most => AtMost,
        at_least => AtLeast,
        contains => Contains,
        older_than => OlderThan,
    }
}

/// A change of one field.
#[derive(Clone, Debug)]
pub(crate) enum FieldChange {
    /// Sets a value. MongoDB removes a field that becomes null.
    Set(String, Value),
    Increment(&'static str),
    /// Sets the time of the store's clock.
    SetNow(&'static str),
    /// Appends a text to a list unless the list contains it.
    Include(&'static str, String),
}

impl FieldChange {
    pub(crate) fn set(field: &str, value: impl Into<Value>) -> Self {
        Self::Set(field.to_owned(), value.into())
    }
}

/// Fields to sort by, each ascending (1) or descending (-1).
pub(crate) type Order = &'static [(&'static str, i32)];

/// Which state of a MongoDB cluster a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Reads what a majority has acknowledged, from a secondary if there is no primary.
    Available,
    /// Reads from the primary what a majority has acknowledged.
    Primary,
    /// Reads from the primary, even what no majority has acknowledged yet.
    Unconfirmed,
}

/// A query for records.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) order: Order,
    pub(crate) limit: Option<u32>,
    pub(crate) time_limit: Duration,
    pub(crate) freshness: Freshness,
}

impl Query {
    /// Finds all records that fulfil these conditions.
    pub(crate) fn new(conditions: impl Into<Vec<Condition>>) -> Self {
        Self {
            conditions: conditions.into(),
            order: &[],
            limit: None,
            time_limit: OPERATION_TIMEOUT,
            freshness: Freshness::Available,
        }
    }

    pub(crate) fn sort(self, order: Order) -> Self {
        Self { order, ..self }
    }

    pub(crate) fn limit(self, limit: u32) -> Self {
        let limit = Some(limit);
        Self { limit, ..self }
    }

    pub(crate) fn within(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    pub(crate) fn read(self, freshness: Freshness) -> Self {
        Self { freshness, ..self }
    }
}

macro_rules! into_value {
    ($($from:ty, $value:ident => $into:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        }
    )*};
}

into_value! {
    u64, count => Self::Int(i64::try_from(count).unwrap_or(i64::MAX));
    u32, count => Self::Int(count.into());
    i64, number => Self::Int(number);
    &str, text => Self::Text(text.to_owned());
    &String, text => Self::Text(text.clone());
    String, text => Self::Text(text);
    Timestamp, at => Self::Time(at);
    Uuid, id => Self::Bytes(id.as_bytes().to_vec());
    RegistrationId, id => Self::Bytes(id.as_bytes().to_vec());
    &Vec<u8>, bytes => Self::Bytes(bytes.clone());
    Vec<u8>, bytes => Self::Bytes(bytes);
    &[String], texts => Self::List(texts.to_vec());
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Reads a value as written by either back end.
pub(crate) trait FromValue: Sized {
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($into:ty { $($from:pat => $value:expr,)* })*) => {$(
        impl FromValue for $into {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $($from => $value,)*
                    _ => None,
                }
            }
        }
    )*};
}

from_value! {
    i64 { Value::Int(number) => Some(number), }
    u64 { Value::Int(count) => count.try_into().ok(), }
    u32 { Value::Int(count) => count.try_into().ok(), }
    String { Value::Text(text) => Some(text), }
    Vec<u8> { Value::Bytes(bytes) => Some(bytes), }
    Bytes { Value::Bytes(bytes) => Some(bytes.into()), }
    RegistrationId { Value::Bytes(bytes) => bytes.try_into().ok().map(Self::from_bytes), }
    Uuid { Value::Bytes(bytes) => Self::from_slice(&bytes).ok(), }
    Timestamp {
        Value::Time(at) => Some(at),
        Value::Int(at) => Self::from_millisecond(at).ok(),
    }
    Vec<String> {
        Value::List(texts) => Some(texts),
        Value::Text(json) => serde_json::from_str(&json).ok(),
    }
    BTreeMap<String, String> {
        Value::Map(texts) => Some(texts),
        Value::Text(json) => serde_json::from_str(&json).ok(),
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: Value) -> Option<Self> {
        Vec::from_value(value)?.try_into().ok()
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
