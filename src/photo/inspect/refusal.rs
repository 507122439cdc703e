//! Errors of the inspection, and their texts for users: the problem and how to fix it.
//! The web layer chooses the HTTP status; this module distinguishes the three kinds.

use crate::domain::Lang;

/// Why a photo is rejected.
#[derive(thiserror::Error, Debug, PartialEq, Eq, Clone)]
pub enum PhotoRefusal {
    /// An empty file.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_PHOTO_BYTES`](crate::photo::MAX_PHOTO_BYTES).
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
    Unwanted(&'static str),
    /// An animated PNG or WebP.
    #[error("the picture is animated")]
    Animated,
    /// A JPEG that browsers cannot display: lossless, arithmetic, hierarchical, 12 bits, or 2 or more than 4
    /// components.
    #[error("browsers cannot display this kind of JPEG")]
    RareJpeg,
    /// More than 50 megapixels.
    #[error("the photo declares {width} x {height} pixels, more than 50 megapixels")]
    TooManyPixels {
        /// Declared pixels per row.
        width: u32,
        /// Declared rows.
        height: u32,
    },
    /// A width or height of zero.
    #[error("the photo declares no pixels")]
    NoPixels,
    /// The file ends before the image does.
    #[error("the photo is truncated")]
    Truncated,
    /// The bytes violate the file format.
    #[error("the photo is damaged")]
    Damaged,
}

impl PhotoRefusal {
    /// Returns whether the file is not a JPEG, PNG or WebP at all (HTTP 415), rather than an unacceptable one (422).
    #[must_use]
    pub fn is_media_type(&self) -> bool {
        match self {
            Self::NotAPhoto | Self::Svg | Self::Heic | Self::Unwanted(_) => true,
            Self::Empty
            | Self::TooLarge
            | Self::Animated
            | Self::RareJpeg
            | Self::TooManyPixels { .. }
            | Self::NoPixels
            | Self::Truncated
            | Self::Damaged => false,
        }
    }

    /// Returns whether the file is too large (HTTP 413).
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        *self == Self::TooLarge
    }

    /// Returns the text for the user: the problem and how to fix it.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::Es => self.spanish(),
            Lang::En => self.english(),
        }
    }

    fn spanish(&self) -> String {
        let fixed = match self {
            Self::Unwanted(name) => {
                return format!(
                    "El archivo es de tipo {name} y no se puede recibir. Envíe una foto JPEG, PNG o WebP, o tómela desde esta \
                     página."
                );
            }
            Self::TooManyPixels { width, height } => {
                return format!(
                    "La foto mide {width} × {height} píxeles y el máximo es de 50 megapíxeles. Tómela desde esta \
                     página o envíe una más pequeña."
                );
            }
            Self::Empty => {
                "El archivo está vacío. Escoja la foto otra vez o tómela desde esta página."
            }
            Self::TooLarge => {
                "La foto pesa más de 8 MiB. Tómela desde esta página o envíe una copia más pequeña."
            }
            Self::NotAPhoto => {
                "El archivo no es una foto, aunque su nombre lo diga. Envíe una foto JPEG, PNG o WebP, o tómela desde \
                 esta página."
            }
            Self::Svg => {
                "El archivo es un dibujo SVG, no una foto. Envíe una foto JPEG, PNG o WebP, o tómela desde esta página."
            }
            Self::Heic => {
                "La foto está en formato HEIC, que no se puede recibir. Tómela desde esta página, o en el iPhone vaya \
                 a Ajustes > Cámara > Formatos, escoja «Más compatible» y tómela de nuevo."
            }
            Self::Animated => {
                "La imagen tiene movimiento. Envíe una foto fija o tómela desde esta página."
            }
            Self::RareJpeg => {
                "La foto es un JPEG de una clase que los navegadores no muestran. Guárdela como JPEG normal, envíe una \
                 captura de pantalla o tómela desde esta página."
            }
            Self::NoPixels | Self::Damaged => {
                "La foto está dañada. Ábrala para ver si se ve bien y envíela otra vez, o tómela desde esta página."
            }
            Self::Truncated => {
                "La foto llegó incompleta. Envíela otra vez; si vuelve a pasar, tómela desde esta página."
            }
        };
        fixed.to_owned()
    }

    fn english(&self) -> String {
        let fixed = match self {
            Self::Unwanted(name) => {
                return format!(
                    "The file is of type {name}, which cannot be taken. Send a JPEG, PNG or WebP photo, or take one from this \
                     page."
                );
            }
            Self::TooManyPixels { width, height } => {
                return format!(
                    "The photo measures {width} × {height} pixels; at most 50 megapixels are taken. Take it from this \
                     page or send a smaller one."
                );
            }
            Self::Empty => "The file is empty. Choose the photo again or take it from this page.",
            Self::TooLarge => {
                "The photo has more than 8 MiB. Take it from this page or send a smaller copy."
            }
            Self::NotAPhoto => {
                "The file is not a photo, whatever its name says. Send a JPEG, PNG or WebP photo, or take one from \
                 this page."
            }
            Self::Svg => {
                "The file is an SVG drawing, not a photo. Send a JPEG, PNG or WebP photo, or take one from this page."
            }
            Self::Heic => {
                "The photo is in HEIC format, which cannot be taken. Take it from this page, or on the iPhone go to \
                 Settings > Camera > Formats, choose “Most Compatible” and take it again."
            }
            Self::Animated => "The picture moves. Send a still photo or take it from this page.",
            Self::RareJpeg => {
                "The photo is a JPEG of a kind that browsers do not show. Save it as an ordinary JPEG, send a \
                 screenshot of it, or take it from this page."
            }
            Self::NoPixels | Self::Damaged => {
                "The photo is damaged. Open it to see whether it looks right and send it again, or take it from this \
                 page."
            }
            Self::Truncated => {
                "The photo arrived incomplete. Send it again; if that does not help, take it from this page."
            }
        };
        fixed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heic_says_how_to_mend_it() {
        let spanish = PhotoRefusal::Heic.message(Lang::Es);
        assert!(spanish.contains("Ajustes > Cámara > Formatos"), "{spanish}");
        assert!(spanish.contains("Más compatible"), "{spanish}");
        let english = PhotoRefusal::Heic.message(Lang::En);
        assert!(english.contains("Most Compatible"), "{english}");
    }

    #[test]
    fn the_three_kinds_are_told_apart() {
        assert!(PhotoRefusal::Unwanted("GIF").is_media_type());
        assert!(!PhotoRefusal::Truncated.is_media_type());
        assert!(PhotoRefusal::TooLarge.is_too_large());
        assert!(!PhotoRefusal::TooLarge.is_media_type());
    }
}
