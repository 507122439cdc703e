//! Names of people as the staff search them: by the beginning of any word, in any order, however marks, accents, umlauts and
//! common abbreviations are written.

use crate::text::{fold, is_quote};

/// Maximum number of words of a name that are indexed.
const MAX_WORDS: usize = 24;

/// Maximum number of words of a search.
const MAX_TOKENS: usize = 8;

/// Abbreviations of names, and the name. Of those marked, the beginning is also that of other names.
const ABBREVIATIONS: &[(&str, &str, bool)] = &[
    ("ma", "maria", true),
    ("ant", "antonio", true),
    ("alej", "alejandro", true),
    ("geo", "george", true),
    ("jas", "james", true),
    ("chas", "charles", true),
    ("thos", "thomas", true),
    ("wm", "william", false),
    ("robt", "robert", false),
    ("fco", "francisco", false),
    ("fca", "francisca", false),
    ("fdo", "fernando", false),
    ("gmo", "guillermo", false),
    ("gpe", "guadalupe", false),
    ("mnl", "manuel", false),
    ("jse", "jose", false),
    ("dgo", "domingo", false),
    ("stgo", "santiago", false),
    ("fdez", "fernandez", false),
    ("gcia", "garcia", false),
    ("glez", "gonzalez", false),
    ("gzlez", "gonzalez", false),
    ("hdez", "hernandez", false),
    ("hdz", "hernandez", false),
    ("jmnez", "jimenez", false),
    ("lpz", "lopez", false),
    ("mtnez", "martinez", false),
    ("mtz", "martinez", false),
    ("rdguez", "rodriguez", false),
    ("rdz", "rodriguez", false),
    ("rguez", "rodriguez", false),
    ("schz", "sanchez", false),
];

/// A stored name in the forms that are searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchedName {
    /// The whole name, folded.
    pub folded: String,
    /// Its words, each once and sorted. A name with a hyphen or an apostrophe is there both whole and in parts.
    pub words: Vec<String>,
}

/// A search for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameQuery {
    folded: String,
    tokens: Vec<Token>,
}

/// A typed word: the name has a word that begins with `whole`, or for each part one that begins with it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    whole: String,
    parts: Vec<String>,
}

impl SearchedName {
    /// Folds a name.
    pub fn new(name: &str) -> Self {
        let mut words = Vec::new();
        // A single letter before a word, as in O Connor.
        let mut letter: Option<String> = None;
        for token in name.split_whitespace().filter_map(Token::parse) {
            let parts = token.parts.iter();
            let full = parts.filter_map(|part| Some(find_abbreviation(part)?.1));
            words.extend(full.map(merge_transcriptions));
            if let Some(letter) = letter.take() {
                words.push(format!("{letter}{}", token.whole));
            }
            letter = Some(token.whole.clone()).filter(|whole| whole.chars().nth(1).is_none());
            words.push(token.whole);
            words.extend(token.parts);
            if words.len() >= MAX_WORDS {
                break;
            }
        }
        words.truncate(MAX_WORDS);
        words.sort_unstable();
        words.dedup();
        let folded = fold_name(name);
        Self { folded, words }
    }
}

impl NameQuery {
    /// Parses a typed text. `None` if it has no letter or digit.
    pub fn parse(typed: &str) -> Option<Self> {
        let tokens = typed.split_whitespace().filter_map(Token::parse);
        let mut tokens: Vec<_> = tokens.take(MAX_TOKENS).collect();
        for token in &mut tokens {
            let full = find_abbreviation(&token.whole).filter(|(_, _, is_beginning)| !is_beginning);
            if let Some((_, full, _)) = full {
                token.whole = merge_transcriptions(full);
                token.parts = vec![token.whole.clone()];
            }
        }
        let folded = fold_name(typed);
        (!tokens.is_empty()).then_some(Self { folded, tokens })
    }

    /// Returns the folded text. Names that begin with it come first.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Returns beginnings of words, all of which a name must have, none of which begins with another: the longest first.
    pub fn beginnings(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.tokens.iter().map(|token| &*token.parts[0]).collect();
        all.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        let mut beginnings: Vec<&str> = Vec::new();
        for one in all {
            if !beginnings.iter().any(|other| other.starts_with(one)) {
                beginnings.push(one);
            }
        }
        beginnings
    }

    /// Returns whether a name begins with the text, or has each typed word.
    pub fn matches<'a>(
        &self,
        folded: &str,
        words: &(impl Iterator<Item = &'a str> + Clone),
    ) -> bool {
        self.begins(folded) || self.has_words(words)
    }

    /// Returns whether a folded name begins with the text.
    pub fn begins(&self, folded: &str) -> bool {
        folded.starts_with(&self.folded)
    }

