//! Words that people write before the number of a document: its kind, and "number".

/// Kinds of documents and words for "number", folded to capitals without spaces.
const WORDS: &[&str] = &[
    "CC",
    "CE",
    "TI",
    "RC",
    "PA",
    "PE",
    "PT",
    "PEP",
    "PPT",
    "CD",
    "CN",
    "SC",
    "DI",
    "CI",
    "ID",
    "DNI",
    "NIT",
    "NUIP",
    "NIP",
    "PAS",
    "CED",
    "DOC",
    "DOCTO",
    "CEDULA",
    "CIUDADANIA",
    "EXTRANJERIA",
    "EXTRANJERO",
    "TARJETA",
    "IDENTIDAD",
    "IDENTIFICACION",
    "REGISTRO",
    "CIVIL",
    "NACIMIENTO",
    "PASAPORTE",
    "DOCUMENTO",
    "PERMISO",
    "PROTECCION",
    "TEMPORAL",
    "ESPECIAL",
    "PERMANENCIA",
    "CARNE",
    "CARNET",
    "DIPLOMATICO",
    "SALVOCONDUCTO",
    "PASSPORT",
    "DOCUMENT",
    "IDENTITY",
    "IDENTIFICATION",
    "CITIZEN",
    "CITIZENS",
    "CITIZENSHIP",
    "FOREIGNER",
    "FOREIGNERS",
    "FOREIGN",
    "NATIONAL",
    "CARD",
    "REGISTRY",
    "REGISTRATION",
    "BIRTH",
    "CERTIFICATE",
    "PROTECTION",
    "TEMPORARY",
    "SPECIAL",
    "STAY",
    "PERMIT",
    "NO",
    "NOS",
    "NUM",
    "NUMERO",
    "NRO",
    "NR",
    "NUMB",
    "NUMBER",
];

/// Words that stand only behind another one.
const LINKS: &[&str] = &[
    "N", "DE", "DEL", "LA", "EL", "POR", "PARA", "OF", "THE", "FOR", "UNICO", "PERSONAL",
    "NACIONAL", "ES", "IS",
];

/// Returns whether these capitals consist of words that announce a number, however they are spaced.
pub(super) fn is_label(letters: &str) -> bool {
    let starts = |rest: &str, words: &[&str]| -> Vec<usize> {
        let found = words.iter().filter(|word| rest.starts_with(**word));
        found.map(|word| word.len()).collect()
    };
    // Whether words end at this place.
    let mut is_end = vec![false; letters.len() + 1];
    for length in starts(letters, WORDS) {
        is_end[length] = true;
    }
    for place in 1..letters.len() {
        if is_end[place] {
            let rest = &letters[place..];
            for length in [starts(rest, WORDS), starts(rest, LINKS)].concat() {
                is_end[place + length] = true;
            }
        }
    }
    !letters.is_empty() && is_end[letters.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_however_they_are_spaced() {
        for label in [
            "CC",
            "CEDULADECIUDADANIANO",
            "PASSPORTNUMBER",
            "PPT",
            "TINUMERO",
            "CCN",
        ] {
            assert!(is_label(label), "{label}");
        }
        for other in ["", "N", "DE", "AB", "CCX", "P", "CCPA1"] {
            assert!(!is_label(other), "{other}");
        }
    }
}
