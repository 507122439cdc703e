//! Reads one table of a campaign file and records every error with its line instead of stopping at the first.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::lang::Localized;

/// An error in a campaign file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line in the file, from 1.
    pub line: usize,
    /// Path within the file: `title.es`, `fields[nombre].min`.
    pub place: String,
    /// Problem and expected value.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.line, self.place, self.what)
    }
}

/// Collects the errors of a file.
pub(super) struct Mistakes<'a> {
    text: &'a str,
    pub(super) found: Vec<Mistake>,
}

impl<'a> Mistakes<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let found = Vec::new();
        Self { text, found }
    }

    pub(super) fn note(&mut self, offset: usize, place: &str, what: impl Into<String>) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        self.found.push(Mistake {
            line: 1 + before.matches('\n').count(),
            place: place.to_owned(),
            what: what.into(),
        });
    }
}

/// Reads a table and remembers which keys were read, to find unknown ones.
pub(super) struct Table<'t> {
    keys: &'t DeTable<'t>,
    offset: usize,
    place: String,
    known: Vec<&'static str>,
}

impl<'t> Table<'t> {
    pub(super) fn new(keys: &'t DeTable<'t>, offset: usize, place: &str) -> Self {
        Self {
            keys,
            offset,
            place: place.to_owned(),
            known: Vec::new(),
        }
    }

    pub(super) fn path(&self, key: &str) -> String {
        if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place)
        }
    }

    /// Returns the byte offset of a key's value, or of the table if the key is missing.
    pub(super) fn offset(&self, key: &str) -> usize {
        self.keys
            .get(key)
            .map_or(self.offset, |value| value.span().start)
    }

    pub(super) fn note(&self, key: &str, mistakes: &mut Mistakes, what: impl Into<String>) {
        mistakes.note(self.offset(key), &self.path(key), what);
    }

    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.keys.get(key)
    }

    /// Reads an optional key with `read`; records an error if that returns `None`.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        mistakes: &mut Mistakes,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.value(key)?.get_ref());
        if value.is_none() {
            self.note(key, mistakes, format!("expected {expected}"));
        }
        value
    }

    /// Like [`Self::optional`], but records an error if the key is missing.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        mistakes: &mut Mistakes,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        if !self.keys.contains_key(key) {
            self.note(key, mistakes, format!("missing: expected {expected}"));
        }
        self.optional(key, expected, mistakes, read)
    }

    pub(super) fn flag(&mut self, key: &'static str, mistakes: &mut Mistakes) -> bool {
        self.optional(key, "true or false", mistakes, DeValue::as_bool)
            .unwrap_or(false)
    }

    pub(super) fn count(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<usize> {
        self.optional(key, "a whole number, not negative", mistakes, |value| {
            usize::try_from(integer(value)?).ok()
        })
    }

    /// Reads a text in both languages. Returns `None` if the key is missing or invalid.
    pub(super) fn localized(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Localized> {
        let offset = self.offset(key);
        let path = self.path(key);
        let keys = self.optional(key, "a table with es and en", mistakes, DeValue::as_table)?;
        let mut table = Table::new(keys, offset, &path);
        let es = table.required("es", "a text in Spanish", mistakes, text);
        let en = table.required("en", "a text in English", mistakes, text);
        table.end(mistakes);
        Some(Localized { es: es?, en: en? })
    }

    /// Like [`Self::localized`], but records an error if the key is missing.
    pub(super) fn required_localized(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Localized> {
        self.required(key, "a text in es and en", mistakes, |_| Some(()))?;
        self.localized(key, mistakes)
    }

    /// Records an error for every key that was not read.
    pub(super) fn end(self, mistakes: &mut Mistakes) {
        for key in self.keys.keys() {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let known = self.known.join(", ");
                mistakes.note(
                    key.span().start,
                    &self.path(name),
                    format!("unknown key: expected one of {known}"),
                );
            }
        }
    }
}

/// Returns the trimmed text, or `None` if it is blank.
pub(super) fn text(value: &DeValue<'_>) -> Option<String> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
