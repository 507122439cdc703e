//! Queries for records.

use std::time::Duration;

use super::value::Value;
use crate::time_limit::OPERATION_TIMEOUT;

/// A condition on one field.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) field: &'static str,
    pub(crate) comparison: Comparison,
    pub(crate) value: Value,
}

/// How a field compares with the value of a condition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
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
    ($($name:ident => $comparison:ident,)*) => {$(
        pub(crate) fn $name(field: &'static str, value: impl Into<Value>) -> Self {
            let (comparison, value) = (Comparison::$comparison, value.into());
            Self { field, comparison, value }
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

/// Fields to sort by, each ascending (1) or descending (-1).
pub(crate) type Order = &'static [(&'static str, i32)];

/// Which state of a MongoDB cluster a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// Reads what a majority has acknowledged, from a secondary if there is no primary.
    PrimaryPreferred,
    /// Reads from the primary what a majority has acknowledged.
    Primary,
    /// Reads from the primary, even what no majority has acknowledged yet.
    PrimaryLocal,
}

/// A query for records.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) order: Order,
    pub(crate) limit: Option<u32>,
    pub(crate) time_limit: Duration,
    pub(crate) read_mode: ReadMode,
}

impl Query {
    /// Finds all records that fulfil these conditions.
    pub(crate) fn new(conditions: impl Into<Vec<Condition>>) -> Self {
        Self {
            conditions: conditions.into(),
            order: &[],
            limit: None,
            time_limit: OPERATION_TIMEOUT,
            read_mode: ReadMode::PrimaryPreferred,
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

    pub(crate) fn read(self, read_mode: ReadMode) -> Self {
        Self { read_mode, ..self }
    }
}
