//! Texts of dead letters. Keys and values are what anybody sent, so whatever could act on a terminal is escaped.

use std::borrow::Cow;
use std::io::{self, Write};

use jornada_domain::dead_letter::DeadLetter;
use jornada_domain::queue_record::QueueRecord;
use jornada_service::votes::dead_letter_text::{self, escape, place};
use jornada_service::votes::queued::named_campaign;

/// Returns a line of the list.
pub(super) fn line(letter: &DeadLetter) -> String {
    let DeadLetter {
        id,
        reason,
        record,
        read_at,
        ..
    } = letter;
    let campaign = named_campaign(record).unwrap_or(Cow::Borrowed("-"));
    format!(
        "{id}  {read_at:.3}  {:<16}  {}  {}  {}",
        <&str>::from(reason),
        place(record),
        record.value_bytes,
        escape(&campaign)
    )
}

/// Writes all parts of a letter, the value last.
pub(super) fn write_all(out: &mut impl Write, letter: &DeadLetter) -> io::Result<()> {
    let record = &letter.record;
    let bytes = |part: &Option<Vec<u8>>| part.as_deref().map(dead_letter_text::bytes);
    let parts = [
        ("id", Some(letter.id.to_string())),
        ("reason", Some(letter.reason.to_string())),
        ("detail", Some(escape(&letter.detail))),
        ("read_at", Some(format!("{:.3}", letter.read_at))),
        ("source", Some(escape(&record.source))),
        (
            "partition",
            record.partition.map(|number| number.to_string()),
        ),
        ("offset", Some(escape(&record.offset))),
        (
            "appended_at",
            record.appended_at.map(|at| format!("{at:.3}")),
        ),
        ("header campaign", bytes(&record.campaign)),
        ("header door", bytes(&record.door)),
        ("header received_at", bytes(&record.received_at)),
        ("key", bytes(&record.key)),
        ("bytes", Some(record.value_bytes.to_string())),
        ("cut", cut(record)),
    ];
    for (name, text) in parts {
        if let Some(text) = text {
            writeln!(out, "{:<20}{text}", format!("{name}:"))?;
        }
    }
    writeln!(out, "value:\n{}", dead_letter_text::bytes(&record.value))
}

/// Says how much of a value is kept, if not all of it.
pub(super) fn cut(record: &QueueRecord) -> Option<String> {
    record.is_cut().then(|| {
        let (kept, all) = (record.value.len(), record.value_bytes);
        format!("only the first {kept} of {all} bytes are kept: it cannot be replayed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_value_is_named() {
        let record = |size: usize| {
            let value = vec![b'x'; size];
            QueueRecord::new("votes".into(), Some(1), "7".into(), None, &value)
        };
        assert_eq!(cut(&record(65_536)), None);
        let told = cut(&record(65_537)).unwrap();
        assert!(told.contains("65536 of 65537 bytes"), "{told}");
    }
}
