//! Parses the keys of campaigns of kind `vote`: paths of existing programs, and rules for their fields.

use std::collections::{HashMap, HashSet};

use strum::{EnumString, IntoStaticStr};
use toml::de::DeValue;

use super::table::{TableReader, parse_text};
use crate::field::{Field, FieldKind};

/// Maximum number of aliases of a campaign.
const MAX_ALIASES: usize = 20;
/// Maximum length of the path of an alias, in bytes.
const MAX_PATH: usize = 100;
/// Maximum size of the reply of an alias, in bytes.
const MAX_REPLY: usize = 1_000;
/// First segments of paths that the site uses itself.
const RESERVED: [&str; 8] = [
    "api", "c", "healthz", "metrics", "r", "readyz", "staff", "static",
];

/// Kind of records that a campaign takes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum CampaignKind {
    /// Registrations of persons, which staff search, correct and delete.
    #[default]
    Registration,
    /// Votes: many small events that nobody edits.
    Vote,
}

/// A path at which an existing program posts its votes, with its own names of the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Absolute path, such as `/grpc/insert`.
    pub path: String,
    /// Name of a field in the campaign by the name that the program sends.
    pub fields: HashMap<String, String>,
    /// JSON that the program expects after a vote was taken in; `None` for that of the API.
    pub reply: Option<String>,
}

impl Alias {
    /// Returns the name under which the program sends a field, or the name itself.
    pub fn sent_name<'a>(&'a self, field: &'a str) -> &'a str {
        let sent = self.fields.iter().find(|(_, known)| *known == field);
        sent.map_or(field, |(sent, _)| sent)
    }
}

/// Parses `[[aliases]]`.
pub(super) fn read_aliases(root: &mut TableReader<'_>, fields: &[Field]) -> Vec<Alias> {
    let expected = "one [[aliases]] for each path, at most 20";
    let tables = root.read_optional("aliases", expected, |value| {
        let tables = value.as_array()?;
        (tables.len() <= MAX_ALIASES).then_some(tables)
    });
    let (mut aliases, mut paths) = (Vec::new(), HashSet::new());
    for item in tables.into_iter().flatten() {
        let offset = item.span().start;
        let Some(keys) = item.get_ref().as_table() else {
            root.record_error_at(offset, "aliases", "expected [[aliases]] tables");
            continue;
        };
        let mut table = root.nested(keys, offset, "aliases".to_owned());
        let alias = read_alias(&mut table, fields);
        if let Some(alias) = &alias
            && !paths.insert(alias.path.clone())
        {
            table.record_error("path", "another alias has this path");
        }
        table.finish();
        aliases.extend(alias);
    }
    aliases
}

fn read_alias(table: &mut TableReader<'_>, fields: &[Field]) -> Option<Alias> {
    let path = table.read_required(
        "path",
        "an absolute path such as /insert, not one of the site",
        |value| parse_path(value.as_str()?),
    );
    let reply = table.read_optional("reply", "a text with JSON, at most 1000 bytes", |value| {
        let reply = parse_text(value)?;
        let is_json = serde_json::from_str::<serde_json::Value>(&reply).is_ok();
        (is_json && reply.len() <= MAX_REPLY).then_some(reply)
    });
    let names = read_names(table, fields)?;
    Some(Alias {
        path: path?,
        fields: names,
        reply,
    })
}

/// Parses `fields = { artista = "name" }`: the name that the program sends for a field.
fn read_names(table: &mut TableReader<'_>, fields: &[Field]) -> Option<HashMap<String, String>> {
    if table.value("fields").is_none() {
        return Some(HashMap::new());
    }
    let renamed = table.read_table("fields", "a table such as { artista = \"name\" }")?;
    let mut names = HashMap::new();
    for (field, sent) in renamed.entries() {
        let offset = sent.span().start;
        let path = renamed.path(field);
        let known = fields.iter().any(|known| known.name == field);
        match sent.get_ref().as_str() {
            _ if !known => renamed.record_error_at(offset, &path, "no field has this name"),
            Some(sent) if !sent.is_empty() => {
                if names.insert(sent.to_owned(), field.to_owned()).is_some() {
                    renamed.record_error_at(offset, &path, "another field has this name already");
                }
            }
            _ => renamed.record_error_at(offset, &path, "expected the name that programs send"),
        }
    }
    Some(names)
}

fn parse_path(path: &str) -> Option<String> {
    let segments = path.strip_prefix('/')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let good = path.len() <= MAX_PATH
        && segments.split('/').all(|segment| {
            !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(is_plain)
        });
    let first = segments.split('/').next()?;
    (good && !RESERVED.contains(&first)).then(|| path.to_owned())
}

/// Parses `within`, the name of the earlier place field whose answer is the region of this place.
pub(super) fn read_within(table: &mut TableReader<'_>, earlier: &[Field]) -> Option<usize> {
    table.read_optional(
        "within",
        "the name of a place field above this one",
        |value: &DeValue<'_>| {
            let name = value.as_str()?;
            let is_it =
                |field: &Field| field.name == name && matches!(field.kind, FieldKind::Place(_));
            earlier.iter().position(is_it)
        },
    )
}

/// Parameters of the list of votes beside its fields.
const LIST_PARAMETERS: [&str; 7] = [
    "after",
    "before",
    "from",
    "lang",
    "limit",
    "separator",
    "until",
];

/// Records an error for everything that only registrations have, or only votes.
pub(super) fn check_kind(kind: CampaignKind, root: &mut TableReader<'_>, fields: &[Field]) {
    let is_vote = kind == CampaignKind::Vote;
    let other_keys: &[_] = if is_vote {
        &["consent", "retain_days", "proof_of_work"]
    } else {
        &["requires_token", "aliases"]
    };
    for key in other_keys {
        if root.value(key).is_some() {
            let other = if is_vote { "registration" } else { "vote" };
            root.record_error(
                key,
                format!("only campaigns with kind = \"{other}\" have it"),
            );
        }
    }
    for field in fields {
        let path = format!("fields[{}]", field.name);
        let record = |message: &str| root.record_error_at(root.offset("fields"), &path, message);
        let is_of_person = field.personal || field.unique;
        if is_vote && (is_of_person || matches!(field.kind, FieldKind::Document | FieldKind::Photo))
        {
            record("a vote has no photo, no document, and no personal or unique field");
        }
        if is_vote && LIST_PARAMETERS.contains(&field.name.as_str()) {
            let names = LIST_PARAMETERS.join(", ");
            record(&format!(
                "the list of votes has a parameter of this name, as of {names}: choose another one"
            ));
        }
        if !is_vote && field.within.is_some() {
            record("within: only campaigns with kind = \"vote\" have it");
        }
    }
}
