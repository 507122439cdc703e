//! The environment and the `.env` file: the only place of the crate that reads either.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

/// The settings as they were given, before any check.
#[derive(Clone, Debug, Default)]
pub struct Env(HashMap<String, String>);

/// A setting that is wrong, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    name: String,
    what: String,
    expected: String,
}

impl std::error::Error for Wrong {}

impl Wrong {
    /// A value that does not fit. Not for secrets: the value is shown.
    #[must_use]
    pub fn new(name: &str, value: &str, expected: &str) -> Self {
        Self::because(name, format!("'{value}' is not right"), expected)
    }

    /// A setting that is wrong for another reason than its value's shape.
    #[must_use]
    pub fn because(name: &str, what: impl Into<String>, expected: &str) -> Self {
        Self {
            name: name.into(),
            what: what.into(),
            expected: expected.into(),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            what,
            expected,
        } = self;
        write!(f, "{name}: {what}: expected {expected}")
    }
}

/// A settings struct or enum that is filled from the environment. The struct stands in the module that uses it and knows
/// no environment.
pub trait FromEnv: Sized {
    /// Reads and checks its settings.
    ///
    /// # Errors
    /// The first setting that is wrong.
    fn from_env(env: &Env) -> Result<Self, Wrong>;
}

impl Env {
    /// Reads the process's environment, and below it the `.env` file of the working folder.
    ///
    /// # Errors
    /// A `.env` file that cannot be read.
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    pub fn read() -> Result<Self, Wrong> {
        match dotenvy::dotenv() {
            Err(error) if !error.not_found() => Err(Wrong::because(
                ".env",
                error.to_string(),
                "lines NAME=VALUE",
            )),
            _ => Ok(Self(std::env::vars().collect())),
        }
    }

    /// These settings and no others.
    #[must_use]
    pub fn of(settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(settings.iter().map(owned).collect())
    }

    /// A setting that is not blank.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A setting or its default.
    #[must_use]
    pub fn or(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or_else(|| default.to_owned())
    }

    /// A setting of another type.
    ///
    /// # Errors
    /// When it does not parse.
    pub fn parse<T: FromStr>(&self, name: &str, default: &str, expected: &str) -> Result<T, Wrong> {
        let value = self.or(name, default);
        value
            .parse()
            .map_err(|_| Wrong::new(name, &value, expected))
    }
}
