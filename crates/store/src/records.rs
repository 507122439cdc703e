//! Records: named values, which both back ends store, find and change in the same way. Collections that are not on the
//! path of a registration use them, so that each of their operations is written once.

mod query;
mod value;

use std::collections::BTreeMap;

pub(crate) use query::{Comparison, Condition, Order, Query, ReadMode};
pub(crate) use value::{FromValue, Value};

use super::error::{Result, StoreError};

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
pub(crate) trait InsertableRecord: Record {
    fn to_fields(&self) -> Fields;
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
