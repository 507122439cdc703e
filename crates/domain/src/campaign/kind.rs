//! Parses the kind of a field in a campaign file.

use toml::Spanned;
use toml::de::DeValue;

use super::table::{TableReader, parse_integer, parse_text};
use crate::choice::{Choice, ChoiceOption};
use crate::field::FieldKind;
use crate::place::Places;

/// Maximum length of a text answer, in characters. All texts of a form fit in 64 KiB.
const MAX_TEXT_CHARS: usize = 2000;
/// Maximum number of options of a choice.
const MAX_OPTIONS: i64 = 1000;

/// Parses the kind of a field and the keys that only this kind has.
pub(super) fn read_kind(
    table: &mut TableReader<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
) -> Option<FieldKind> {
    let kinds = "text, document, place, choice, integer or photo";
    let name = table.read_required("kind", kinds, parse_text)?;
    match name.as_str() {
        "text" => Some(read_text_kind(table)),
        "document" => Some(FieldKind::Document),
        "place" => read_places(table, list).map(FieldKind::Place),
        "choice" => read_choice(table).map(FieldKind::Choice),
        "integer" => read_integer_kind(table),
        "photo" => Some(FieldKind::Photo),
        _ => {
            table.record_error("kind", format!("expected {kinds}"));
            None
        }
    }
}

fn read_text_kind(table: &mut TableReader<'_>) -> FieldKind {
    let min = table.read_count("min").unwrap_or(1);
    let max = table.read_count("max").unwrap_or(120);
    if min > max || max > MAX_TEXT_CHARS {
        table.record_error("max", format!("expected min <= max <= {MAX_TEXT_CHARS}"));
    }
    FieldKind::Text { min, max }
}

fn read_integer_kind(table: &mut TableReader<'_>) -> Option<FieldKind> {
    let expected = "[lowest, highest] whole number, such as [1, 100]";
    let (min, max) = table.read_required("range", expected, parse_bounds)?;
    Some(FieldKind::Integer { min, max })
}

fn read_places(
    table: &mut TableReader<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
) -> Option<Places> {
    let others = table.read_flag("others");
    if table.value("list").is_none() {
        return Some(Places::any());
    }
    let name = table.read_optional("list", "the name of a CSV file beside this one", parse_text)?;
    let csv = match list(&name) {
        Ok(csv) => csv,
        Err(reason) => {
            table.record_error("list", reason);
            return Some(Places::any());
        }
    };
    match Places::parse(&csv, others) {
        Ok(places) => Some(places),
        Err(wrong) => {
            for (line, what) in wrong {
                table.record_error("list", format!("{name}:{line}: {what}"));
            }
            // Other rules are checked as if there were a list: one cause, one message.
            Some(Places::any())
        }
    }
}

fn read_choice<'t>(table: &mut TableReader<'t>) -> Option<Choice> {
    let range = table.read_optional(
        "range",
        "[first, last] with at most 1000 whole numbers",
        parse_range,
    );
    let items = table.read_optional("options", "a list of { value, label }", DeValue::as_array);
    match (range, items) {
        (Some((first, last)), None) => Choice::from_range(first, last),
        (None, Some(items)) => {
            let option = |item: &'t Spanned<DeValue<'t>>| {
                let keys = item.get_ref().as_table()?;
                read_option(table.nested(keys, item.span().start, table.path("options")))
            };
            let options: Option<Vec<_>> = items.iter().map(option).collect();
            let choice = options.and_then(Choice::new);
            if choice.is_none() {
                let expected = "expected options with value and label, each value once";
                table.record_error("options", expected);
            }
            choice
        }
        _ => {
            table.record_error("options", "a choice needs either options or range");
            None
        }
    }
}

fn parse_range(value: &DeValue<'_>) -> Option<(i64, i64)> {
    let (first, last) = parse_bounds(value)?;
    let count = last.checked_sub(first)?;
    (count < MAX_OPTIONS).then_some((first, last))
}

/// Parses two whole numbers, the second not below the first.
fn parse_bounds(value: &DeValue<'_>) -> Option<(i64, i64)> {
    let [first, last] = value.as_array()?.iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let (first, last) = (
        parse_integer(first.get_ref())?,
        parse_integer(last.get_ref())?,
    );
    (first <= last).then_some((first, last))
}

fn read_option(mut table: TableReader<'_>) -> Option<ChoiceOption> {
    let value = table.read_required("value", "a text", parse_text);
    let label = table.read_required_localized("label");
    table.finish();
    Some(ChoiceOption {
        value: value?,
        label: label?,
    })
}