    /// Returns whether each typed word is the beginning of one of these words.
    pub fn has_words<'a>(&self, words: &(impl Iterator<Item = &'a str> + Clone)) -> bool {
        let has = |typed: &String| words.clone().any(|word| word.starts_with(&**typed));
        let mut tokens = self.tokens.iter();
        tokens.all(|token| has(&token.whole) || token.parts.iter().all(has))
    }
}

impl Token {
    /// Splits a typed word at its marks. `None` if it has nothing but marks.
    fn parse(typed: &str) -> Option<Self> {
        let apart = typed.replace(is_quote, " ");
        let parts = fold(&apart);
        let parts: Vec<_> = parts.split(' ').filter(|part| !part.is_empty()).collect();
        let whole = merge_transcriptions(&parts.concat());
        let parts: Vec<_> = parts.into_iter().map(merge_transcriptions).collect();
        (!parts.is_empty()).then_some(Self { whole, parts })
    }
}

fn find_abbreviation(word: &str) -> Option<&'static (&'static str, &'static str, bool)> {
    ABBREVIATIONS.iter().find(|(short, _, _)| *short == word)
}

fn fold_name(name: &str) -> String {
    merge_transcriptions(&fold(name))
}

/// Writes letters alike that a foreign keyboard lacks, however they are transcribed: ae, oe and ue for umlauts, aa for å, dj
/// for đ. Folding has left the base letter of the others.
fn merge_transcriptions(folded: &str) -> String {
    let mut merged = String::with_capacity(folded.len());
    let mut previous = ' ';
    for c in folded.chars() {
        let is_second = matches!(
            (previous, c),
            ('a' | 'o' | 'u', 'e') | ('a', 'a') | ('d', 'j')
        );
        if is_second {
            previous = ' ';
        } else {
            merged.push(c);
            previous = c;
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(name: &str, typed: &str) -> bool {
        let name = SearchedName::new(name);
        let query = NameQuery::parse(typed).unwrap();
        let words = name.words.iter().map(String::as_str);
        let is_found = query.matches(&name.folded, &words);
        if is_found && !query.begins(&name.folded) {
            let has = |one: &&str| words.clone().any(|word| word.starts_with(*one));
            assert!(query.beginnings().iter().all(has), "{typed}");
        }
        is_found
    }

    #[test]
    fn a_name_is_found_by_the_beginning_of_any_word() {
        for (name, typed) in [
            ("Hans Peter Lustig", "Peter"),
            ("Hans Peter Lustig", "Hans Lustig"),
            ("Hans Peter Lustig", "lus hans pe"),
            ("María del Pilar Gómez Ruiz", "María Gómez"),
            ("Gómez, Carlos", "Carlos Gómez"),
            ("Sean O'Connor", "sean o ’connor"),
            ("Sean O'Connor", "sean o ’ connor"),
            ("Sean O'Connor", "oconnor"),
            ("Sean O'Connor", "connor"),
            ("Sean O Connor", "o'connor"),
            ("Sean O Connor", "oconnor"),
            ("Jean-Luc Dupont", "jean luc"),
            ("Jean-Luc Dupont", "jeanluc d"),
            ("Jean-Luc Dupont", "luc"),
            ("Jeanluc Dupont", "jean-luc"),
            ("J.R. Pérez", "jr perez"),
            ("Müller Heinz", "muller"),
            ("Müller Heinz", "Mueller"),
            ("Mueller Heinz", "Müller"),
            ("Miguel Raquel", "migue raque"),
            ("Großmann Udo", "grossmann"),
            ("Åse Ødegård", "oedegaard aase"),
            ("Łukasz Wójcik", "lukasz"),
            ("Đorđe Petrović", "djordje"),
            ("क्\u{200D}षमा शर्मा", "क्षमा"),
            ("Ma. del Pilar Gómez", "María Pilar"),
            ("Mª Gómez", "maria"),
            ("María Gómez", "ma gomez"),
            ("Fco. Hdez.", "Francisco Hernández"),
            ("Francisco Hernández", "fco hdez"),
        ] {
            assert!(finds(name, typed), "{name}: {typed}");
        }
        for (name, typed) in [
            ("Hans Peter Lustig", "Peter Ana"),
            ("Hans Peter Lustig", "eter"),
            ("Jean-Luc Dupont", "jean-paul"),
            ("María Gómez", "fco"),
        ] {
            assert!(!finds(name, typed), "{name}: {typed}");
        }
    }

    #[test]
    fn words_are_few_and_a_search_is_bounded() {
        let long = "A-b ".repeat(60);
        assert!(SearchedName::new(&long).words.len() <= MAX_WORDS);
        assert!(NameQuery::parse(&long).unwrap().tokens.len() <= MAX_TOKENS);
        assert_eq!(NameQuery::parse(" .,' "), None);
        let query = NameQuery::parse("mar maria ana").unwrap();
        assert_eq!(query.beginnings(), ["maria", "ana"]);
    }
}
