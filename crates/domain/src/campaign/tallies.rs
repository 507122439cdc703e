//! Parses the `[[tallies]]` of a campaign file, and answers which fields they count.

use std::collections::HashSet;

use toml::Spanned;
use toml::de::DeValue;

use super::Campaign;
use super::table::{TableReader, parse_integer, parse_text};
use crate::answers::Answers;
use crate::campaign_id::CampaignId;
use crate::field::{Field, FieldKind};
use crate::tally::{DEFAULT_TOP, Tally};

/// Maximum number of tallies of a campaign.
const MAX_TALLIES: usize = 10;
/// Maximum number of fields by which a tally groups.
const MAX_KEY_FIELDS: usize = 3;
/// Maximum of `suppress_below`.
const MAX_SUPPRESS_BELOW: u64 = 1_000;
/// Default of `suppress_below` in campaigns that ask for personal data.
const SUPPRESS_BELOW_WITH_PERSONS: u64 = 5;
/// Ids that no tally may have: the path of the events of all tallies, and the parameters of the results page.
const RESERVED_IDS: [&str; 4] = ["events", "lang", "q", "screen"];

impl Campaign {
    /// Returns the tallies that everyone may see; the first is the chart.
    pub fn public_tallies(&self) -> impl Iterator<Item = &Tally> {
        self.tallies.iter().filter(|tally| tally.is_public)
    }

    /// Returns whether the results page shows more than the chart.
    pub fn has_results(&self) -> bool {
        self.is_vote() || self.public_tallies().count() > 1
    }

    /// Returns whether everyone may see single votes and when they came: no public tally hides a count.
    pub fn shows_votes(&self) -> bool {
        self.is_vote() && self.public_tallies().all(|tally| tally.listed_from() <= 1)
    }

    /// Returns whether small counts are hidden in several public tallies or beside another one: subtracted from one
    /// another, these can tell them.
    pub fn has_tallies_that_tell_small_counts(&self) -> bool {
        let hides = |tally: &Tally| tally.suppress_below > 1;
        self.public_tallies().count() > 1 && self.public_tallies().any(hides)
    }

    /// Returns the tally of the staff area: all registrations by the tally field.
    pub fn staff_tally(&self) -> Option<&Tally> {
        let field = self.fields.iter().position(|field| field.tally)?;
        let plain = |tally: &&Tally| tally.is_plain_count_of(field);
        self.tallies.iter().find(plain)
    }

    /// Returns the indexes of the fields that any tally groups or filters by, ascending.
    pub fn counted_fields(&self) -> Vec<usize> {
        counted_fields(&self.tallies)
    }

    /// Returns whether the counted answers are the stored tally value, which only registrations have: the answers to one
    /// field with a closed list.
    pub fn counts_stored_value(&self) -> bool {
        if self.is_vote() {
            return false;
        }
        let counted = self.counted_fields();
        let field = counted.first().map(|index| &self.fields[*index]);
        counted.len() == 1
            && field.is_some_and(|field| field.tally && field.closed_values().is_some())
    }

    /// Returns the answers to [`counted_fields`](Self::counted_fields) as typed, empty where there is none.
    pub fn counted_answers(&self, answers: &Answers) -> Vec<String> {
        let fields = self.counted_fields().into_iter();
        fields
            .map(|field| answers.get(field).unwrap_or_default().to_owned())
            .collect()
    }
}

