//! Parses the TOML file of a campaign: every known key, and all errors at once.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml::de::{DeTable, DeValue};

use super::Campaign;
use super::kind::read_kind;
use super::retention::read_retention;
use super::table::{CampaignFileError, CampaignFileErrors, TableReader, parse_integer, parse_text};
use super::tallies::read_tallies;
use super::votes::{check_kind, read_aliases, read_within};
use crate::answers::CONSENT;
use crate::campaign_id::CampaignId;
use crate::field::{Field, FieldKind};

/// Range of `proof_of_work`: up to about ten seconds of computing.
const PROOF_OF_WORK_RANGE: std::ops::RangeInclusive<u32> = 1_000..=5_000_000;

/// Maximum number of fields of a campaign.
const MAX_FIELDS: usize = 40;

impl Campaign {
    /// Parses a campaign file. `read_list` reads the CSV file of a place list by its name. Returns all
    /// errors, in the order of the lines.
    pub fn parse(
        file: &str,
        read_list: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Vec<CampaignFileError>> {
        let errors = CampaignFileErrors::new(file);
        let campaign = match DeTable::parse(file) {
            Ok(root) => read_campaign(TableReader::new(root.get_ref(), &errors), &read_list),
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                errors.record(offset, "TOML", error.message());
                None
            }
        };
        let errors = errors.into_sorted();
        campaign.filter(|_| errors.is_empty()).ok_or(errors)
    }
}

fn read_campaign(
    mut table: TableReader<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
) -> Option<Campaign> {
    let id = table.read_required("id", "1 to 40 of a-z, 0-9 and -", |value| {
        CampaignId::parse(value.as_str()?)
    });
    let kind = table.read_optional("kind", "registration or vote", |value| {
        value.as_str()?.parse().ok()
    });
    let kind = kind.unwrap_or_default();
    let is_default = table.read_flag("default");
    let is_unlisted = table.read_flag("unlisted");
    let title = table.read_required_localized("title");
    let intro = table.read_localized("intro").unwrap_or_default();
    let consent = table.read_localized("consent");
    let opens_at = read_timestamp(&mut table, "opens_at");
    let closes_at = read_timestamp(&mut table, "closes_at");
    let time_zone = table.read_required(
        "time_zone",
        "a name of the tz database, such as America/Bogota",
        |value| TimeZone::get(value.as_str()?).ok(),
    );
    let period = opens_at.zip(closes_at);
    if period.is_some_and(|(opens, closes)| opens >= closes) {
        table.record_error("closes_at", "must be after opens_at");
    }
    let proof_of_work = table.read_optional(
        "proof_of_work",
        "a whole number from 1000 to 5000000, such as 50000",
        |value| {
            let max = u32::try_from(parse_integer(value)?).ok()?;
            PROOF_OF_WORK_RANGE.contains(&max).then_some(max)
        },
    );
    let mut fields = read_fields(&mut table, list);
    let tallies = read_tallies(&mut table, &mut fields);
    let retention = read_retention(&mut table);
    let requires_token = table.read_flag("requires_token");
    let aliases = read_aliases(&mut table, &fields);
    check_kind(kind, &mut table, &fields);
    table.finish();
    Some(Campaign {
        id: id?,
        kind,
        is_default,
        is_unlisted,
        title: title?,
        intro,
        consent,
        opens_at: opens_at?,
        closes_at: closes_at?,
        time_zone: time_zone?,
        retention,
        proof_of_work,
        fields,
        tallies,
        requires_token,
        aliases,
    })
}

fn read_timestamp(table: &mut TableReader<'_>, key: &'static str) -> Option<Timestamp> {
    table.read_required(
        key,
        "a time with offset, such as 2026-11-21T06:00:00-05:00",
        |value| value.as_datetime()?.to_string().parse().ok(),
    )
}

