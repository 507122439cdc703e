//! Limits and results common to the scanners of all formats.

use bytes::Bytes;

use super::InspectionError;

/// Maximum number of pixels: staff open photos in a browser, which uses 4 bytes per pixel.
const MAX_PIXELS: u64 = 50_000_000;

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
