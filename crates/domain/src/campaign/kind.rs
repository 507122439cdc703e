//! Parses the kind of a field in a campaign file.

use std::collections::HashSet;

use toml::de::DeValue;

use super::table::{CampaignFileErrors, TableReader, parse_integer, parse_text};
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
    mistakes: &mut CampaignFileErrors,
) -> Option<FieldKind> {
    let kinds = "text, document, place, choice or photo";
    let name = table.read_required("kind", kinds, mistakes, parse_text)?;
    match name.as_str() {
        "text" => Some(read_text_kind(table, mistakes)),
        "document" => Some(FieldKind::Document),
        "place" => read_places(table, list, mistakes).map(FieldKind::Place),
        "choice" => read_choice(table, mistakes).map(FieldKind::Choice),
        "photo" => Some(FieldKind::Photo),
        _ => {
            table.record_error("kind", mistakes, format!("expected {kinds}"));
            None
        }
    }
}

fn read_text_kind(table: &mut TableReader<'_>, mistakes: &mut CampaignFileErrors) -> FieldKind {
    let min = table.read_count("min", mistakes).unwrap_or(1);
    let max = table.read_count("max", mistakes).unwrap_or(120);
    if min > max || max > MAX_TEXT_CHARS {
        table.record_error(
            "max",
            mistakes,
            format!("expected min <= max <= {MAX_TEXT_CHARS}"),
        );
    }
    FieldKind::Text { min, max }
}

fn read_places(
    table: &mut TableReader<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
    mistakes: &mut CampaignFileErrors,
) -> Option<Places> {
    let others = table.read_flag("others", mistakes);
    if table.value("list").is_none() {
        return Some(Places::any());
    }
    let name = table.read_optional(
        "list",
        "the name of a CSV file beside this one",
        mistakes,
        parse_text,
    )?;
    let csv = match list(&name) {
        Ok(csv) => csv,
        Err(reason) => {
            table.record_error("list", mistakes, reason);
            return None;
        }
    };
    match Places::parse(&csv, others) {
        Ok(places) => Some(places),
        Err(wrong) => {
            for (line, what) in wrong {
                table.record_error("list", mistakes, format!("{name}:{line}: {what}"));
            }
            None
        }
    }
}

fn read_choice(table: &mut TableReader<'_>, mistakes: &mut CampaignFileErrors) -> Option<Choice> {
    let range = table.read_optional(
        "range",
        "[first, last] with at most 1000 whole numbers",
        mistakes,
        parse_range,
    );
    let items = table.read_optional(
        "options",
        "a list of { value, label }",
        mistakes,
        DeValue::as_array,
    );
    match (range, items) {
        (Some((first, last)), None) => Some(Choice::from_range(first, last)),
        (None, Some(items)) => {
            let offset = table.offset("options");
            let path = table.path("options");
            let options: Option<Vec<ChoiceOption>> = items
                .iter()
                .map(|item| {
                    read_option(
                        TableReader::new(item.get_ref().as_table()?, item.span().start, &path),
                        mistakes,
                    )
                })
                .collect();
            if options
                .as_ref()
                .is_none_or(|options| options.is_empty() || has_duplicates(options))
            {
                mistakes.record(
                    offset,
                    &path,
                    "expected options with value and label, each value once",
                );
            }
            options.map(Choice::new)
        }
        _ => {
            table.record_error(
                "options",
                mistakes,
                "a choice needs either options or range",
            );
            None
        }
    }
}

fn parse_range(value: &DeValue<'_>) -> Option<(i64, i64)> {
    let [first, last] = value.as_array()?.iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let (first, last) = (
        parse_integer(first.get_ref())?,
        parse_integer(last.get_ref())?,
    );
    let count = last.checked_sub(first)?;
    (0..MAX_OPTIONS).contains(&count).then_some((first, last))
}

fn read_option(
    mut table: TableReader<'_>,
    mistakes: &mut CampaignFileErrors,
) -> Option<ChoiceOption> {
    let value = table.read_required("value", "a text", mistakes, parse_text);
    let label = table.read_required_localized("label", mistakes);
    table.finish(mistakes);
    Some(ChoiceOption {
        value: value?,
        label: label?,
    })
}

fn has_duplicates(options: &[ChoiceOption]) -> bool {
    let mut values = HashSet::new();
    !options.iter().all(|option| values.insert(&option.value))
}
