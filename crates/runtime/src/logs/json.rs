//! Format of one JSON object per line: the fields of the event and of its spans side by side, as in Loki. Written
//! directly into the buffer, because this runs for every request; the formatter of `tracing_subscriber` parses the
//! fields of each span again.

use std::fmt::{self, Debug, Write};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp":…,"level":…,"target":…,"message":…,FIELDS,SPAN FIELDS}`.
pub(super) struct JsonLine;

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (now, metadata) = (Timestamp::now(), event.metadata());
        let (level, target) = (metadata.level(), metadata.target());
        write!(
            line,
            r#"{{"timestamp":"{now:.6}","level":"{level}","target":"{target}""#
        )?;
        let mut fields = FieldWriter {
            line: &mut line,
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<JsonFields>>() {
                write_members(&mut line, fields)?;
            }
        }
        line.write_str("}\n")
    }
}

/// Writes the members of a JSON object.
fn write_members(line: &mut Writer<'_>, object: &str) -> fmt::Result {
    let inner = object
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    match inner {
        Some("") | None => Ok(()),
        Some(inner) => write!(line, ",{inner}"),
    }
}

struct FieldWriter<'a, 'w> {
    line: &'a mut Writer<'w>,
    result: fmt::Result,
}

impl FieldWriter<'_, '_> {
    /// Writes a value without quotes. Field names are identifiers and need no escaping.
    fn write_bare(&mut self, field: &Field, value: impl fmt::Display) {
        if self.result.is_ok() {
            self.result = write!(self.line, r#","{}":{value}"#, field.name());
        }
    }

    fn write_quoted(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.result.is_ok() {
            self.result = write!(self.line, r#","{}":""#, field.name())
                .and_then(|()| EscapeWriter(self.line).write_fmt(value))
                .and_then(|()| self.line.write_char('"'));
        }
    }
}

impl Visit for FieldWriter<'_, '_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write_bare(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write_bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write_bare(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.write_bare(field, value);
        } else {
            self.write_quoted(field, format_args!("{value}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write_quoted(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write_quoted(field, format_args!("{value:?}"));
    }
}

/// Writer that escapes the content of a JSON string (RFC 8259, section 7).
struct EscapeWriter<'a, 'w>(&'a mut Writer<'w>);

impl Write for EscapeWriter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.0.write_str(&text[plain..at])?;
            plain = at + 1;
            match byte {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                control => write!(self.0, "\\u{control:04x}")?,
            }
        }
        self.0.write_str(&text[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_parses_as_json() {
        let hostile = "añ\"o\\ \u{0}\u{1b}[31m\r\n\t{\u{2028}🙂}";
        let mut text = String::from("\"");
        write!(
            EscapeWriter(&mut Writer::new(&mut text)),
            "{hostile}{}",
            hostile.len()
        )
        .unwrap();
        text.push('"');
        let read: String = serde_json::from_str(&text).unwrap();
        assert_eq!(read, format!("{hostile}{}", hostile.len()));
    }
}
