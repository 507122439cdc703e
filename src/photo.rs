//! Photos: inspection of uploads, and encrypted storage of photos and reports.
//! Photos are personal: their bytes appear in no log, error or `Debug` output.

pub mod disk;
mod file;
mod format;
pub mod inspect;
mod keep;
mod key;
pub mod s3;
pub mod seal;

pub use file::FileKey;
pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
pub use keep::{Photos, PhotosError};
pub use key::PhotoKey;
