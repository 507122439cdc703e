//! Master keys of photos. The first encrypts, all decrypt: during a rotation both keys are set.

use secrecy::SecretBox;

use super::env::{Env, FromEnv, SettingError};
use super::secret::read_secret;
use jornada_domain::registration::hex_bytes;
use jornada_objects::MasterKeys;

const NAME: &str = "JORNADA_PHOTO_KEY";
const FILE: &str = "JORNADA_PHOTO_KEY_FILE";
const EXPECTED: &str = "64 hexadecimal digits (openssl rand -hex 32), the same on every instance, or \
                        several such keys, comma-separated, the new one first";
/// Maximum number of keys. A rotation needs two.
const MAX_KEYS: usize = 8;

impl FromEnv for MasterKeys {
    /// Reads the variable or the file. In embedded mode a key is generated once and stored next to the database; with
    /// MongoDB a key is required.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        read_secret(env, [NAME, FILE], "photo-key", EXPECTED, parse)
    }
}

/// Parses keys separated by commas or white space.
fn parse(name: &str, raw: &str) -> Result<MasterKeys, SettingError> {
    let is_between = |c: char| c == ',' || c.is_whitespace();
    let mut keys = Vec::new();
    for text in raw.split(is_between).filter(|text| !text.is_empty()) {
        let number = keys.len() + 1;
        let key = hex_bytes(text).filter(|_| number <= MAX_KEYS);
        let key = key.ok_or_else(|| {
            SettingError::with_problem(name, format!("key {number} is invalid"), EXPECTED)
        })?;
        keys.push(SecretBox::new(Box::new(key)));
    }
    MasterKeys::new(keys)
        .ok_or_else(|| SettingError::with_problem(name, "contains no key", EXPECTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONGO: (&str, &str) = ("JORNADA_STORE", "mongodb://db/jornada");

    fn read(name: &str, value: &str) -> Result<MasterKeys, SettingError> {
        MasterKeys::from_env(&Env::from_pairs(&[MONGO, (name, value)]))
    }

    #[test]
    fn several_keys_keep_their_order() {
        let (new, old) = ("0a".repeat(32), "0B".repeat(32));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        std::fs::write(&file, format!("{new}\n{old}\n")).unwrap();
        for (name, value) in [
            (NAME, format!("{new},{old}")),
            (FILE, file.display().to_string()),
        ] {
            let keys = read(name, &value).unwrap();
            assert!(keys.expose().eq([&[10; 32], &[11; 32]]));
            assert!(!format!("{keys:?}").contains("10"));
        }
    }

    #[test]
    fn an_invalid_key_is_reported_but_not_shown() {
        let long = "ab".repeat(33);
        for wrong in ["short", "zz", &long, ","] {
            let told = read(NAME, wrong).unwrap_err().to_string();
            assert!(told.starts_with("JORNADA_PHOTO_KEY: "), "{told}");
            assert!(!told.contains(&format!("'{wrong}")), "{told}");
        }
        let many = vec!["ab".repeat(32); MAX_KEYS + 1].join(",");
        assert!(read(NAME, &many).is_err());
        let none = MasterKeys::from_env(&Env::from_pairs(&[MONGO])).unwrap_err();
        assert!(
            none.to_string()
                .starts_with("JORNADA_PHOTO_KEY: is not set")
        );
    }

    #[test]
    fn embedded_mode_generates_one_key_next_to_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}/data/jornada.db", folder.path().display());
        let env = Env::from_pairs(&[("JORNADA_STORE", &store)]);
        let first = MasterKeys::from_env(&env).unwrap();
        let second = MasterKeys::from_env(&env).unwrap();
        assert!(first.expose().eq(second.expose()));
        assert!(folder.path().join("data/photo-key").exists());
    }
}
