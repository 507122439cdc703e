//! Encrypted storage of photos and report files, in S3 or on disk.
//! Knows neither the database nor who may read an object. Start reading at [`ObjectStore`].
//!
//! Photos are personal: their bytes appear in no log, error or `Debug` output.

pub mod aead;
pub mod disk;
pub mod encryption;
mod error;
mod key;
mod key_id;
mod object_store;
mod put_id;
pub mod s3;
mod setting;

pub use error::{ObjectError, Result, with_timeout};
pub use key::ObjectKey;
pub use key_id::KeyId;
pub use object_store::ObjectStore;
pub use put_id::PutId;
pub use setting::{MasterKeys, ObjectStoreSetting, S3Setting};
