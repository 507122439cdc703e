//! QR codes as SVG, without an image request.

use std::fmt::Write as _;

use qrcode::types::QrError;
use qrcode::{Color, QrCode};

/// Width of the quiet zone in modules (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// QR code as an SVG path, in modules.
#[derive(Debug)]
pub struct Qr {
    /// Width and height, including the quiet zone.
    pub side: usize,
    /// Path with one square per dark module.
    pub path: String,
}

impl Qr {
    /// Encodes a URL. Fails if it is too long for a QR code.
    pub fn encode(address: &str) -> Result<Self, QrError> {
        let code = QrCode::new(address)?;
        let width = code.width();
        let mut path = String::new();
        for (place, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (place % width + QUIET_ZONE, place / width + QUIET_ZONE);
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        Ok(Self {
            side: width + 2 * QUIET_ZONE,
            path,
        })
    }
}
