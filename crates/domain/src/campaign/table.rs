//! Reads one table of a campaign file and records every error with its line instead of stopping at the first.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::lang::LocalizedText;

/// An error in a campaign file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {path}: {message}")]
pub struct CampaignFileError {
    /// Line in the file, from 1.
    pub line: usize,
    /// Path within the file: `title.es`, `fields[nombre].min`.
    pub path: String,
    /// Problem and expected value.
    pub message: String,
}

/// Collects the errors of a file.
pub(super) struct CampaignFileErrors<'a> {
    text: &'a str,
    errors: RefCell<Vec<CampaignFileError>>,
}

impl<'a> CampaignFileErrors<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let errors = RefCell::default();
        Self { text, errors }
    }

    pub(super) fn record(&self, offset: usize, path: &str, message: impl Into<String>) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        self.errors.borrow_mut().push(CampaignFileError {
            line: 1 + before.matches('\n').count(),
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// Returns the errors in the order of the lines.
    pub(super) fn into_sorted(self) -> Vec<CampaignFileError> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|error| error.line);
        errors
    }
}

/// Reads a table, records its errors, and remembers which keys were read, to find unknown ones.
pub(super) struct TableReader<'t> {
    keys: &'t DeTable<'t>,
    errors: &'t CampaignFileErrors<'t>,
    offset: usize,
    path: String,
    known: Vec<&'static str>,
}

impl<'t> TableReader<'t> {
    pub(super) fn new(keys: &'t DeTable<'t>, errors: &'t CampaignFileErrors<'t>) -> Self {
        Self {
            keys,
            errors,
            offset: 0,
            path: String::new(),
            known: Vec::new(),
        }
    }

    /// Creates a reader of a table inside this one.
    pub(super) fn nested(&self, keys: &'t DeTable<'t>, offset: usize, path: String) -> Self {
        Self {
            offset,
            path,
            ..Self::new(keys, self.errors)
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

    pub(super) fn record_error(&self, key: &str, message: impl Into<String>) {
        self.record_error_at(self.offset(key), &self.path(key), message);
    }

    pub(super) fn record_error_at(&self, offset: usize, path: &str, message: impl Into<String>) {
        self.errors.record(offset, path, message);
    }

    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.keys.get(key)
    }

    /// Reads an optional key with `read`; records an error if that returns `None`.
    pub(super) fn read_optional<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.value(key)?.get_ref());
        if value.is_none() {
            self.record_error(key, format!("expected {expected}"));
        }
        value
    }

    /// Like [`Self::read_optional`], but records an error if the key is missing.
    pub(super) fn read_required<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        if !self.keys.contains_key(key) {
            self.record_error(key, format!("missing: expected {expected}"));
        }
        self.read_optional(key, expected, read)
    }

    pub(super) fn read_flag(&mut self, key: &'static str) -> bool {
        self.read_optional(key, "true or false", DeValue::as_bool)
            .unwrap_or(false)
    }

    pub(super) fn read_count(&mut self, key: &'static str) -> Option<usize> {
        self.read_optional(key, "a whole number, not negative", |value| {
            usize::try_from(parse_integer(value)?).ok()
        })
    }

    /// Iterates over all keys with their values, for tables whose keys are names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'t str, &'t Spanned<DeValue<'t>>)> {
        let keys = self.keys.iter();
        keys.map(|(key, value)| (key.get_ref().as_ref(), value))
    }

    /// Reads a table inside this one.
    pub(super) fn read_table(&mut self, key: &'static str, expected: &str) -> Option<Self> {
        let keys = self.read_optional(key, expected, DeValue::as_table)?;
        Some(self.nested(keys, self.offset(key), self.path(key)))
    }

    /// Reads a text in both languages. Returns `None` if the key is missing or invalid.
    pub(super) fn read_localized(&mut self, key: &'static str) -> Option<LocalizedText> {
        let mut table = self.read_table(key, "a table with es and en")?;
        let es = table.read_required("es", "a text in Spanish", parse_text);
        let en = table.read_required("en", "a text in English", parse_text);
        table.finish();
        Some(LocalizedText { es: es?, en: en? })
    }

    /// Like [`Self::read_localized`], but records an error if the key is missing.
    pub(super) fn read_required_localized(&mut self, key: &'static str) -> Option<LocalizedText> {
        self.read_required(key, "a text in es and en", |_| Some(()))?;
        self.read_localized(key)
    }

    /// Records an error for every key that was not read.
    pub(super) fn finish(self) {
        for key in self.keys.keys() {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let known = self.known.join(", ");
                self.errors.record(
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
