//! Inspection of photos: one complete JPEG, PNG or WebP by its bytes, of limited size, stripped to the image itself.
//! Own scanners, because `img-parts` keeps everything after the first scan header of a JPEG, trailing bytes included,
//! neither it nor `imagesize` detects a truncated image, and decoders compute pixels and fill in what is missing.
//!
//! No pixels are computed. Up to 12.6 megapixels the coded data is read to its end: the blocks of a JPEG are skipped code
//! by code, the rows of a PNG inflated and counted. So a part of a picture is rejected, and what follows its data removed.
//! Above, and for WebP, the structure alone is checked. `docs/photos.md` lists what is accepted, repaired and rejected.

mod cut;
mod error;
mod exif;
mod icc;
mod jpeg;
mod picture;
mod png;
mod sniff;
mod webp;

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

pub use error::InspectionError;

use crate::format::{MAX_PHOTO_BYTES, PhotoFormat};

/// A photo without metadata and trailing bytes, with colours and orientation; it decodes to the pixels of the upload.
#[derive(Clone, PartialEq, Eq)]
pub struct CleanPhoto {
    /// Format, detected from the bytes.
    pub format: PhotoFormat,
    /// Pixels per row as coded, before the orientation is applied; at least 1.
    pub width: u32,
    /// Rows as coded, before the orientation is applied; at least 1.
    pub height: u32,
    /// The file, up to [`MAX_PHOTO_BYTES`].
    pub bytes: Bytes,
    /// SHA-256 of `bytes`.
    pub sha256: [u8; 32],
}

impl fmt::Debug for CleanPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanPhoto")
            .field("format", &self.format)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Inspects a photo regardless of its file name, and removes everything but the image.
///
/// If there is nothing to change, the result shares the buffer of `bytes`; otherwise it is copied once. Takes up to 0.2 s of
/// processor time for a hostile file, so call it off the threads that serve requests.
#[expect(
    clippy::needless_pass_by_value,
    reason = "consumes the upload; only the clean photo is used afterwards"
)]
pub fn inspect(bytes: Bytes) -> Result<CleanPhoto, InspectionError> {
    if bytes.is_empty() {
        return Err(InspectionError::Empty);
    }
    if bytes.len() > MAX_PHOTO_BYTES {
        return Err(InspectionError::TooLarge);
    }
    let format = sniff::detect_format(&bytes)?;
    let picture = match format {
        PhotoFormat::Jpeg => jpeg::clean(&bytes),
        PhotoFormat::Png => png::clean(&bytes),
        PhotoFormat::Webp => webp::clean(&bytes),
    }?;
    // Repairs add a few bytes.
    if picture.bytes.len() > MAX_PHOTO_BYTES {
        return Err(InspectionError::TooLarge);
    }
    Ok(CleanPhoto {
        format,
        width: picture.width,
        height: picture.height,
        sha256: Sha256::digest(&picture.bytes).into(),
        bytes: picture.bytes,
    })
}
