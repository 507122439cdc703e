//! Texts of dead letters. Keys and values are what anybody sent, so whatever could act on a terminal, or change the look of a
//! page, is escaped.

use data_encoding::HEXLOWER;

use jornada_domain::queue_record::QueueRecord;

/// Returns the place of a record in the queue: source, partition if there is any, and offset.
pub fn place(record: &QueueRecord) -> String {
    let source = escape(&record.source);
    let offset = escape(&record.offset);
    match record.partition {
        Some(partition) => format!("{source}/{partition}/{offset}"),
        None => format!("{source}/{offset}"),
    }
}

/// Returns bytes as text if they are UTF-8, else in hexadecimal digits.
pub fn bytes(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => escape(text),
        Err(_) => format!("hexadecimal {}", HEXLOWER.encode(bytes)),
    }
}

/// Escapes control characters, and those that are invisible or change the direction of a text.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => escaped.push(c),
            c => escaped.extend(c.escape_debug()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        let sent = "{\"a\": \"Mé ñ 李\"}\u{1b}[2J\r\n\u{202E}\0\u{9b}\u{200B}";
        let shown = r#"{"a": "Mé ñ 李"}\u{1b}[2J\r\n\u{202e}\0\u{9b}\u{200b}"#;
        assert_eq!(bytes(sent.as_bytes()), shown);
        assert_eq!(bytes(b"\xFFa"), "hexadecimal ff61");
        let record = QueueRecord::new("votes".into(), Some(1), "7".into(), None, b"x");
        assert_eq!(place(&record), "votes/1/7");
    }
}
