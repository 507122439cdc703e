//! Photos: what one must be, and where they are kept.
//! A photo is personal: its bytes appear in no log, error or `Debug` output.

pub mod disk;
mod format;
pub mod inspect;
mod keep;
mod key;
pub mod s3;

pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
pub use keep::{Photos, PhotosError};
pub use key::PhotoKey;
