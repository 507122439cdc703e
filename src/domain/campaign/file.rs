//! Parses the TOML file of a campaign: every known key, and all errors at once.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml::de::{DeTable, DeValue};

use super::keep::retention;
use super::kind::kind;
use super::table::{Mistake, Mistakes, Table, integer, text};
use super::{Campaign, CampaignId};
use crate::domain::answers::CONSENT;
use crate::domain::field::{Field, Kind};

/// Range of `proof_of_work`: from an instant to about ten seconds of computing.
const WORK: std::ops::RangeInclusive<i64> = 1_000..=5_000_000;

/// Maximum number of fields of a campaign.
const MAX_FIELDS: usize = 40;

impl Campaign {
    /// Parses a campaign file. `list` reads the CSV file of a place list by its name.
    ///
    /// # Errors
    /// All errors, in the order of the lines.
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
    let title = table.required_localized("title", mistakes);
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
    let proof_of_work = table.optional(
        "proof_of_work",
        "a whole number from 1000 to 5000000, such as 50000",
        mistakes,
        |value| u32::try_from(integer(value).filter(|most| WORK.contains(most))?).ok(),
    );
    let fields = fields(&mut table, list, mistakes);
    let retention = retention(&mut table, mistakes);
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
        retention,
        proof_of_work,
        fields,
    })
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
    let label = table.required_localized("label", mistakes);
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
            .replace("time_zone =", "proof_of_work = 10\ntime_zone =")
            .replace("max = 120", "max = \"many\"\nmost = 3")
            .replace("lista.csv", "otra.csv")
            .replace("required = true\npersonal = true\nmin", "required = 1\nmin");
        let found = mistakes(&wrong).join("\n");
        for expected in [
            "1: id: expected",
            "fields[nombre].required: expected true or false",
            "proof_of_work: expected a whole number from 1000",
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
    fn days_of_keeping_are_read_and_checked() {
        let with =
            |days: &str| EXAMPLE.replace("title =", &format!("retain_days = {days}\ntitle ="));
        assert_eq!(mistakes(&with("{ answers = 365, photos = 30 }")), [""; 0]);
        // The campaign no longer asks for a photo; the period still applies to photos stored earlier.
        let (fields, _) = EXAMPLE.rsplit_once("[[fields]]").unwrap();
        let fields = fields.replace("title =", "retain_days = { photos = 30 }\ntitle =");
        assert_eq!(mistakes(&fields), [""; 0]);
        for (days, expected) in [
            (
                "{ answers = 30, photos = 31 }",
                "retain_days.photos: photos cannot outlive",
            ),
            (
                "{ answers = 9999 }",
                "retain_days.answers: expected a number of days",
            ),
            ("{ answer = 1 }", "retain_days.answer: unknown key"),
            ("30", "retain_days: expected a table"),
        ] {
            let found = mistakes(&with(days)).join("\n");
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
