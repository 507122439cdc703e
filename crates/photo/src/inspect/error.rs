//! Errors of the inspection, and their texts for users: the problem and how to fix it.
//! The web layer chooses the HTTP status; this module distinguishes the three kinds.

/// Reason why a photo is rejected.
#[derive(thiserror::Error, Debug, PartialEq, Eq, Clone)]
pub enum InspectionError {
    /// An empty file.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_PHOTO_BYTES`](crate::format::MAX_PHOTO_BYTES).
    #[error("the file has more than 8 MiB")]
    TooLarge,
    /// Not an image, whatever its name says.
    #[error("the file is not a photo")]
    NotAPhoto,
    /// A drawing that may contain scripts.
    #[error("the file is an SVG drawing")]
    Svg,
    /// HEIC or HEIF, written by phones; most browsers cannot display it.
    #[error("the file is a HEIC photo")]
    Heic,
    /// Another known format, by name.
    #[error("the file is of type {0}, not a JPEG, PNG or WebP photo")]
    UnsupportedFormat(&'static str),
    /// An animated PNG or WebP.
    #[error("the picture is animated")]
    Animated,
    /// A JPEG that browsers cannot display: lossless, arithmetic, hierarchical, 12 bits, or 2 or more than 4
    /// components.
    #[error("browsers cannot display this kind of JPEG")]
    UnsupportedJpeg,
    /// More than 66 million pixels.
    #[error("the photo declares {width} x {height} pixels, more than 66 million")]
    TooManyPixels {
        /// Declared pixels per row.
        width: u32,
        /// Declared rows.
        height: u32,
    },
    /// A width or height of zero.
    #[error("the photo declares no pixels")]
    NoPixels,
    /// A part of the picture is missing: the file, or its coded data, ends before the image does.
    #[error("the photo is truncated")]
    Truncated,
    /// The bytes violate the file format.
    #[error("the photo is damaged")]
    Damaged,
}

impl InspectionError {
    /// Returns whether the file is not a JPEG, PNG or WebP at all (HTTP 415), rather than an unacceptable one (422).
    pub fn is_unsupported_media_type(&self) -> bool {
        matches!(
            self,
            Self::NotAPhoto | Self::Svg | Self::Heic | Self::UnsupportedFormat(_)
        )
    }

    /// Returns whether the file is too large (HTTP 413).
    pub fn is_too_large(&self) -> bool {
        *self == Self::TooLarge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_are_told_apart() {
        assert!(InspectionError::UnsupportedFormat("GIF").is_unsupported_media_type());
        assert!(!InspectionError::Truncated.is_unsupported_media_type());
        assert!(InspectionError::TooLarge.is_too_large());
        assert!(!InspectionError::TooLarge.is_unsupported_media_type());
    }
}
