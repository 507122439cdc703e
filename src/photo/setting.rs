//! Which photo store is used, and under which keys photos are encrypted.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretBox, SecretString};
use url::Url;

/// `JORNADA_PHOTOS`.
#[derive(Clone, Debug)]
pub enum ObjectStoreSetting {
    /// `file:PATH`.
    Disk(PathBuf),
    /// `s3://BUCKET?endpoint=URL&region=NAME`.
    S3(S3Setting),
}

/// How the S3 store is reached.
#[derive(Clone, Debug)]
pub struct S3Setting {
    /// Bucket; made if it is missing.
    pub bucket: String,
    /// Base URL of the service; AWS when there is none.
    pub endpoint: Option<Url>,
    /// Region; `us-east-1` when there is none.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_key: SecretString,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<SecretString>,
}

/// At least one key of 256 bits, without which nobody sees a photo.
#[derive(Clone)]
pub struct MasterKeys(Arc<[SecretBox<[u8; 32]>]>);

impl MasterKeys {
    /// Keys in their order; the first encrypts. `None` without any.
    #[must_use]
    pub fn new(keys: Vec<SecretBox<[u8; 32]>>) -> Option<Self> {
        (!keys.is_empty()).then(|| Self(keys.into()))
    }

    /// The keys; the first is for sealing.
    pub fn expose(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhotoKeys(…)")
    }
}
