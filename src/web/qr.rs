//! QR codes, drawn as SVG: no picture to load.

use std::fmt::Write as _;

use qrcode::types::QrError;
use qrcode::{Color, QrCode};

/// White modules that a reader needs around the code (ISO/IEC 18004).
const QUIET: usize = 4;

/// A QR code as the path of an SVG, in modules.
#[derive(Debug)]
pub struct Qr {
    /// Width and height with the white around it.
    pub side: usize,
    /// One square for each dark module.
    pub path: String,
}

impl Qr {
    /// The code that holds an address.
    ///
    /// # Errors
    /// When it is longer than a code can hold.
    pub fn of(address: &str) -> Result<Self, QrError> {
        let code = QrCode::new(address)?;
        let width = code.width();
        let mut path = String::new();
        for (place, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (place % width + QUIET, place / width + QUIET);
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        Ok(Self {
            side: width + 2 * QUIET,
            path,
        })
    }
}
