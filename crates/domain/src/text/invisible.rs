//! Removes what nobody sees from a text: default-ignorable characters (UAX #44) and marks of direction (UAX #9).

use icu_properties::props::{ExtendedPictographic, JoiningType, UnifiedIdeograph};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_bidi::{BidiInfo, Level};
use unicode_normalization::char::canonical_combining_class;

use super::mark::is_ignorable;
use crate::validation_error::ValidationError;

const ZWNJ: char = '\u{200C}';
const ZWJ: char = '\u{200D}';
/// Reverses the text behind it. Refused everywhere, because keyboards do not produce it by mistake.
const RIGHT_TO_LEFT_OVERRIDE: char = '\u{202E}';
/// Combining class of the sign that joins the letters of Indic scripts.
const VIRAMA: u8 = 9;
/// Maximum number of pairs of direction marks around a text that are removed whatever they enclose.
const MAX_PAIRS: usize = 4;

/// Removes invisible characters. Keeps joiners between letters that join, and selectors of another form of a letter. Fails
/// if without its marks of direction the text would be read in another order.
pub(super) fn remove_invisible(text: &str) -> Result<String, ValidationError> {
    let text = strip_pairs(text);
    let mut kept = String::with_capacity(text.len());
    for (place, c) in text.char_indices() {
        if !is_ignorable(c) || is_kept(&kept, c, &text[place + c.len_utf8()..]) {
            kept.push(c);
        }
    }
    let has_override = text.contains(RIGHT_TO_LEFT_OVERRIDE);
    if has_override || (text.chars().any(is_directive) && !is_shown_alike(text, &kept)) {
        return Err(ValidationError::ControlCharacter);
    }
    Ok(kept)
}

/// Removes pairs of embeddings and isolates around the whole text.
fn strip_pairs(mut text: &str) -> &str {
    let is_outside = |c: char| c.is_whitespace() || (is_ignorable(c) && !is_directive(c));
    for _ in 0..MAX_PAIRS {
        let mut inner = text.trim_matches(is_outside).chars();
        let pair = (inner.next(), inner.next_back());
        let is_pair = matches!(
            pair,
            (Some('\u{202A}' | '\u{202B}'), Some('\u{202C}'))
                | (Some('\u{2066}'..='\u{2068}'), Some('\u{2069}'))
        );
        if !is_pair || !is_balanced(inner.as_str()) {
            break;
        }
        text = inner.as_str();
    }
    text
}

/// Returns whether each mark of direction that ends something has one before it that begins it.
fn is_balanced(text: &str) -> bool {
    let depth = text.chars().try_fold(0_usize, |depth, c| match c {
        '\u{202C}' | '\u{2069}' => depth.checked_sub(1),
        c if is_directive(c) => Some(depth + 1),
        _ => Some(depth),
    });
    depth == Some(0)
}

