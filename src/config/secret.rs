//! Installation secret, from which registration ids, receipt numbers and other keys are derived.

use std::io::{ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::env::{Env, FromEnv, SettingError};
use jornada_service::key::InstallationSecret;
use jornada_store::StoreSetting;

const EXPECTED: &str = "at least 32 bytes, the same on every instance (openssl rand -hex 32)";

impl FromEnv for InstallationSecret {
    /// Reads the variable or the file. In embedded mode the secret is generated once and stored next to the database.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let names = ["JORNADA_SECRET", "JORNADA_SECRET_FILE"];
        read_secret(env, names, "secret", EXPECTED, |name, text| {
            let what = format!("has only {} bytes", text.len());
            Self::new(text.into()).ok_or_else(|| SettingError::with_problem(name, what, EXPECTED))
        })
    }
}

/// Reads a secret from the first setting, or from the file that the second one names. In embedded mode it is otherwise
/// generated once and stored in `file` next to the database; with `MongoDB` it is required. Parses the trimmed text with
/// the name of its setting.
pub(super) fn read_secret<T>(
    env: &Env,
    [name, file_name]: [&str; 2],
    file: &str,
    expected: &str,
    parse: impl FnOnce(&str, &str) -> Result<T, SettingError>,
) -> Result<T, SettingError> {
    let store = StoreSetting::from_env(env)?;
    if let Some(secret) = env.get(name) {
        return parse(name, &secret);
    }
    if let Some(path) = env.get(file_name) {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let what = format!("cannot read {path}: {error}");
            SettingError::with_problem(file_name, what, "a readable file")
        })?;
        return parse(file_name, text.trim());
    }
    match store {
        StoreSetting::Sqlite(database) => parse(name, generate_once(&database, file, name)?.trim()),
        StoreSetting::Mongo(_) => Err(SettingError::not_set(name, expected)),
    }
}

/// Returns 32 random bytes in hexadecimal digits, generated once and stored in `file` next to the database.
fn generate_once(database: &Path, file: &str, setting: &str) -> Result<String, SettingError> {
    let path = database.with_file_name(file);
    let cannot = |error: std::io::Error| {
        let what = format!("cannot store a secret in {}: {error}", path.display());
        SettingError::with_problem(setting, what, "a writable folder")
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    let mut fresh = [0u8; 32];
    getrandom::fill(&mut fresh).map_err(|error| {
        let what = format!("cannot get random bytes: {error}");
        SettingError::with_problem(setting, what, "a random number generator of the system")
    })?;
    if !path.exists() {
        // Written to a temporary file (mode 0600) and moved into place without replacing a file: concurrent first starts
        // or a crash leave one complete secret.
        let write = || -> std::io::Result<()> {
            let mut aside = NamedTempFile::new_in(folder)?;
            aside.write_all(data_encoding::HEXLOWER.encode(&fresh).as_bytes())?;
            aside.as_file().sync_all()?;
            match aside.persist_noclobber(&path) {
                Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => {
                    Err(refused.error)
                }
                _ => Ok(()),
            }
        };
        write().map_err(cannot)?;
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
