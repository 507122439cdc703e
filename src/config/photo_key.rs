//! Master keys of photos. The first encrypts, all decrypt: during a rotation both keys are set.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretBox};

use super::env::{Env, Wrong};
use super::secret::kept_beside;
use super::stores::StoreSetting;

const NAME: &str = "JORNADA_PHOTO_KEY";
const FILE: &str = "JORNADA_PHOTO_KEY_FILE";
const EXPECTED: &str = "64 hexadecimal digits (openssl rand -hex 32), the same on every instance, or \
                        several such keys, comma-separated, the new one first";
/// Maximum number of keys. A rotation needs two.
const MOST: usize = 8;

/// One or more master keys of 256 bits, without which photos cannot be decrypted.
#[derive(Clone)]
pub struct PhotoKeys(Arc<[SecretBox<[u8; 32]>]>);

impl PhotoKeys {
    /// Reads the variable or the file. In embedded mode the key is generated and stored next to the database.
    pub fn from_env(env: &Env, store: &StoreSetting) -> Result<Self, Wrong> {
        if let Some(keys) = env.get(NAME) {
            return Self::parse(NAME, &keys);
        }
        if let Some(path) = env.get(FILE) {
            let keys = std::fs::read_to_string(&path).map_err(|error| {
                let what = format!("cannot read {path}: {error}");
                Wrong::because(FILE, what, "a readable file")
            })?;
            return Self::parse(FILE, &keys);
        }
        match store {
            StoreSetting::Sqlite(database) => {
                let key = kept_beside(database, "photo-key", NAME)?;
                Self::parse(NAME, &key)
            }
            StoreSetting::Mongo(_) => Err(Wrong::because(NAME, "is not set", EXPECTED)),
        }
    }

    /// Returns the keys; the first one encrypts.
    pub fn expose(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }

    /// Parses keys separated by commas or white space.
    fn parse(name: &str, raw: &str) -> Result<Self, Wrong> {
        let is_between = |c: char| c == ',' || c.is_whitespace();
        let mut keys = Vec::new();
        for text in raw.split(is_between).filter(|text| !text.is_empty()) {
            let number = keys.len() + 1;
            let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes());
            let key = bytes
                .ok()
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let key = key.filter(|_| number <= MOST).ok_or_else(|| {
                Wrong::because(name, format!("key {number} is invalid"), EXPECTED)
            })?;
            keys.push(SecretBox::new(Box::new(key)));
        }
        if keys.is_empty() {
            return Err(Wrong::because(name, "contains no key", EXPECTED));
        }
        Ok(Self(keys.into()))
    }
}

impl fmt::Debug for PhotoKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mongo() -> StoreSetting {
        StoreSetting::from_env(&Env::of(&[("JORNADA_STORE", "mongodb://db/jornada")])).unwrap()
    }

    fn read(name: &str, value: &str) -> Result<PhotoKeys, Wrong> {
        PhotoKeys::from_env(&Env::of(&[(name, value)]), &mongo())
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
        let many = vec!["ab".repeat(32); MOST + 1].join(",");
        assert!(read(NAME, &many).is_err());
        let none = PhotoKeys::from_env(&Env::of(&[]), &mongo()).unwrap_err();
        assert!(
            none.to_string()
                .starts_with("JORNADA_PHOTO_KEY: is not set")
        );
    }

    #[test]
    fn embedded_mode_generates_one_key_next_to_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreSetting::Sqlite(folder.path().join("data/jornada.db"));
        let first = PhotoKeys::from_env(&Env::of(&[]), &store).unwrap();
        let second = PhotoKeys::from_env(&Env::of(&[]), &store).unwrap();
        assert!(first.expose().eq(second.expose()));
        assert!(folder.path().join("data/photo-key").exists());
    }
}
