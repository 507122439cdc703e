//! Inspection of photos, without their storage.

mod format;
pub mod inspect;

pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
