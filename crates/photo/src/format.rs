//! Maximum size and accepted formats of photos.

use strum::{EnumString, IntoStaticStr};

/// Maximum size of a photo in bytes: 8 MiB.
pub const MAX_PHOTO_BYTES: usize = 8 * 1024 * 1024;

/// Accepted formats; every browser displays them. Its text is the extension of a file name or object key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum PhotoFormat {
    /// JPEG: baseline or progressive, 8 bits a sample.
    #[strum(serialize = "jpg")]
    Jpeg,
    /// PNG: one still image.
    Png,
    /// WebP: lossy, lossless or extended, one still image.
    Webp,
}

impl PhotoFormat {
    /// Returns the extension of a file name or object key, without a dot.
    pub fn extension(self) -> &'static str {
        self.into()
    }

    /// Returns the media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// Parses an [`extension`](Self::extension); case-sensitive.
    pub fn from_extension(extension: &str) -> Option<Self> {
        extension.parse().ok()
    }
}
