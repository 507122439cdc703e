//! Values of the fields of records, and their Rust types.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use jornada_domain::RegistrationId;
use uuid::Uuid;

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
    i32, number => Self::Int(number.into());
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
    i32 { Value::Int(number) => number.try_into().ok(), }
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
