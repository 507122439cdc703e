//! Validates photos: recognises the format, checks the picture, removes its metadata.
//! No I/O. Knows nothing of campaigns, encryption or storage. Start reading at [`inspect::inspect`].

mod format;
pub mod inspect;

pub use format::{MAX_PHOTO_BYTES, PhotoFormat};
