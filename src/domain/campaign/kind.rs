//! Parses the kind of a field in a campaign file.

use std::collections::HashSet;

use toml::de::DeValue;

use super::table::{Mistakes, Table, integer, text};
use crate::domain::choice::{Choice, Opt};
use crate::domain::field::Kind;
use crate::domain::place::Places;

/// Maximum length of a text answer, in characters. All texts of a form fit in 64 KiB.
const MAX_LETTERS: usize = 2000;
/// Maximum number of options of a choice.
const MAX_OPTIONS: i64 = 1000;

/// Parses the kind of a field and the keys that only this kind has.
pub(super) fn kind(
    table: &mut Table<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
    mistakes: &mut Mistakes,
) -> Option<Kind> {
    let kinds = "text, document, place, choice or photo";
    let name = table.required("kind", kinds, mistakes, text)?;
    match name.as_str() {
        "text" => Some(text_kind(table, mistakes)),
        "document" => Some(Kind::Document),
        "place" => places(table, list, mistakes).map(Kind::Place),
        "choice" => choice(table, mistakes).map(Kind::Choice),
        "photo" => Some(Kind::Photo),
        _ => {
            table.note("kind", mistakes, format!("expected {kinds}"));
            None
        }
    }
}

fn text_kind(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Kind {
    let min = table.count("min", mistakes).unwrap_or(1);
    let max = table.count("max", mistakes).unwrap_or(120);
    if min > max || max > MAX_LETTERS {
        table.note(
            "max",
            mistakes,
            format!("expected min <= max <= {MAX_LETTERS}"),
        );
    }
    Kind::Text { min, max }
}

fn places(
    table: &mut Table<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
    mistakes: &mut Mistakes,
) -> Option<Places> {
    let others = table.flag("others", mistakes);
    if table.value("list").is_none() {
        return Some(Places::open());
    }
    let name = table.optional(
        "list",
        "the name of a CSV file beside this one",
        mistakes,
        text,
    )?;
    let csv = match list(&name) {
        Ok(csv) => csv,
        Err(reason) => {
            table.note("list", mistakes, reason);
            return None;
        }
    };
    match Places::parse(&csv, others) {
        Ok(places) => Some(places),
        Err(wrong) => {
            for (line, what) in wrong {
                table.note("list", mistakes, format!("{name}:{line}: {what}"));
            }
            None
        }
    }
}

fn choice(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Choice> {
    let range = table.optional(
        "range",
        "[first, last] with at most 1000 whole numbers",
        mistakes,
        range,
    );
    let items = table.optional(
        "options",
        "a list of { value, label }",
        mistakes,
        DeValue::as_array,
    );
    match (range, items) {
        (Some((first, last)), None) => Some(Choice::range(first, last)),
        (None, Some(items)) => {
            let offset = table.offset("options");
            let path = table.path("options");
            let options: Option<Vec<Opt>> = items
                .iter()
                .map(|item| {
                    option(
                        Table::new(item.get_ref().as_table()?, item.span().start, &path),
                        mistakes,
                    )
                })
                .collect();
            if options
                .as_ref()
                .is_none_or(|options| options.is_empty() || has_twins(options))
            {
                mistakes.note(
                    offset,
                    &path,
                    "expected options with value and label, each value once",
                );
            }
            options.map(Choice::new)
        }
        _ => {
            table.note(
                "options",
                mistakes,
                "a choice needs either options or range",
            );
            None
        }
    }
}

fn range(value: &DeValue<'_>) -> Option<(i64, i64)> {
    let [first, last] = value.as_array()?.iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let (first, last) = (integer(first.get_ref())?, integer(last.get_ref())?);
    let count = last.checked_sub(first)?;
    (0..MAX_OPTIONS).contains(&count).then_some((first, last))
}

fn option(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Opt> {
    let value = table.required("value", "a text", mistakes, text);
    let label = table.required_localized("label", mistakes);
    table.end(mistakes);
    Some(Opt {
        value: value?,
        label: label?,
    })
}

fn has_twins(options: &[Opt]) -> bool {
    let mut values = HashSet::new();
    !options.iter().all(|option| values.insert(&option.value))
}
