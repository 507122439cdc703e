//! Photos: inspection of uploads, and encrypted storage of photos and reports.
//! Photos are personal: their bytes appear in no log, error or `Debug` output.

pub mod aead;
pub mod disk;
pub mod encryption;
mod error;
mod format;
pub mod inspect;
mod key;
mod object_store;
pub mod s3;
mod setting;

pub use error::{ObjectError, within};
pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
pub use key::ObjectKey;
pub use object_store::ObjectStore;
pub use setting::{MasterKeys, ObjectStoreSetting, S3Setting};