fn counted_fields(tallies: &[Tally]) -> Vec<usize> {
    let used = |tally: &Tally| {
        let filtered = tally.filter.iter().map(|(field, _)| *field);
        tally.by.iter().copied().chain(filtered).collect::<Vec<_>>()
    };
    let mut fields: Vec<_> = tallies.iter().flat_map(used).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// Parses the tallies, or creates the one of a file without `[[tallies]]`, and marks the fields that they count. A tally
/// of the tally field is always there, because lists of the staff need it.
pub(super) fn read_tallies(root: &mut TableReader<'_>, fields: &mut [Field]) -> Vec<Tally> {
    let suppress_below = if fields.iter().any(|field| field.personal) {
        SUPPRESS_BELOW_WITH_PERSONS
    } else {
        0
    };
    let staff_field = fields.iter().position(|field| field.tally);
    let plain = staff_field.map(|index| Tally::by_field(index, &fields[index]));
    let mut tallies = if root.value("tallies").is_some() {
        read_tables(root, fields, suppress_below)
    } else {
        let chart = plain.clone().into_iter();
        chart
            .map(|tally| Tally {
                suppress_below,
                ..tally
            })
            .collect()
    };
    if let (Some(index), Some(plain)) = (staff_field, plain)
        && !tallies.iter().any(|tally| tally.is_plain_count_of(index))
    {
        tallies.push(Tally {
            // No file can have this id.
            id: format!("_{}", plain.id),
            is_public: false,
            ..plain
        });
    }
    for index in counted_fields(&tallies) {
        fields[index].is_counted = true;
    }
    tallies
}

fn read_tables(root: &mut TableReader<'_>, fields: &[Field], suppress_below: u64) -> Vec<Tally> {
    let expected = "one [[tallies]] for each tally, at least one and at most 10";
    let tables = root.read_optional("tallies", expected, |value| {
        let tables = value.as_array()?;
        (1..=MAX_TALLIES).contains(&tables.len()).then_some(tables)
    });
    let all_fields = root.value("fields");
    let names = all_fields.and_then(|value| value.get_ref().as_array());
    let names: Vec<_> = names.into_iter().flatten().filter_map(name_of).collect();
    let (mut tallies, mut ids) = (Vec::new(), HashSet::new());
    for (number, item) in tables.into_iter().flatten().enumerate() {
        let offset = item.span().start;
        let Some(keys) = item.get_ref().as_table() else {
            root.record_error_at(offset, "tallies", "expected [[tallies]] tables");
            continue;
        };
        let id = keys.get("id").and_then(|id| parse_text(id.get_ref()));
        let id = id.unwrap_or_else(|| (number + 1).to_string());
        let mut table = root.nested(keys, offset, format!("tallies[{id}]"));
        if !ids.insert(id) {
            table.record_error("id", "another tally has this id");
        }
        let scope = FieldScope {
            fields,
            names: &names,
        };
        let tally = read_tally(&mut table, &scope, suppress_below);
        table.finish();
        tallies.extend(tally);
    }
    tallies
}

fn read_tally(
    table: &mut TableReader<'_>,
    scope: &FieldScope<'_>,
    suppress_below: u64,
) -> Option<Tally> {
    let id = table.read_required(
        "id",
        "1 to 40 of a-z, 0-9 and -, and not 'events', 'lang', 'q' or 'screen'",
        |value| {
            let id = CampaignId::parse(value.as_str()?)?;
            (!RESERVED_IDS.contains(&id.as_str())).then(|| id.to_string())
        },
    );
    let title = table.read_localized("title");
    let by = scope.read_by(table);
    let conditions = scope.read_where(table, by.as_deref().unwrap_or_default());
    let top = table.read_optional("top", "a whole number from 1 to 500", |value| {
        let top = usize::try_from(parse_integer(value)?).ok()?;
        (1..=DEFAULT_TOP).contains(&top).then_some(top)
    });
    let chart = table.read_optional("chart", "bar, share or line", |value| {
        value.as_str()?.parse().ok()
    });
    let below = table.read_optional("suppress_below", "a whole number from 0 to 1000", |value| {
        let below = u64::try_from(parse_integer(value)?).ok()?;
        (below <= MAX_SUPPRESS_BELOW).then_some(below)
    });
    let (filter, filter_labels) = conditions?.into_iter().unzip();
    Some(Tally {
        id: id?,
        title,
        by: by?,
        filter,
        filter_labels,
        top,
        chart: chart.unwrap_or_default(),
        suppress_below: below.unwrap_or(suppress_below),
        is_public: true,
    })
}

/// Index of a field and its counted value, and the value as people see it.
type Condition = ((usize, String), String);

/// The fields that a tally may name.
struct FieldScope<'a> {
    /// Fields without mistakes.
    fields: &'a [Field],
    /// Names of all fields. One that is not in `fields` has a mistake of its own.
    names: &'a [&'a str],
}

