//! Photos without where they are kept.

mod format;
pub mod inspect;

pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
