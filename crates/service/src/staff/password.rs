//! Password rules and Argon2id hashes with the parameters of the OWASP Password Storage Cheat Sheet (19 MiB, 2 passes,
//! 1 lane).
//!
//! Hashes are computed on blocking threads. Concurrency is bounded, since each one takes 19 MiB and a core.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params, RECOMMENDED_SALT_LEN};
use data_encoding::BASE64_NOPAD;
use prometheus::IntGauge;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use unicode_normalization::UnicodeNormalization;

use jornada_domain::Lang;
use jornada_domain::staff::EmailAddress;
use jornada_runtime::metrics::GaugeGuard;

/// Minimum length in characters.
pub const MIN_CHARS: usize = 12;
/// Maximum length in bytes.
const MAX_BYTES: usize = 1_024;
/// Minimum number of distinct characters.
const MIN_DISTINCT_CHARS: usize = 5;
/// Maximum number of hashes computed at once per instance.
const CONCURRENCY: usize = 2;
/// Maximum number of requests, waiting or computing. Further requests get 503.
const MAX_WAITING: usize = 64;
/// Maximum time a request waits to be computed.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

static COMMON_PASSWORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("common-passwords.txt").lines();
    lines.filter(|line| !line.starts_with("#!")).collect()
});

/// Why a new password is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordWeakness {
    /// Fewer than [`MIN_CHARS`] characters.
    TooShort,
    /// Longer than 1,024 bytes.
    TooLong,
    /// In the list of common passwords, or with fewer than five distinct characters.
    Common,
    /// The account's mail address, or its local part followed by digits or signs.
    MatchesEmail,
    /// The two typed passwords differ.
    Mismatch,
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
    permits: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// A hash that no password matches. Verified in place of a missing hash, so that both take the same time.
    dummy_hash: Arc<str>,
    in_work: IntGauge,
}

impl PasswordWeakness {
    /// Returns the text for the user: what is wrong and how to correct it.
    pub fn message(self, lang: Lang) -> &'static str {
        match self {
            Self::TooShort => text!(lang, "password-too-short"),
            Self::TooLong => text!(lang, "password-too-long"),
            Self::Common => text!(lang, "password-common"),
            Self::MatchesEmail => text!(lang, "password-matches-email"),
            Self::Mismatch => text!(lang, "password-mismatch"),
        }
    }
}

impl Password {
    /// Normalises a password typed at a login.
    pub fn from_input(text: &str) -> Self {
        if text.len() > MAX_BYTES {
            // Matches no hash, and takes as long as any other.
            return Self(SecretString::default());
        }
        Self(text.nfc().collect::<String>().into())
    }

    /// Validates a new password, typed twice, for the account of this mail address.
    pub fn validate_new(
        text: &str,
        again: &str,
        mail: &EmailAddress,
    ) -> Result<Self, PasswordWeakness> {
        if text.len() > MAX_BYTES {
            return Err(PasswordWeakness::TooLong);
        }
        let password: String = text.nfc().collect();
        if password.chars().count() < MIN_CHARS {
            return Err(PasswordWeakness::TooShort);
        }
        let small = password.to_lowercase();
        let different: HashSet<char> = small.chars().collect();
        if different.len() < MIN_DISTINCT_CHARS || COMMON_PASSWORDS.contains(small.as_str()) {
            return Err(PasswordWeakness::Common);
        }
        if small == mail.as_str()
            || small.trim_end_matches(|c: char| !c.is_alphabetic()) == mail.local_part()
        {
            return Err(PasswordWeakness::MatchesEmail);
        }
        if text != again {
            return Err(PasswordWeakness::Mismatch);
        }
        Ok(Self(password.into()))
    }
}

impl Passwords {
    /// Creates the hasher. `in_work` shows the number of requests, waiting or computing.
    pub fn new(in_work: IntGauge) -> Result<Self, PasswordError> {
        Ok(Self {
            permits: Arc::new(Semaphore::new(CONCURRENCY)),
            queue: Arc::new(Semaphore::new(MAX_WAITING)),
            dummy_hash: generate_dummy_hash()?.into(),
            in_work,
        })
    }

    /// Hashes a new password with a random salt. Returns a PHC string.
    pub async fn hash_password(&self, password: Password) -> Result<String, PasswordError> {
        self.run_blocking(move || hash(password.0.expose_secret()))
            .await
    }

