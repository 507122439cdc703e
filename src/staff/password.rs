//! Password rules and Argon2id hashes with the parameters of the OWASP Password Storage Cheat Sheet (19 MiB, 2 passes,
//! 1 lane).
//!
//! Hashes are computed on blocking threads. Concurrency is bounded, since each one takes 19 MiB and a core.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use prometheus::IntGauge;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use unicode_normalization::UnicodeNormalization;

use crate::domain::Lang;
use crate::domain::staff::Mail;

/// Minimum length in characters.
pub const LEAST: usize = 12;
/// Maximum length in bytes.
const MOST_BYTES: usize = 1_024;
/// Minimum number of distinct characters.
const LEAST_DIFFERENT: usize = 5;
/// Argon2id parameters: memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Length of salt and hash in bytes.
const HASH: (usize, usize) = (16, 32);
/// Maximum number of hashes computed at once per instance.
const AT_ONCE: usize = 2;
/// Maximum number of requests, waiting or computing. Further requests get 503.
const WAITING: usize = 64;
/// Maximum time a request waits to be computed.
const WAIT: Duration = Duration::from_secs(10);

static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("common-passwords.txt").lines();
    lines.filter(|line| !line.starts_with("#!")).collect()
});

/// Why a new password is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weak {
    /// Fewer than [`LEAST`] characters.
    Short,
    /// Longer than 1,024 bytes.
    Long,
    /// In the list of common passwords, or with fewer than five distinct characters.
    Common,
    /// The account's mail address, or its local part followed by digits or signs.
    Own,
    /// The two typed passwords differ.
    Different,
}

/// Why a password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many requests are waiting.
    #[error("cannot compute a password hash: too many are waiting")]
    Busy,
    /// No random bytes, or an invalid hash in the store.
    #[error("cannot compute a password hash: {0}")]
    Failed(String),
}

/// A password as typed, normalised to NFC, since keyboards differ in how they compose letters.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

/// Hashes and verifies passwords with bounded concurrency.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// A hash that no password matches. Verified in place of a missing hash, so that both take the same time.
    nobody: Arc<str>,
    in_work: IntGauge,
}

/// Decrements the gauge when dropped, also if the client disconnects during the computation.
struct InWork<'a>(&'a IntGauge);

impl Weak {
    /// Returns the text for the user: what is wrong and how to correct it.
    #[must_use]
    pub fn message(self, lang: Lang) -> &'static str {
        match self {
            Self::Short => lang.pick(
                "Use al menos 12 caracteres. Varias palabras sirven bien.",
                "Use at least 12 characters. A few words do well.",
            ),
            Self::Long => lang.pick("Es demasiado larga.", "It is too long."),
            Self::Common => lang.pick(
                "Esta contraseña es de las más comunes. Elija otra.",
                "This password is among the commonest. Choose another.",
            ),
            Self::Own => lang.pick(
                "No use su correo como contraseña.",
                "Do not use your mail address as a password.",
            ),
            Self::Different => lang.pick(
                "Las dos contraseñas no son iguales.",
                "The two passwords are not the same.",
            ),
        }
    }
}

impl Password {
    /// Normalises a password typed at a login.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        if text.len() > MOST_BYTES {
            // Matches no hash, and takes as long as any other.
            return Self(SecretString::default());
        }
        Self(text.nfc().collect::<String>().into())
    }

    /// Validates a new password, typed twice, for the account of this mail address.
    pub fn choose(text: &str, again: &str, mail: &Mail) -> Result<Self, Weak> {
        if text.len() > MOST_BYTES {
            return Err(Weak::Long);
        }
        let password: String = text.nfc().collect();
        if password.chars().count() < LEAST {
            return Err(Weak::Short);
        }
        let small = password.to_lowercase();
        let different: HashSet<char> = small.chars().collect();
        if different.len() < LEAST_DIFFERENT || COMMON.contains(small.as_str()) {
            return Err(Weak::Common);
        }
        if small == mail.as_str()
            || small.trim_end_matches(|c: char| !c.is_alphabetic()) == mail.local()
        {
            return Err(Weak::Own);
        }
        if text != again {
            return Err(Weak::Different);
        }
        Ok(Self(password.into()))
    }
}

