//! Installation secret, from which registration ids, receipt numbers and other keys are derived.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::env::{Env, FromEnv, SettingError};
use crate::key::InstallationSecret;
use crate::store::StoreSetting;

const EXPECTED: &str = "at least 32 bytes, the same on every instance (openssl rand -hex 32)";

impl FromEnv for InstallationSecret {
    /// Reads the variable or the file. In embedded mode the secret is generated once and stored next to the database.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        read_secret(env, "JORNADA_SECRET", "secret", EXPECTED, |name, text| {
            let what = format!("has only {} bytes", text.len());
            Self::new(text.into()).ok_or_else(|| SettingError::with_problem(name, what, EXPECTED))
        })
    }
}

/// Reads a secret from the setting `name`, or from the file that `name` with the suffix `_FILE` sets. In embedded mode
/// it is otherwise generated once and stored in `file` next to the database; with MongoDB it is required. Parses the
/// trimmed text with the name of its setting.
pub(super) fn read_secret<T>(
    env: &Env,
    name: &str,
    file: &str,
    expected: &str,
    parse: impl FnOnce(&str, &str) -> Result<T, SettingError>,
) -> Result<T, SettingError> {
    let store = StoreSetting::from_env(env)?;
    if let Some(secret) = env.get(name) {
        return parse(name, &secret);
    }
    let file_setting = format!("{name}_FILE");
    if let Some(path) = env.get(&file_setting) {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let what = format!("cannot read {path}: {error}");
            SettingError::with_problem(&file_setting, what, "a readable file")
        })?;
        return parse(&file_setting, text.trim());
    }
    match store {
        StoreSetting::Sqlite(database) => parse(name, generate_once(&database, file, name)?.trim()),
        StoreSetting::Mongo(_) => Err(SettingError::with_problem(name, "is not set", expected)),
    }
}

/// Returns 32 random bytes in hexadecimal digits, generated once and stored in `file` next to the database.
fn generate_once(database: &Path, file: &str, setting: &str) -> Result<String, SettingError> {
    let path = database.with_file_name(file);
    let cannot = |error: std::io::Error| {
        let what = format!("cannot store a secret in {}: {error}", path.display());
        SettingError::with_problem(setting, what, "a writable folder")
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut fresh = [0u8; 32];
    getrandom::fill(&mut fresh).map_err(|error| {
        let what = format!("cannot get random bytes: {error}");
        SettingError::with_problem(setting, what, "a random number generator of the system")
    })?;
    // Written to a temporary file and linked into place: concurrent first starts or a crash leave one complete secret.
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(data_encoding::HEXLOWER.encode(&fresh).as_bytes())?;
        file.sync_all()?;
        match std::fs::hard_link(&aside, &path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    };
    if !path.exists() {
        let written = write();
        std::fs::remove_file(&aside).ok();
        written.map_err(cannot)?;
    }
    std::fs::read_to_string(&path).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_generated_once_next_to_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}/data/jornada.db", folder.path().display());
        let env = Env::from_pairs(&[("JORNADA_STORE", &store)]);
        let first = InstallationSecret::from_env(&env).unwrap();
        let second = InstallationSecret::from_env(&env).unwrap();
        assert_eq!(first.expose(), second.expose());
        assert_eq!(
            std::fs::read_dir(folder.path().join("data"))
                .unwrap()
                .count(),
            1
        );
    }

    #[test]
    fn a_short_or_missing_one_is_refused() {
        let mongo = ("JORNADA_STORE", "mongodb://db/jornada");
        let short =
            InstallationSecret::from_env(&Env::from_pairs(&[mongo, ("JORNADA_SECRET", "short")]))
                .unwrap_err();
        assert_eq!(
            short.to_string(),
            "JORNADA_SECRET: has only 5 bytes: expected at least 32 bytes, the same on every instance (openssl rand -hex 32)"
        );
        assert!(InstallationSecret::from_env(&Env::from_pairs(&[mongo])).is_err());
    }
}