/// Embeddings, overrides, isolates, and their ends.
fn is_directive(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether two texts, which differ in invisible characters, are displayed alike.
fn is_shown_alike(text: &str, kept: &str) -> bool {
    let paragraphs = BidiInfo::new(kept, None).paragraphs;
    let level = paragraphs.first().map_or(Level::ltr(), |first| first.level);
    display_order(text, level) == display_order(kept, level)
}

fn display_order(text: &str, level: Level) -> String {
    let info = BidiInfo::new(text, Some(level));
    let lines = info.paragraphs.iter();
    let lines = lines.map(|line| info.reorder_line(line, line.range.clone()));
    let lines: String = lines.collect();
    let is_seen = |c: &char| !is_ignorable(*c) && !c.is_whitespace();
    lines.chars().filter(is_seen).collect()
}

/// Returns whether an invisible character changes how its neighbours are shown.
fn is_kept(before: &str, c: char, after: &str) -> bool {
    let previous = before.chars().next_back();
    match c {
        ZWNJ => joins(before, after) || (ends_with_virama(before) && starts_with_letter(after)),
        ZWJ if previous == Some(ZWJ) => false,
        ZWJ => {
            joins(before, after)
                || ends_with_virama(before)
                || (previous.is_some_and(char::is_alphabetic) && starts_with_virama(after))
                || (is_emoji(before) && is_emoji_at(after))
        }
        '\u{FE00}'..='\u{FE02}' | '\u{E0100}'..='\u{E01EF}' => {
            previous.is_some_and(|c| CodePointSetData::new::<UnifiedIdeograph>().contains(c))
        }
        '\u{FE0E}' | '\u{FE0F}' => previous.is_some_and(is_pictographic),
        // Mongolian letters have several forms.
        '\u{180B}'..='\u{180D}' | '\u{180F}' => {
            previous.is_some_and(|c| matches!(c, '\u{1820}'..='\u{18AA}'))
        }
        _ => false,
    }
}

/// Returns whether the last letter of one text joins the first of another, as Arabic letters do.
fn joins(before: &str, after: &str) -> bool {
    let types = CodePointMapData::<JoiningType>::new();
    let is_letter = |c: &char| types.get(*c) != JoiningType::Transparent;
    let last = before.chars().rev().find(is_letter);
    let first = after.chars().find(|c| is_letter(c) && !is_ignorable(*c));
    let last = last.map(|c| types.get(c));
    let first = first.map(|c| types.get(c));
    matches!(
        last,
        Some(JoiningType::DualJoining | JoiningType::LeftJoining)
    ) && matches!(
        first,
        Some(JoiningType::DualJoining | JoiningType::RightJoining)
    )
}

fn ends_with_virama(before: &str) -> bool {
    let mut marks = before.chars().rev().map(canonical_combining_class);
    marks.find(|class| matches!(*class, 0 | VIRAMA)) == Some(VIRAMA)
}

fn starts_with_virama(after: &str) -> bool {
    let mut marks = after.chars().map(canonical_combining_class);
    marks.next() == Some(VIRAMA)
}

fn starts_with_letter(after: &str) -> bool {
    let mut seen = after.chars().filter(|c| !is_ignorable(*c));
    seen.next().is_some_and(char::is_alphabetic)
}

fn is_pictographic(c: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(c)
}

/// Returns whether a text ends with an emoji, also with one that has a skin tone or a selector.
fn is_emoji(before: &str) -> bool {
    let is_modifier = |c: &char| matches!(c, '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}');
    let emoji = before.chars().rev().find(|c| !is_modifier(c));
    emoji.is_some_and(is_pictographic)
}

fn is_emoji_at(after: &str) -> bool {
    after.chars().next().is_some_and(is_pictographic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_letters_is_kept() {
        for text in [
            "می\u{200C}خواهم",
            "न्\u{200D}य",
            "क्\u{200C}ष",
            "ന്\u{200D}",
            "র\u{200D}্য",
            "葛\u{E0100}城",
            "👩\u{200D}🚀",
            "❤\u{FE0F}\u{200D}🔥",
        ] {
            assert_eq!(remove_invisible(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn joiners_that_join_nothing_are_removed() {
        for text in [
            "A\u{200C}na",
            "A\u{200D}n\u{200D}\u{200D}a\u{FE0F}",
            "\u{200C}Ana\u{200D}",
        ] {
            assert_eq!(remove_invisible(text).as_deref(), Ok("Ana"), "{text:?}");
        }
        let persian = remove_invisible("\u{200C}می\u{200C}\u{200C}خواهم\u{200C}");
        assert_eq!(persian.as_deref(), Ok("می\u{200C}خواهم"));
    }

    #[test]
    fn marks_of_direction_are_removed_unless_they_reorder() {
        for (text, kept) in [
            ("\u{202A}Ana\u{202C}", Some("Ana")),
            (
                "\u{2067} \u{202B}12 de octubre\u{202C}\u{2069}",
                Some("12 de octubre"),
            ),
            ("\u{202D}1020\u{202C}", Some("1020")),
            ("A\u{202B}na\u{202C}", Some("Ana")),
            ("\u{202A}Ana", Some("Ana")),
            ("\u{202A}\u{202C}Ana\u{2069}", Some("Ana")),
            ("\u{2067}שלום Ana\u{2069}", Some("שלום Ana")),
            ("\u{200F}שלום\u{200E}", Some("שלום")),
            ("\u{202E}anA\u{202C}", None),
            ("A\u{202E}na", None),
            ("\u{202D}שלום\u{202C}", None),
            ("Ana \u{202B}Paz, שלום\u{202C}", None),
        ] {
            assert_eq!(remove_invisible(text).ok().as_deref(), kept, "{text:?}");
        }
    }
}
