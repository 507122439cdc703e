//! Photos: inspection of uploads, and encrypted storage of photos and reports.
//! Photos are personal: their bytes appear in no log, error or `Debug` output.

pub mod disk;
mod error;
mod file;
mod format;
pub mod inspect;
mod keep;
mod key;
pub mod s3;
pub mod seal;
mod setting;

pub use error::PhotosError;
pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
pub use keep::Photos;
pub use key::{FileKey, PhotoKey};
pub use setting::{PhotoKeys, PhotosSetting, S3Setting};
