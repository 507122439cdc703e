//! What a photo must be: one whole JPEG, PNG or WebP by its bytes, of bounded size, with nothing in it but the picture.
//! Own readers, since `img-parts` keeps everything after a JPEG's first scan header, trailing bytes included, and
//! neither it nor `imagesize` can tell that an image is cut short.
//!
//! Nothing is decoded: the readers walk segments, chunks and scan data, so what a container cannot show (wrong
//! pixels inside a whole file, bytes after the last block within the compressed data itself) is not noticed.

mod cut;
mod exif;
mod jpeg;
mod picture;
mod png;
mod refusal;
mod sniff;
mod webp;

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

pub use refusal::PhotoRefusal;

use super::{MAX_PHOTO_BYTES, PhotoFormat};

/// A photo that may be kept: metadata and trailing bytes are gone, colours and orientation stay.
#[derive(Clone, PartialEq, Eq)]
pub struct CleanPhoto {
    /// What the bytes are.
    pub format: PhotoFormat,
    /// Pixels a row as coded, before the orientation is applied; at least 1.
    pub width: u32,
    /// Rows as coded, before the orientation is applied; at least 1.
    pub height: u32,
    /// The file, at most [`MAX_PHOTO_BYTES`].
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

/// Takes `bytes` as a photo, whatever its name says, and removes all that is not the picture.
///
/// Without anything to remove, the clean photo shares the buffer of `bytes`; otherwise it is copied once.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the caller gives up what was sent; only the clean photo goes on"
)]
pub fn inspect(bytes: Bytes) -> Result<CleanPhoto, PhotoRefusal> {
    if bytes.is_empty() {
        return Err(PhotoRefusal::Empty);
    }
    if bytes.len() > MAX_PHOTO_BYTES {
        return Err(PhotoRefusal::TooLarge);
    }
    let format = sniff::format(&bytes)?;
    let picture = match format {
        PhotoFormat::Jpeg => jpeg::clean(&bytes),
        PhotoFormat::Png => png::clean(&bytes),
        PhotoFormat::Webp => webp::clean(&bytes),
    }?;
    Ok(CleanPhoto {
        format,
        width: picture.width,
        height: picture.height,
        sha256: Sha256::digest(&picture.bytes).into(),
        bytes: picture.bytes,
    })
}