impl FieldScope<'_> {
    fn read_by(&self, table: &mut TableReader<'_>) -> Option<Vec<usize>> {
        let expected = "1 to 3 names of fields, such as [\"ciudad\"]";
        let items = table.read_required("by", expected, |value| {
            let items = value.as_array()?;
            (1..=MAX_KEY_FIELDS).contains(&items.len()).then_some(items)
        })?;
        let mut by = Vec::new();
        let path = table.path("by");
        for item in items {
            let offset = item.span().start;
            let Some(name) = item.get_ref().as_str() else {
                table.record_error_at(offset, &path, format!("expected {expected}"));
                continue;
            };
            match self.find(name) {
                Ok(Some(index)) if by.contains(&index) => {
                    table.record_error_at(offset, &path, format!("'{name}' is in it twice"));
                }
                Ok(index) => by.extend(index),
                Err(message) => table.record_error_at(offset, &path, message),
            }
        }
        (by.len() == items.len()).then_some(by)
    }

    fn read_where(&self, table: &mut TableReader<'_>, by: &[usize]) -> Option<Vec<Condition>> {
        if table.value("where").is_none() {
            return Some(Vec::new());
        }
        let conditions = table.read_table("where", "a table such as { ciudad = \"Cali\" }")?;
        let (mut filter, mut wrong) = (Vec::new(), false);
        for (name, value) in conditions.entries() {
            let offset = value.span().start;
            let condition = match self.find(name) {
                Ok(Some(index)) if by.contains(&index) => Err(format!(
                    "'{name}' is in by already: filter by another field"
                )),
                Ok(Some(index)) => self.read_condition(index, value.get_ref()).map(Some),
                Ok(None) => Ok(None),
                Err(message) => Err(message),
            };
            match condition {
                Ok(Some(condition)) => filter.push(condition),
                Ok(None) => wrong = true,
                Err(message) => {
                    wrong = true;
                    conditions.record_error_at(offset, &conditions.path(name), message);
                }
            }
        }
        (!wrong).then_some(filter)
    }

    fn read_condition(&self, index: usize, value: &DeValue<'_>) -> Result<Condition, String> {
        let field = &self.fields[index];
        let text = parse_text(value).or_else(|| Some(parse_integer(value)?.to_string()));
        let text = text.ok_or("expected a value of the field")?;
        let is_countable = |value: &String| {
            field.closed_values().is_some() || value.chars().any(char::is_alphanumeric)
        };
        match field.tally_value_of(&text) {
            Ok(Some(value)) if is_countable(&value) => {
                let label = field.listed_value(&text).unwrap_or(text);
                Ok(((index, value), label))
            }
            _ => Err(format!("'{text}' is not an answer to '{}'", field.name)),
        }
    }

    /// Finds the index of a field that may be counted; `None` for one that has a mistake of its own.
    fn find(&self, name: &str) -> Result<Option<usize>, String> {
        let index = self.fields.iter().position(|field| field.name == name);
        let Some(index) = index else {
            let is_declared = self.names.contains(&name);
            let names = self.names.join(", ");
            let unknown = || format!("no field is named '{name}': expected one of {names}");
            return is_declared.then_some(None).ok_or_else(unknown);
        };
        let field = &self.fields[index];
        match field.kind {
            _ if field.personal => Err(format!("'{name}' is personal: everyone sees a tally")),
            FieldKind::Document | FieldKind::Photo => Err(format!(
                "'{name}' is a document or photo: expected a place, choice, integer or text"
            )),
            FieldKind::Text { .. }
            | FieldKind::Place(_)
            | FieldKind::Choice(_)
            | FieldKind::Integer { .. } => Ok(Some(index)),
        }
    }
}

fn name_of<'t>(field: &'t Spanned<DeValue<'t>>) -> Option<&'t str> {
    field.get_ref().as_table()?.get("name")?.get_ref().as_str()
}

#[cfg(test)]
mod tests;
