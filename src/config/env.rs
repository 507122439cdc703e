//! Environment variables and the `.env` file. The only module that reads either.

use std::collections::HashMap;
use std::ffi::OsString;
use std::str::FromStr;

/// Raw settings, before validation.
#[derive(Clone, Debug, Default)]
pub struct Env(HashMap<String, String>);

/// An invalid setting, reported in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}: expected {expected}")]
pub struct SettingError {
    name: String,
    problem: String,
    expected: String,
}

impl SettingError {
    /// Reports an invalid value. Not for secrets: the value is shown.
    pub fn new(name: &str, value: &str, expected: &str) -> Self {
        Self::with_problem(name, format!("'{value}' is invalid"), expected)
    }

    /// Reports that a required setting is missing.
    pub fn not_set(name: &str, expected: &str) -> Self {
        Self::with_problem(name, "is not set", expected)
    }

    /// Reports any other problem with a setting, without its value.
    pub fn with_problem(name: &str, what: impl Into<String>, expected: &str) -> Self {
        Self {
            name: name.into(),
            problem: what.into(),
            expected: expected.into(),
        }
    }
}

/// Settings that are read from the environment. The type is defined in the module that uses it, without a dependency on
/// the environment.
pub trait FromEnv: Sized {
    /// Reads and validates the settings. Reports the first invalid one.
    fn from_env(env: &Env) -> Result<Self, SettingError>;
}

impl Env {
    /// Reads the process environment and, for unset variables, the `.env` file of the working directory.
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    pub fn read() -> Result<Self, SettingError> {
        match dotenvy::dotenv() {
            Err(error) if !error.not_found() => Err(SettingError::with_problem(
                ".env",
                error.to_string(),
                "lines NAME=VALUE",
            )),
            _ => {
                // A variable that is not UTF-8 is no setting.
                let text = |(name, value): (OsString, OsString)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                };
                Ok(Self(std::env::vars_os().filter_map(text).collect()))
            }
        }
    }

    /// Creates settings from a list, for tests.
    pub fn from_pairs(settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(settings.iter().map(owned).collect())
    }

    /// Returns a setting, or `None` if it is unset or blank.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Returns the names of all variables that are set and begin with this prefix, sorted.
    pub fn names_with(&self, prefix: &str) -> Vec<&str> {
        let names = self.0.keys().map(String::as_str);
        let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
        names.sort_unstable();
        names
    }

    /// Returns a setting or its default.
    pub fn get_or(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or_else(|| default.to_owned())
    }

    /// Parses a setting or its default.
    pub fn parse<T: FromStr>(
        &self,
        name: &str,
        default: &str,
        expected: &str,
    ) -> Result<T, SettingError> {
        self.parse_with(name, default, expected, |raw| raw.parse().ok())
    }

    /// Like [`Self::parse`], with a parser that returns `None` for an invalid value.
    pub fn parse_with<T>(
        &self,
        name: &str,
        default: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SettingError> {
        let raw = self.get_or(name, default);
        parse(&raw).ok_or_else(|| SettingError::new(name, &raw, expected))
    }

    /// Like [`Self::parse_with`], for a value that may contain a password: `parse` returns the problem, and the error
    /// does not show the value.
    pub fn parse_secret<T>(
        &self,
        name: &str,
        default: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, SettingError> {
        let wrong = |problem| SettingError::with_problem(name, problem, expected);
        parse(&self.get_or(name, default)).map_err(wrong)
    }

    /// Like [`Self::parse_with`], for a setting without default.
    pub fn parse_optional<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        let parsed =
            |raw: String| parse(&raw).ok_or_else(|| SettingError::new(name, &raw, expected));
        self.get(name).map(parsed).transpose()
    }
}
