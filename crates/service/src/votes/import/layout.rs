//! Layout of a file of published results: which column answers which field, and which columns are counts.

use std::collections::{HashMap, HashSet};

use csv::StringRecord;

use jornada_domain::{Campaign, text};

/// Layout of a file, by the headings of its columns.
#[derive(Clone, Debug)]
pub struct ResultsLayout {
    /// Field and the heading of its column.
    pub columns: Vec<(String, String)>,
    /// Field and the value that it has in every vote.
    pub constants: Vec<(String, String)>,
    /// The columns with numbers of votes.
    pub counts: CountColumns,
    /// Field, published value, and the value of the campaign.
    pub renames: Vec<(String, String, String)>,
    /// Field and published value of what is not counted, such as null votes.
    pub skips: Vec<(String, String)>,
    /// Separator of columns, one ASCII character.
    pub delimiter: u8,
}

/// Columns with numbers of votes.
#[derive(Clone, Debug)]
pub enum CountColumns {
    /// One column: each line has one option.
    One(String),
    /// A column for each option of a field; its heading is the option.
    ForEach {
        /// The field.
        field: String,
        /// The headings.
        headings: Vec<String>,
    },
}

/// Why a layout fits neither campaign nor file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The campaign has no such field.
    #[error("the campaign has no field '{field}': it has {}", .known.join(", "))]
    UnknownField {
        /// Name that was given.
        field: String,
        /// Fields of the campaign.
        known: Vec<String>,
    },
    /// A field would have two values.
    #[error("the field '{0}' is given twice")]
    FieldTwice(String),
    /// A required field would have no value.
    #[error("the required field '{0}' has neither a column nor a fixed value")]
    FieldMissing(String),
    /// The file has no such column.
    #[error("no column has the heading '{heading}': the file has {}", .known.join(", "))]
    UnknownColumn {
        /// Heading that was given.
        heading: String,
        /// Headings of the file.
        known: Vec<String>,
    },
    /// A column with numbers of votes is given more than once.
    #[error("the column '{0}' is given twice")]
    CountTwice(String),
    /// Two columns of the file have this heading.
    #[error("two columns have the heading '{0}'")]
    ColumnTwice(String),
}

/// The places of the columns in the lines of a file.
#[derive(Clone, Debug)]
pub(super) struct ColumnPlaces {
    /// Field and index of its column.
    pub fields: Vec<(String, usize)>,
    /// Index of each column with a number of votes, and the field and option that it stands for.
    pub counts: Vec<(usize, Option<(String, String)>)>,
}

/// Published values that have another name in the campaign, or are skipped. Capitals and accents do not matter.
#[derive(Clone, Debug)]
pub(super) struct PublishedValues {
    renames: HashMap<(String, String), String>,
    skips: HashSet<(String, String)>,
}

impl ResultsLayout {
    /// Checks that each field of the campaign has at most one value, and each required one has one.
    pub fn check(&self, campaign: &Campaign) -> Result<(), LayoutError> {
        let mut given = HashSet::new();
        let columns = self.columns.iter().map(|(field, _)| field);
        let constants = self.constants.iter().map(|(field, _)| field);
        let wide = match &self.counts {
            CountColumns::One(_) => None,
            CountColumns::ForEach { field, .. } => Some(field),
        };
        for field in columns.chain(constants).chain(wide) {
            known_field(campaign, field)?;
            if !given.insert(field) {
                return Err(LayoutError::FieldTwice(field.clone()));
            }
        }
        let renamed = self.renames.iter().map(|(field, ..)| field);
        for field in renamed.chain(self.skips.iter().map(|(field, _)| field)) {
            known_field(campaign, field)?;
        }
        let mut required = campaign.fields.iter().filter(|field| field.required);
        match required.find(|field| !given.contains(&field.name)) {
            Some(field) => Err(LayoutError::FieldMissing(field.name.clone())),
            None => Ok(()),
        }
    }

    /// Finds the columns in the heading of a file.
    pub(super) fn find_columns(&self, heading: &StringRecord) -> Result<ColumnPlaces, LayoutError> {
        let find = |name: &String| find_column(heading, name);
        let fields = self.columns.iter();
        let fields = fields.map(|(field, name)| Ok((field.clone(), find(name)?)));
        let fields: Vec<_> = fields.collect::<Result<_, _>>()?;
        let counts: Vec<_> = match &self.counts {
            CountColumns::One(name) => vec![(find(name)?, None)],
            CountColumns::ForEach { field, headings } => {
                let option = |name: &String| Some((field.clone(), name.clone()));
                let counts = headings.iter().map(|name| Ok((find(name)?, option(name))));
                counts.collect::<Result<_, _>>()?
            }
        };
        let mut used: HashSet<_> = fields.iter().map(|(_, place)| *place).collect();
        match counts.iter().find(|(place, _)| !used.insert(*place)) {
            Some((place, _)) => {
                let name = heading.get(*place).unwrap_or_default();
                Err(LayoutError::CountTwice(name.to_owned()))
            }
            None => Ok(ColumnPlaces { fields, counts }),
        }
    }
}

fn known_field(campaign: &Campaign, field: &str) -> Result<(), LayoutError> {
    if campaign.field(field).is_some() {
        return Ok(());
    }
    let known = campaign.fields.iter().map(|field| field.name.clone());
    Err(LayoutError::UnknownField {
        field: field.to_owned(),
        known: known.collect(),
    })
}

fn find_column(heading: &StringRecord, name: &str) -> Result<usize, LayoutError> {
    let mut found = heading
        .iter()
        .enumerate()
        .filter(|(_, known)| *known == name);
    let Some((index, _)) = found.next() else {
        let known = heading.iter().map(|known| format!("'{known}'"));
        return Err(LayoutError::UnknownColumn {
            heading: name.to_owned(),
            known: known.collect(),
        });
    };
    match found.next() {
        Some(_) => Err(LayoutError::ColumnTwice(name.to_owned())),
        None => Ok(index),
    }
}

impl PublishedValues {
    pub(super) fn new(layout: &ResultsLayout) -> Self {
        let key = |field: &String, value: &str| (field.clone(), text::fold(value));
        let renames = layout.renames.iter();
        let skips = layout.skips.iter();
        Self {
            renames: renames
                .map(|(field, published, value)| (key(field, published), value.clone()))
                .collect(),
            skips: skips
                .map(|(field, published)| key(field, published))
                .collect(),
        }
    }

    /// Returns the value of the campaign, or `None` for one that is skipped.
    pub(super) fn translate(&self, field: &str, published: &str) -> Option<String> {
        if self.renames.is_empty() && self.skips.is_empty() {
            return Some(published.to_owned());
        }
        let key = (field.to_owned(), text::fold(published));
        if self.skips.contains(&key) {
            return None;
        }
        let renamed = self.renames.get(&key).map_or(published, String::as_str);
        Some(renamed.to_owned())
    }
}
