//! The TOML file of a campaign: every key that it may have, and what is wrong with those that it has.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml::de::{DeTable, DeValue};

use super::table::{Mistake, Mistakes, Table, integer, text};
use super::{Campaign, CampaignId};
use crate::domain::answers::CONSENT;
use crate::domain::choice::{Choice, Opt};
use crate::domain::field::{Field, Kind};
use crate::domain::lang::Localized;
use crate::domain::place::Places;

/// Longest answer that a text field may ask for, in characters: all texts of a form fit in 64 KiB.
const MAX_LETTERS: usize = 2000;
/// Most options of a choice, and most fields of a campaign.
const MAX_OPTIONS: i64 = 1000;
const MAX_FIELDS: usize = 40;

impl Campaign {
    /// Reads a campaign file; `list` fetches a place list's CSV by the name that the file gives.
    ///
    /// # Errors
    /// Every mistake, in the order of the lines.
    pub fn parse(
        file: &str,
        list: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Mistakes::of(file);
        let campaign = match DeTable::parse(file) {
            Ok(root) => campaign(root.get_ref(), &list, &mut mistakes),
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                mistakes.note(offset, "TOML", error.message());
                None
            }
        };
        mistakes.found.sort_by_key(|mistake| mistake.line);
        campaign
            .filter(|_| mistakes.found.is_empty())
            .ok_or(mistakes.found)
    }
}

fn campaign(
    root: &DeTable<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
    mistakes: &mut Mistakes,
) -> Option<Campaign> {
    let mut table = Table::new(root, 0, "");
    let id = table.required("id", "1 to 40 of a-z, 0-9 and -", mistakes, |value| {
        CampaignId::parse(value.as_str()?)
    });
    let is_default = table.flag("default", mistakes);
    let title = required_words(&mut table, "title", mistakes);
    let intro = table.localized("intro", mistakes).unwrap_or_default();
    let consent = table.localized("consent", mistakes);
    let opens_at = moment(&mut table, "opens_at", mistakes);
    let closes_at = moment(&mut table, "closes_at", mistakes);
    let time_zone = table.required(
        "time_zone",
        "a name of the tz database, such as America/Bogota",
        mistakes,
        |value| TimeZone::get(value.as_str()?).ok(),
    );
    if opens_at
        .zip(closes_at)
        .is_some_and(|(opens, closes)| opens >= closes)
    {
        table.note("closes_at", mistakes, "must be after opens_at");
    }
    let fields = fields(&mut table, list, mistakes);
    table.end(mistakes);
    Some(Campaign {
        id: id?,
        is_default,
        title: title?,
        intro,
        consent,
        opens_at: opens_at?,
        closes_at: closes_at?,
        time_zone: time_zone?,
        fields,
    })
}

fn required_words(
    table: &mut Table<'_>,
    key: &'static str,
    mistakes: &mut Mistakes,
) -> Option<Localized> {
    table.required(key, "a text in es and en", mistakes, |_| Some(()))?;
    table.localized(key, mistakes)
}

