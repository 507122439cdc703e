//! Reads the entries of a stream from answers of Redis.

use jiff::Timestamp;
use redis::Value;

use jornada_domain::QueueRecord;

/// Returns the entries of an answer of XREADGROUP: a list of streams, each with its name and its entries. An answer without
/// entries is nil.
pub(super) fn of_read(answer: Value) -> Vec<Value> {
    let streams = match answer {
        Value::Array(streams) => streams,
        Value::Map(streams) => return streams.into_iter().flat_map(|(_, of)| list(of)).collect(),
        _ => return Vec::new(),
    };
    let entries = streams.into_iter().filter_map(|stream| list(stream).pop());
    entries.flat_map(list).collect()
}

/// Returns where to go on, and the entries, of an answer of XAUTOCLAIM: next id, entries, deleted ids.
pub(super) fn of_claim(answer: Value) -> (String, Vec<Value>) {
    let mut parts = list(answer).into_iter();
    let next = parts.next().and_then(text).unwrap_or_else(|| "0-0".into());
    (next, parts.next().map(list).unwrap_or_default())
}

/// Returns the id of an entry.
pub(super) fn id(entry: &Value) -> Option<String> {
    match entry {
        Value::Array(parts) => text(parts.first()?.clone()),
        _ => None,
    }
}

/// Converts an entry: its id, and its fields and values in turn. Without a field `value` the record is empty.
pub(super) fn to_record(stream: &str, entry: Value) -> Option<QueueRecord> {
    let mut parts = list(entry).into_iter();
    let id = text(parts.next()?)?;
    let mut fields = parts.next().map(list).unwrap_or_default().into_iter();
    let appended_at = id.split('-').next().and_then(|ms| ms.parse().ok());
    let appended_at = appended_at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let mut record = QueueRecord::new(stream.to_owned(), None, id, None, b"");
    record.appended_at = appended_at;
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let value = bytes(value);
        match &*bytes(name) {
            b"key" => record.key = Some(value),
            b"value" => {
                record.value_bytes = value.len() as u64;
                record.value = value;
            }
            b"campaign" => record.campaign = Some(value),
            b"door" => record.door = Some(value),
            b"received_at" => record.received_at = Some(value),
            _ => {}
        }
    }
    Some(record.cut())
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        Value::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(name, value)| [name, value])
            .collect(),
        _ => Vec::new(),
    }
}

fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => text.into_bytes(),
        _ => Vec::new(),
    }
}

fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)).ok()
}