fn read_fields(
    root: &mut TableReader<'_>,
    list: &dyn Fn(&str) -> Result<String, String>,
) -> Vec<Field> {
    let tables = root.read_required(
        "fields",
        "one [[fields]] for each question",
        DeValue::as_array,
    );
    let (mut fields, mut is_complete) = (Vec::new(), true);
    for (number, item) in tables.into_iter().flatten().enumerate() {
        let offset = item.span().start;
        let Some(keys) = item.get_ref().as_table() else {
            root.record_error_at(offset, "fields", "expected [[fields]] tables");
            continue;
        };
        let name = keys.get("name").and_then(|name| parse_text(name.get_ref()));
        let name = name.unwrap_or_else(|| (number + 1).to_string());
        let table = root.nested(keys, offset, format!("fields[{name}]"));
        let field = read_field(table, &fields, list);
        is_complete &= field.is_some();
        fields.extend(field);
    }
    check_fields(&fields, is_complete, root);
    fields
}

/// Checks the fields together. One that could not be read may be the missing one.
fn check_fields(fields: &[Field], is_complete: bool, root: &TableReader<'_>) {
    let mut names = HashSet::new();
    for field in fields.iter().filter(|field| !names.insert(&field.name)) {
        root.record_error("fields", format!("two fields are named '{}'", field.name));
    }
    let count = |is: fn(&Field) -> bool| fields.iter().filter(|field| is(field)).count();
    let tallied = count(|field| field.tally);
    if tallied > 1 || (tallied == 0 && is_complete) {
        root.record_error(
            "fields",
            "exactly one field must have tally = true, also with [[tallies]]: it names the field of lists, reports and \
             places of staff",
        );
    }
    if count(|field| field.unique) > 1 {
        root.record_error("fields", "at most one field may have unique = true");
    }
    if count(Field::is_photo) > 1 {
        root.record_error("fields", "at most one field may be a photo");
    }
    if fields.len() > MAX_FIELDS {
        root.record_error("fields", format!("at most {MAX_FIELDS} fields"));
    }
}

fn read_field(
    mut table: TableReader<'_>,
    earlier: &[Field],
    list: &dyn Fn(&str) -> Result<String, String>,
) -> Option<Field> {
    let name = table.read_required(
        "name",
        "a letter and then a-z, 0-9 or _, at most 40; not 'consent'",
        parse_field_name,
    );
    let label = table.read_required_localized("label");
    let hint = table.read_localized("hint");
    let kind = read_kind(&mut table, list);
    let field = Field {
        name: name.unwrap_or_default(),
        label: label.unwrap_or_default(),
        hint,
        required: table.read_flag("required"),
        unique: table.read_flag("unique"),
        personal: table.read_flag("personal"),
        tally: table.read_flag("tally"),
        is_counted: false,
        within: read_within(&mut table, earlier),
        autocomplete: table.read_optional("autocomplete", "an HTML autofill token", parse_text),
        kind: kind?,
    };
    if field.tally
        && (field.personal
            || !field.required
            || !matches!(field.kind, FieldKind::Place(_) | FieldKind::Choice(_)))
    {
        table.record_error(
            "tally",
            "a field with tally = true must be a required place or choice, and not personal",
        );
    }
    if field.unique && field.is_photo() {
        table.record_error("unique", "a photo cannot be unique");
    }
    table.finish();
    Some(field)
}

fn parse_field_name(value: &DeValue<'_>) -> Option<String> {
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
    use crate::campaign::tests::EXAMPLE;

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
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
        assert!(
            !found.contains("must have tally"),
            "one cause, one message:\n{found}"
        );
        let none = mistakes(&EXAMPLE.replace("tally = true", "tally = false"));
        assert!(none[0].contains("exactly one field must have tally"));
    }

    #[test]
    fn a_list_with_a_mistake_has_one_message() {
        for (csv, count) in [
            (
                "name,region\nArmenia,Quindío\nArmenia,Antioquia\nLa Unión,Nariño\n",
                0,
            ),
            ("name,region\nArmenia,Quindío\nARMENIA,Quindio\n", 1),
            ("name,region\nArmenia\n", 1),
        ] {
            let read = Campaign::parse(EXAMPLE, |_| Ok(csv.to_owned()));
            assert_eq!(
                read.err().map_or(0, |mistakes| mistakes.len()),
                count,
                "{csv}"
            );
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