fn moment(table: &mut Table<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<Timestamp> {
    table.required(
        key,
        "a time with offset, such as 2026-11-21T06:00:00-05:00",
        mistakes,
        |value| value.as_datetime()?.to_string().parse().ok(),
    )
}

fn fields(
    root: &mut Table<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
    mistakes: &mut Mistakes,
) -> Vec<Field> {
    let tables = root.required(
        "fields",
        "one [[fields]] for each question",
        mistakes,
        DeValue::as_array,
    );
    let mut fields = Vec::new();
    for (number, item) in tables.into_iter().flatten().enumerate() {
        let offset = item.span().start;
        let Some(keys) = item.get_ref().as_table() else {
            mistakes.note(offset, "fields", "expected [[fields]] tables");
            continue;
        };
        let name = keys.get("name").and_then(|name| text(name.get_ref()));
        let place = format!(
            "fields[{}]",
            name.unwrap_or_else(|| (number + 1).to_string())
        );
        fields.extend(field(Table::new(keys, offset, &place), list, mistakes));
    }
    check_together(&fields, root, mistakes);
    fields
}

fn check_together(fields: &[Field], root: &Table<'_>, mistakes: &mut Mistakes) {
    let mut names = HashSet::new();
    for field in fields.iter().filter(|field| !names.insert(&field.name)) {
        root.note(
            "fields",
            mistakes,
            format!("two fields are named '{}'", field.name),
        );
    }
    let times = |is: fn(&Field) -> bool| fields.iter().filter(|field| is(field)).count();
    if times(|field| field.tally) != 1 {
        root.note(
            "fields",
            mistakes,
            "exactly one field must have tally = true",
        );
    }
    if times(|field| field.unique) > 1 {
        root.note(
            "fields",
            mistakes,
            "at most one field may have unique = true",
        );
    }
    if times(Field::is_photo) > 1 {
        root.note("fields", mistakes, "at most one field may be a photo");
    }
    if fields.len() > MAX_FIELDS {
        root.note("fields", mistakes, format!("at most {MAX_FIELDS} fields"));
    }
}

fn field(
    mut table: Table<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
    mistakes: &mut Mistakes,
) -> Option<Field> {
    let name = table.required(
        "name",
        "a letter and then a-z, 0-9 or _, at most 40; not 'consent'",
        mistakes,
        field_name,
    );
    let label = required_words(&mut table, "label", mistakes);
    let hint = table.localized("hint", mistakes);
    let kind = kind(&mut table, list, mistakes);
    let field = Field {
        name: name.unwrap_or_default(),
        label: label.unwrap_or_default(),
        hint,
        required: table.flag("required", mistakes),
        unique: table.flag("unique", mistakes),
        personal: table.flag("personal", mistakes),
        tally: table.flag("tally", mistakes),
        autocomplete: table.optional("autocomplete", "an HTML autofill token", mistakes, text),
        kind: kind?,
    };
    if field.tally
        && (field.personal
            || !field.required
            || !matches!(field.kind, Kind::Place(_) | Kind::Choice(_)))
    {
        table.note("tally", mistakes, "a tallied field must be a required place or choice, and not personal: everyone sees its totals");
    }
    if field.unique && field.is_photo() {
        table.note("unique", mistakes, "a photo cannot be unique");
    }
    table.end(mistakes);
    Some(field)
}

fn field_name(value: &DeValue<'_>) -> Option<String> {
    let name = value.as_str()?;
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let good = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(known);
    (good && name != CONSENT).then(|| name.to_owned())
}

fn kind(
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
    let label = required_words(&mut table, "label", mistakes);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::tests::EXAMPLE;

    fn mistakes(file: &str) -> Vec<String> {
        let list = |name: &str| match name {
            "lista.csv" => Ok("name,region\nBogotá,Bogotá D.C.\n".into()),
            other => Err(format!("cannot read {other}")),
        };
        match Campaign::parse(file, list) {
            Ok(_) => Vec::new(),
            Err(found) => found.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_example_is_right() {
        assert_eq!(mistakes(EXAMPLE), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_has_its_line_and_place() {
        let wrong = EXAMPLE
            .replace("\"vacunacion\"", "\"Vacunación\"")
            .replace("kind = \"document\"", "kind = \"passport\"")
            .replace("max = 120", "max = \"many\"\nmost = 3")
            .replace("lista.csv", "otra.csv")
            .replace("required = true\npersonal = true\nmin", "required = 1\nmin");
        let found = mistakes(&wrong).join("\n");
        for expected in [
            "1: id: expected",
            "fields[nombre].required: expected true or false",
            "fields[nombre].max: expected a whole number",
            "fields[nombre].most: unknown key",
            "fields[documento].kind: expected text, document",
            "fields[ciudad].list: cannot read otra.csv",
            "fields: exactly one field must have tally",
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
    }

    #[test]
    fn a_file_that_is_not_toml_is_a_mistake_too() {
        assert!(mistakes("id = \n")[0].starts_with("1: TOML: "));
        assert!(!mistakes("").is_empty());
        assert!(
            mistakes("fields = 3")
                .iter()
                .any(|m| m.contains("[[fields]]"))
        );
    }
}