impl Passwords {
    /// Creates the hasher. `in_work` shows the number of requests, waiting or computing.
    pub fn new(in_work: IntGauge) -> Result<Self, PasswordError> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(WAITING)),
            nobody: nobodys()?.into(),
            in_work,
        })
    }

    /// Hashes a new password with a random salt. Returns a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        self.work(move || hash(password.0.expose_secret())).await
    }

    /// Returns whether the password matches the stored PHC string. Without one, takes the same time and returns false.
    pub async fn verify(
        &self,
        kept: Option<String>,
        password: Password,
    ) -> Result<bool, PasswordError> {
        let nobody = self.nobody.clone();
        self.work(move || {
            let phc = kept.as_deref().unwrap_or(&nobody);
            let hash = PasswordHash::new(phc).map_err(failed)?;
            let bytes = password.0.expose_secret().as_bytes();
            let fits = Argon2::default().verify_password(bytes, &hash).is_ok();
            Ok(fits && kept.is_some())
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _place = self.places.try_acquire().map_err(|_| PasswordError::Busy)?;
        self.in_work.inc();
        let _counted = InWork(&self.in_work);
        let turn = timeout(WAIT, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| PasswordError::Busy)?.map_err(failed)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(failed)?
    }
}

impl Drop for InWork<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Builds a PHC string with random salt and hash. Computing a real hash would slow down the start of the process.
fn nobodys() -> Result<String, PasswordError> {
    let (mut salt, mut output) = ([0; HASH.0], [0; HASH.1]);
    getrandom::fill(&mut salt).map_err(failed)?;
    getrandom::fill(&mut output).map_err(failed)?;
    let (memory, passes, lanes) = COST;
    let (salt, output) = (BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&output));
    Ok(format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}"
    ))
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(HASH.1)).map_err(failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(password.as_bytes()).map_err(failed)?;
    Ok(hash.to_string())
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(IntGauge::new("in_work", "in work").unwrap()).unwrap()
    }

    fn choose(text: &str) -> Result<(), Weak> {
        let mail = Mail::parse("anamariaperez@example.org").unwrap();
        Password::choose(text, text, &mail).map(drop)
    }

    #[test]
    fn weak_passwords_are_rejected() {
        assert_eq!(choose("once letras"), Err(Weak::Short));
        assert_eq!(
            choose("ñandúñandúñ"),
            Err(Weak::Short),
            "characters, not bytes"
        );
        assert_eq!(choose("QwertyQwerty"), Err(Weak::Common));
        assert_eq!(choose("password1234"), Err(Weak::Common));
        assert_eq!(choose("abababababab"), Err(Weak::Common));
        assert_eq!(choose("AnaMariaPerez123"), Err(Weak::Own));
        assert_eq!(choose("anamariaperez@example.org"), Err(Weak::Own));
        assert_eq!(choose(&"largo y más ".repeat(100)), Err(Weak::Long));
        assert_eq!(choose("caballo correcto grapa"), Ok(()));
        let mail = Mail::parse("a@b.co").unwrap();
        let two = Password::choose("caballo correcto", "caballo corecto", &mail);
        assert_eq!(two.map(drop), Err(Weak::Different));
    }

    #[test]
    fn every_common_password_is_long_enough_to_pass_the_length_rule() {
        assert!(COMMON.len() > 100);
        assert!(COMMON.iter().all(|common| common.chars().count() >= LEAST));
    }

    #[tokio::test]
    async fn a_hash_matches_only_its_own_password() {
        let passwords = passwords();
        let typed = Password::typed;
        let hash = passwords
            .hash(typed("caballo corre\u{301}cto"))
            .await
            .unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let verify = async |kept: Option<&str>, text: &str| {
            let kept = kept.map(str::to_owned);
            passwords.verify(kept, typed(text)).await.unwrap()
        };
        assert!(
            verify(Some(&hash), "caballo corrécto").await,
            "composed or not"
        );
        assert!(!verify(Some(&hash), "caballo correcto").await);
        assert!(!verify(None, "caballo corrécto").await);
        let nobodys = PasswordHash::new(&passwords.nobody).unwrap();
        let somebodys = PasswordHash::new(&hash).unwrap();
        assert_eq!(nobodys.params, somebodys.params, "it takes as long");
        assert_eq!(passwords.nobody.len(), hash.len());
        assert!(!verify(Some(&hash), &"x".repeat(2_000)).await);
    }

    #[tokio::test]
    async fn requests_above_the_limit_are_rejected_at_once() {
        let passwords = passwords();
        let _taken = passwords
            .places
            .clone()
            .acquire_many_owned(64)
            .await
            .unwrap();
        let refused = passwords.verify(None, Password::typed("x")).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
    }
}
