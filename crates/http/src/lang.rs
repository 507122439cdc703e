//! Language of a response: `?lang=`, else `Accept-Language`, else Spanish. No cookie.

use axum::http::{HeaderMap, Uri, header};

use jornada_domain::Lang;

/// Returns the language of a request.
pub fn read_lang(uri: &Uri, headers: &HeaderMap) -> Lang {
    let asked = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("lang="));
    asked.and_then(Lang::from_tag).unwrap_or_else(|| {
        let header = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        header.map_or_else(Lang::default, accepted)
    })
}

/// Chooses the supported language of highest weight in an `Accept-Language` header (RFC 9110, 12.5.4).
fn accepted(header: &str) -> Lang {
    header
        .split(',')
        .filter_map(weighted_language)
        // The first of equal weights wins.
        .rev()
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or_else(Lang::default, |(_, lang)| lang)
}

fn weighted_language(range: &str) -> Option<(f32, Lang)> {
    let (tag, weight) = match range.split_once(';') {
        Some((tag, parameter)) => (tag, parameter.trim().strip_prefix("q=")?.parse().ok()?),
        None => (range, 1.0),
    };
    Lang::from_tag(tag.trim())
        .map(|lang| (weight, lang))
        .filter(|(weight, _)| *weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_that_is_spoken_wins() {
        assert_eq!(accepted("en-US,en;q=0.9"), Lang::En);
        assert_eq!(accepted("de,en;q=0.4,es;q=0.8"), Lang::Es);
        assert_eq!(accepted("es-CO, en;q=0.5"), Lang::Es);
        assert_eq!(accepted("fr;q=1, en;q=0"), Lang::Es);
        assert_eq!(accepted("en;q=x, ;;,"), Lang::Es);
    }
}
