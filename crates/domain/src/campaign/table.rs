//! Reads one table of a campaign file and records every error with its line instead of stopping at the first.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::lang::Localized;

/// An error in a campaign file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignFileError {
    /// Line in the file, from 1.
    pub line: usize,
    /// Path within the file: `title.es`, `fields[nombre].min`.
    pub path: String,
    /// Problem and expected value.
    pub message: String,
}

impl fmt::Display for CampaignFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.line, self.path, self.message)
    }
}

/// Collects the errors of a file.
pub(super) struct CampaignFileErrors<'a> {
    text: &'a str,
    pub(super) errors: Vec<CampaignFileError>,
}

impl<'a> CampaignFileErrors<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let errors = Vec::new();
        Self { text, errors }
    }

    pub(super) fn record(&mut self, offset: usize, path: &str, message: impl Into<String>) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        self.errors.push(CampaignFileError {
            line: 1 + before.matches('\n').count(),
            path: path.to_owned(),
            message: message.into(),
        });
    }
}

/// Reads a table and remembers which keys were read, to find unknown ones.
pub(super) struct TableReader<'t> {
    keys: &'t DeTable<'t>,
    offset: usize,
    path: String,
    known: Vec<&'static str>,
}

impl<'t> TableReader<'t> {
    pub(super) fn new(keys: &'t DeTable<'t>, offset: usize, path: &str) -> Self {
        Self {
            keys,
            offset,
            path: path.to_owned(),
            known: Vec::new(),
        }
    }

    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Returns the byte offset of a key's value, or of the table if the key is missing.
    pub(super) fn offset(&self, key: &str) -> usize {
        self.keys
            .get(key)
            .map_or(self.offset, |value| value.span().start)
    }

    pub(super) fn record_error(
        &self,
        key: &str,
        mistakes: &mut CampaignFileErrors,
        message: impl Into<String>,
    ) {
        mistakes.record(self.offset(key), &self.path(key), message);
    }

    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.keys.get(key)
    }

    /// Reads an optional key with `read`; records an error if that returns `None`.
    pub(super) fn read_optional<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        mistakes: &mut CampaignFileErrors,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.value(key)?.get_ref());
        if value.is_none() {
            self.record_error(key, mistakes, format!("expected {expected}"));
        }
        value
    }

    /// Like [`Self::read_optional`], but records an error if the key is missing.
    pub(super) fn read_required<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        mistakes: &mut CampaignFileErrors,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        if !self.keys.contains_key(key) {
            self.record_error(key, mistakes, format!("missing: expected {expected}"));
        }
        self.read_optional(key, expected, mistakes, read)
    }

    pub(super) fn read_flag(
        &mut self,
        key: &'static str,
        mistakes: &mut CampaignFileErrors,
    ) -> bool {
        self.read_optional(key, "true or false", mistakes, DeValue::as_bool)
            .unwrap_or(false)
    }

    pub(super) fn read_count(
        &mut self,
        key: &'static str,
        mistakes: &mut CampaignFileErrors,
    ) -> Option<usize> {
        self.read_optional(key, "a whole number, not negative", mistakes, |value| {
            usize::try_from(parse_integer(value)?).ok()
        })
    }

    /// Reads a text in both languages. Returns `None` if the key is missing or invalid.
    pub(super) fn read_localized(
        &mut self,
        key: &'static str,
        mistakes: &mut CampaignFileErrors,
    ) -> Option<Localized> {
        let offset = self.offset(key);
        let path = self.path(key);
        let keys =
            self.read_optional(key, "a table with es and en", mistakes, DeValue::as_table)?;
        let mut table = TableReader::new(keys, offset, &path);
        let es = table.read_required("es", "a text in Spanish", mistakes, parse_text);
        let en = table.read_required("en", "a text in English", mistakes, parse_text);
        table.finish(mistakes);
        Some(Localized { es: es?, en: en? })
    }

    /// Like [`Self::read_localized`], but records an error if the key is missing.
    pub(super) fn read_required_localized(
        &mut self,
        key: &'static str,
        mistakes: &mut CampaignFileErrors,
    ) -> Option<Localized> {
        self.read_required(key, "a text in es and en", mistakes, |_| Some(()))?;
        self.read_localized(key, mistakes)
    }

    /// Records an error for every key that was not read.
    pub(super) fn finish(self, mistakes: &mut CampaignFileErrors) {
        for key in self.keys.keys() {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let known = self.known.join(", ");
                mistakes.record(
                    key.span().start,
                    &self.path(name),
                    format!("unknown key: expected one of {known}"),
                );
            }
        }
    }
}

/// Returns the trimmed text, or `None` if it is blank.
pub(super) fn parse_text(value: &DeValue<'_>) -> Option<String> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

pub(super) fn parse_integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
