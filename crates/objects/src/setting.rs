//! Settings of the object store and the master keys.

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

/// Address and credentials of an S3 bucket.
#[derive(Clone, Debug)]
pub struct S3Setting {
    /// Bucket; created if it is missing.
    pub bucket: String,
    /// Base URL of the service; AWS if `None`.
    pub endpoint: Option<Url>,
    /// Region; `us-east-1` by default.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_key: SecretString,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<SecretString>,
}

/// One or more 256-bit keys that protect all photos and files.
#[derive(Clone)]
pub struct MasterKeys(Arc<[SecretBox<[u8; 32]>]>);

impl MasterKeys {
    /// Wraps the keys in order; the first one encrypts. Returns `None` if there are none.
    pub fn new(keys: Vec<SecretBox<[u8; 32]>>) -> Option<Self> {
        (!keys.is_empty()).then(|| Self(keys.into()))
    }

    /// Iterates over the keys; the first one encrypts.
    pub fn expose(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhotoKeys(…)")
    }
}
