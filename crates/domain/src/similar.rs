//! Suggestions for a value that is in no list.

use super::text;

/// Maximum number of suggestions.
const MAX_SUGGESTIONS: usize = 3;
/// Minimum similarity (Jaro–Winkler, 0 to 1) of a suggestion.
const MIN_SIMILARITY: f64 = 0.75;
/// Maximum length of a text that is compared, in characters.
const MAX_CHARS: usize = 200;

/// Returns the listed names that are most similar to what was typed, best first. Each name comes with its folding.
pub fn find_similar<'a>(
    typed: &str,
    listed: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let typed: String = typed.chars().take(MAX_CHARS).collect();
    let typed = text::fold(&typed);
    let rated = listed
        .into_iter()
        .map(|(name, folded)| (strsim::jaro_winkler(&typed, folded), name));
    let mut likely: Vec<_> = rated.filter(|(rate, _)| *rate >= MIN_SIMILARITY).collect();
    likely.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names = likely.into_iter().map(|(_, name)| name.to_owned());
    names.take(MAX_SUGGESTIONS).collect()
}
