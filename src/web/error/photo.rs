//! Texts about rejected photos, in both languages.

use jornada_domain::Lang;
use jornada_photo::inspect::InspectionError;

/// Returns the text for the user: the problem and how to fix it.
#[must_use]
pub fn photo_message(refusal: &InspectionError, lang: Lang) -> String {
    match lang {
        Lang::Es => spanish(refusal),
        Lang::En => english(refusal),
    }
}

fn spanish(refusal: &InspectionError) -> String {
    let fixed = match refusal {
        InspectionError::UnsupportedFormat(name) => {
            return format!(
                "El archivo es de tipo {name} y no se puede recibir. Envíe una foto JPEG, PNG o WebP, o tómela desde esta \
                 página."
            );
        }
        InspectionError::TooManyPixels { width, height } => {
            return format!(
                "La foto mide {width} × {height} píxeles y el máximo es de 50 megapíxeles. Tómela desde esta \
                 página o envíe una más pequeña."
            );
        }
        InspectionError::Empty => {
            "El archivo está vacío. Escoja la foto otra vez o tómela desde esta página."
        }
        InspectionError::TooLarge => {
            "La foto pesa más de 8 MiB. Tómela desde esta página o envíe una copia más pequeña."
        }
        InspectionError::NotAPhoto => {
            "El archivo no es una foto, aunque su nombre lo diga. Envíe una foto JPEG, PNG o WebP, o tómela desde \
             esta página."
        }
        InspectionError::Svg => {
            "El archivo es un dibujo SVG, no una foto. Envíe una foto JPEG, PNG o WebP, o tómela desde esta página."
        }
        InspectionError::Heic => {
            "La foto está en formato HEIC, que no se puede recibir. Tómela desde esta página, o en el iPhone vaya \
             a Ajustes > Cámara > Formatos, escoja «Más compatible» y tómela de nuevo."
        }
        InspectionError::Animated => {
            "La imagen tiene movimiento. Envíe una foto fija o tómela desde esta página."
        }
        InspectionError::UnsupportedJpeg => {
            "La foto es un JPEG de una clase que los navegadores no muestran. Guárdela como JPEG normal, envíe una \
             captura de pantalla o tómela desde esta página."
        }
        InspectionError::NoPixels | InspectionError::Damaged => {
            "La foto está dañada. Ábrala para ver si se ve bien y envíela otra vez, o tómela desde esta página."
        }
        InspectionError::Truncated => {
            "La foto llegó incompleta. Envíela otra vez; si vuelve a pasar, tómela desde esta página."
        }
    };
    fixed.to_owned()
}

fn english(refusal: &InspectionError) -> String {
    let fixed = match refusal {
        InspectionError::UnsupportedFormat(name) => {
            return format!(
                "The file is of type {name}, which cannot be taken. Send a JPEG, PNG or WebP photo, or take one from this \
                 page."
            );
        }
        InspectionError::TooManyPixels { width, height } => {
            return format!(
                "The photo measures {width} × {height} pixels; at most 50 megapixels are taken. Take it from this \
                 page or send a smaller one."
            );
        }
        InspectionError::Empty => {
            "The file is empty. Choose the photo again or take it from this page."
        }
        InspectionError::TooLarge => {
            "The photo has more than 8 MiB. Take it from this page or send a smaller copy."
        }
        InspectionError::NotAPhoto => {
            "The file is not a photo, whatever its name says. Send a JPEG, PNG or WebP photo, or take one from \
             this page."
        }
        InspectionError::Svg => {
            "The file is an SVG drawing, not a photo. Send a JPEG, PNG or WebP photo, or take one from this page."
        }
        InspectionError::Heic => {
            "The photo is in HEIC format, which cannot be taken. Take it from this page, or on the iPhone go to \
             Settings > Camera > Formats, choose “Most Compatible” and take it again."
        }
        InspectionError::Animated => {
            "The picture moves. Send a still photo or take it from this page."
        }
        InspectionError::UnsupportedJpeg => {
            "The photo is a JPEG of a kind that browsers do not show. Save it as an ordinary JPEG, send a \
             screenshot of it, or take it from this page."
        }
        InspectionError::NoPixels | InspectionError::Damaged => {
            "The photo is damaged. Open it to see whether it looks right and send it again, or take it from this \
             page."
        }
        InspectionError::Truncated => {
            "The photo arrived incomplete. Send it again; if that does not help, take it from this page."
        }
    };
    fixed.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heic_says_how_to_mend_it() {
        let spanish = photo_message(&InspectionError::Heic, Lang::Es);
        assert!(spanish.contains("Ajustes > Cámara > Formatos"), "{spanish}");
        assert!(spanish.contains("Más compatible"), "{spanish}");
        let english = photo_message(&InspectionError::Heic, Lang::En);
        assert!(english.contains("Most Compatible"), "{english}");
    }

    #[test]
    fn every_refusal_speaks_both_languages() {
        for refusal in [
            InspectionError::Empty,
            InspectionError::TooLarge,
            InspectionError::NotAPhoto,
            InspectionError::Svg,
            InspectionError::Heic,
            InspectionError::UnsupportedFormat("GIF"),
            InspectionError::Animated,
            InspectionError::UnsupportedJpeg,
            InspectionError::TooManyPixels {
                width: 9999,
                height: 9999,
            },
            InspectionError::NoPixels,
            InspectionError::Truncated,
            InspectionError::Damaged,
        ] {
            for lang in [Lang::Es, Lang::En] {
                let text = photo_message(&refusal, lang);
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
            }
        }
    }
}
