//! Texts about rejected photos.

use jornada_domain::Lang;
use jornada_photo::inspect::InspectionError;

/// Returns the text for the user: the problem and how to fix it.
pub fn photo_message(refusal: &InspectionError, lang: Lang) -> String {
    let fixed = match *refusal {
        InspectionError::UnsupportedFormat(name) => {
            return text!(lang, "photo-unsupported-format", name = name);
        }
        InspectionError::TooManyPixels { width, height } => {
            return text!(
                lang,
                "photo-too-many-pixels",
                width = width,
                height = height
            );
        }
        InspectionError::Empty => text!(lang, "photo-empty"),
        InspectionError::TooLarge => text!(lang, "photo-too-large"),
        InspectionError::NotAPhoto => text!(lang, "photo-not-a-photo"),
        InspectionError::Svg => text!(lang, "photo-svg"),
        InspectionError::Heic => text!(lang, "photo-heic"),
        InspectionError::Animated => text!(lang, "photo-animated"),
        InspectionError::UnsupportedJpeg => text!(lang, "photo-unsupported-jpeg"),
        InspectionError::Truncated => text!(lang, "photo-truncated"),
        InspectionError::NoPixels | InspectionError::Damaged => text!(lang, "photo-damaged"),
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
