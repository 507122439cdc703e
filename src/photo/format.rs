//! How large a photo may be, and in which formats it is taken.

/// Largest photo taken, in bytes: 8 MiB.
pub const MAX_PHOTO_BYTES: usize = 8 * 1024 * 1024;

/// The formats that are taken, each of which every browser shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PhotoFormat {
    /// JPEG: baseline or progressive, 8 bits a sample.
    Jpeg,
    /// PNG: one still picture.
    Png,
    /// WebP: lossy, lossless or extended, one still picture.
    Webp,
}

impl PhotoFormat {
    /// Names the format at the end of a file name or object key, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }

    /// Names the format in a `Content-Type` header.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// Finds the format whose [`extension`](Self::extension) this is, exactly as written there.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        [Self::Jpeg, Self::Png, Self::Webp]
            .into_iter()
            .find(|format| format.extension() == extension)
    }
}
