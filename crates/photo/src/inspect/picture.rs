//! Limits and results common to the scanners of all formats.

use bytes::Bytes;

use super::InspectionError;

/// Maximum number of pixels: staff open photos in a browser, which uses 4 bytes per pixel. Phones whose photos are said to
/// have 50 or 64 megapixels are up to 3 % above.
const MAX_PIXELS: u64 = 66_000_000;

/// Pixels up to which the coded data is read to its end; above, only the structure is checked.
const MAX_WALKED_PIXELS: u64 = 12_600_000;

/// Result of a scanner.
pub(super) struct ScannedPhoto {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bytes: Bytes,
}

/// Returns [`InspectionError::Damaged`] unless the file is valid.
pub(super) fn ensure(is_valid: bool) -> Result<(), InspectionError> {
    is_valid.then_some(()).ok_or(InspectionError::Damaged)
}

/// Rejects impossible dimensions before anything else is read.
pub(super) fn check_dimensions(width: u32, height: u32) -> Result<(), InspectionError> {
    if width == 0 || height == 0 {
        return Err(InspectionError::NoPixels);
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(InspectionError::TooManyPixels { width, height });
    }
    Ok(())
}

/// Returns whether the coded data is read to its end, which takes time: most photos of phones have up to 12 megapixels.
pub(super) fn is_walked(width: u32, height: u32) -> bool {
    u64::from(width) * u64::from(height) <= MAX_WALKED_PIXELS
}
