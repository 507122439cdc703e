//! Photos: what one must be, and where they are kept.
//! A photo is personal: its bytes appear in no log, error or `Debug` output.

pub mod disk;
mod file;
mod format;
pub mod inspect;
mod keep;
mod key;
pub mod s3;
pub mod seal;
mod setting;

pub use file::FileKey;
pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
pub use keep::{Photos, PhotosError};
pub use key::PhotoKey;
pub use setting::{PhotoKeys, PhotosSetting, S3Setting};