    /// Returns whether the password matches the stored PHC string. Without one, takes the same time and returns false.
    pub async fn verify(
        &self,
        stored_hash: Option<String>,
        password: Password,
    ) -> Result<bool, PasswordError> {
        let dummy_hash = self.dummy_hash.clone();
        self.run_blocking(move || {
            let phc = stored_hash.as_deref().unwrap_or(&dummy_hash);
            let hash = PasswordHash::new(phc).map_err(failed)?;
            let bytes = password.0.expose_secret().as_bytes();
            let fits = Argon2::default().verify_password(bytes, &hash).is_ok();
            Ok(fits && stored_hash.is_some())
        })
        .await
    }

    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _place = self.queue.try_acquire().map_err(|_| PasswordError::Busy)?;
        let _counted = GaugeGuard::new(&self.in_work);
        let turn = timeout(QUEUE_TIMEOUT, self.permits.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| PasswordError::Busy)?.map_err(failed)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(failed)?
    }
}

/// Builds a PHC string with random salt and hash. Computing a real hash would slow down the start of the process.
fn generate_dummy_hash() -> Result<String, PasswordError> {
    let (mut salt, mut output) = ([0; RECOMMENDED_SALT_LEN], [0; Params::DEFAULT_OUTPUT_LEN]);
    getrandom::fill(&mut salt).map_err(failed)?;
    getrandom::fill(&mut output).map_err(failed)?;
    let (salt, output) = (BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&output));
    Ok(format!(
        "$argon2id$v=19$m={},t={},p={}${salt}${output}",
        Params::DEFAULT_M_COST,
        Params::DEFAULT_T_COST,
        Params::DEFAULT_P_COST
    ))
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(failed)?.to_string())
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

    fn choose(text: &str) -> Result<(), PasswordWeakness> {
        let mail = EmailAddress::parse("anamariaperez@example.org").unwrap();
        Password::validate_new(text, text, &mail).map(drop)
    }

    #[test]
    fn weak_passwords_are_rejected() {
        assert_eq!(choose("once letras"), Err(PasswordWeakness::TooShort));
        assert_eq!(
            choose("ñandúñandúñ"),
            Err(PasswordWeakness::TooShort),
            "characters, not bytes"
        );
        assert_eq!(choose("QwertyQwerty"), Err(PasswordWeakness::Common));
        assert_eq!(choose("password1234"), Err(PasswordWeakness::Common));
        assert_eq!(choose("abababababab"), Err(PasswordWeakness::Common));
        assert_eq!(
            choose("AnaMariaPerez123"),
            Err(PasswordWeakness::MatchesEmail)
        );
        assert_eq!(
            choose("anamariaperez@example.org"),
            Err(PasswordWeakness::MatchesEmail)
        );
        assert_eq!(
            choose(&"largo y más ".repeat(100)),
            Err(PasswordWeakness::TooLong)
        );
        assert_eq!(choose("caballo correcto grapa"), Ok(()));
        let mail = EmailAddress::parse("a@b.co").unwrap();
        let two = Password::validate_new("caballo correcto", "caballo corecto", &mail);
        assert_eq!(two.map(drop), Err(PasswordWeakness::Mismatch));
    }

    #[test]
    fn every_common_password_is_long_enough_to_pass_the_length_rule() {
        assert!(COMMON_PASSWORDS.len() > 100);
        assert!(
            COMMON_PASSWORDS
                .iter()
                .all(|common| common.chars().count() >= MIN_CHARS)
        );
    }

    #[tokio::test]
    async fn a_hash_matches_only_its_own_password() {
        let passwords = passwords();
        let typed = Password::from_input;
        let hash = passwords
            .hash_password(typed("caballo corre\u{301}cto"))
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
        let nobodys = PasswordHash::new(&passwords.dummy_hash).unwrap();
        let somebodys = PasswordHash::new(&hash).unwrap();
        assert_eq!(nobodys.params, somebodys.params, "it takes as long");
        assert_eq!(passwords.dummy_hash.len(), hash.len());
        assert!(!verify(Some(&hash), &"x".repeat(2_000)).await);
    }

    #[tokio::test]
    async fn requests_above_the_limit_are_rejected_at_once() {
        let passwords = passwords();
        let _taken = passwords
            .queue
            .clone()
            .acquire_many_owned(64)
            .await
            .unwrap();
        let refused = passwords.verify(None, Password::from_input("x")).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
    }
}
