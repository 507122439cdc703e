//! Searches registrations for the staff, page by page: the newest, those with a name, or one by id or receipt. Names that
//! begin with the typed text come first, then those with words that begin as the typed ones. A page begins after the last row
//! of the one before (keyset pagination): rows that are added, corrected or deleted meanwhile do not move any other row onto
//! two pages or onto none.

pub(crate) mod mongo;
mod sqlite;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::person_name::NameQuery;
use jornada_domain::text::fold;
use jornada_domain::{Campaign, ReceiptNumber, Registration, RegistrationId};

/// Upper bound of a prefix scan: no validated name contains U+10FFFF.
const PREFIX_END: char = '\u{10FFFF}';

/// Number of names up to which the words of a search are counted, to scan the index of the rarest.
pub(crate) const MAX_COUNTED: u32 = 5_000;

/// Number of values up to which each is searched in the index of values and words. More are so many that the index of words
/// alone finds them soon.
pub(crate) const MAX_SEPARATE_VALUES: usize = 16;

/// Minimum number of letters in a search by name; a wide one counts as two.
const MIN_LETTERS: usize = 2;

/// Number of registrations in the searched period below which a search by name scans them all. With more, it scans the
/// index of names, where at least one in a few hundred names is within the period.
pub(crate) const MAX_SCANNED: u32 = 3_000;

/// A search; all conditions must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// Key, which also sets the order.
    pub by: SearchBy,
    /// Tallied values; empty for all.
    pub values: Vec<String>,
    /// Earliest time of arrival, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time of arrival, exclusive.
    pub until: Option<Timestamp>,
}

/// Key of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchBy {
    /// Values and dates only; newest first.
    Newest,
    /// Beginnings of words of the name ([`SearchBy::from_name`]). Names that begin with the text first, in order of the names,
    /// then the others in order of the words that match.
    Name(NameQuery),
    /// Id derived from a unique answer, also from a corrected one.
    Id(RegistrationId),
    /// Receipt number.
    Receipt(ReceiptNumber),
}

/// A page of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchResults {
    /// Registrations in the order of the search.
    pub rows: Vec<Registration>,
    /// Cursor of the next page, if there is one.
    pub next: Option<Cursor>,
}

/// The last row of a page, in the order of its fields. In a search by name it is personal data: never put it into URLs or logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// Folded name, in a search by name that begins with the text.
    pub name: Option<String>,
    /// The word of the name that matches, in a search by name, if the name begins otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// Time of arrival.
    pub received_at: Timestamp,
    /// Id.
    pub id: RegistrationId,
}

/// Part of the results of a search. Those of [`SearchPart::OtherWords`] come after the others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SearchPart {
    /// All results, or in a search by name the names that begin with the text.
    Main,
    /// Names that begin otherwise, with words that begin as the typed ones.
    OtherWords,
}

/// A registration, and the folded name under which it is found, or the word.
pub(crate) struct SearchHit {
    pub(crate) name: String,
    pub(crate) word: Option<String>,
    pub(crate) registration: Registration,
}

impl SearchBy {
    /// Reads what was typed of a name. Returns `None` if it has fewer than two letters.
    pub fn from_name(typed: &str) -> Option<Self> {
        let query = NameQuery::parse(typed)?;
        (fold(typed).width() >= MIN_LETTERS).then_some(Self::Name(query))
    }
}

impl SearchQuery {
    /// Finds all registrations of a campaign, newest first.
    pub fn newest() -> Self {
        Self {
            by: SearchBy::Newest,
            values: Vec::new(),
            from: None,
            until: None,
        }
    }

    /// Returns whether a registration has one of the values and arrived within the period.
    fn matches(&self, registration: &Registration) -> bool {
        let Registration {
            tally_value: value,
            received_at,
            ..
        } = registration;
        (self.values.is_empty() || self.values.contains(value))
            && self.from.is_none_or(|from| *received_at >= from)
            && self.until.is_none_or(|until| *received_at < until)
    }

    /// Returns each value once: a repeated value must not be found twice.
    pub(crate) fn distinct_values(&self) -> Vec<String> {
        let mut values = self.values.clone();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// Returns the period in milliseconds, from (inclusive) and until (exclusive); the limits of `i64` if open.
    pub(crate) fn period_ms(&self) -> (i64, i64) {
        let from = self.from.map_or(i64::MIN, ceil_to_ms);
        (from, self.until.map_or(i64::MAX, ceil_to_ms))
    }
}

/// Rounds up to whole milliseconds, the precision of stored times.
fn ceil_to_ms(timestamp: Timestamp) -> i64 {
    let nanosecond = timestamp.as_nanosecond() + 999_999;
    i64::try_from(nanosecond.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// Returns the exclusive upper bound of all names with this prefix.
pub(crate) fn prefix_end(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    end.push(PREFIX_END);
    end
}

/// Returns the typed word whose index is scanned, if the page before or the search tells it.
fn find_beginning(query: &NameQuery, word: Option<&str>) -> Option<String> {
    let beginnings = query.beginnings();
    let known = match word {
        // None of them begins with another.
        Some(word) => beginnings.iter().find(|one| word.starts_with(**one)),
        None => beginnings.first().filter(|_| beginnings.len() == 1),
    };
    known.map(|known| (*known).to_owned())
}

/// Returns the typed word that the fewest names have.
fn rarest(counts: &[(u64, &str)]) -> String {
    let rarest = counts.iter().min_by_key(|(count, _)| *count);
    rarest.map_or_else(String::new, |(_, word)| (*word).to_owned())
}

/// Returns the first of the sorted words of a name that begins so, if the name has all that was typed.
fn find_word<'a>(
    query: &NameQuery,
    beginning: &str,
    mut words: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let has_all = query.has_words(&words);
    words.find(|word| has_all && word.starts_with(beginning))
}

impl Store {
    /// Returns a page of up to `page_size` registrations of a campaign, from after `after`.
    pub async fn search(
        &self,
        campaign: &Arc<Campaign>,
        search: &SearchQuery,
        after: Option<&Cursor>,
        page_size: u8,
    ) -> Result<SearchResults> {
        let id = match &search.by {
            SearchBy::Newest | SearchBy::Name(_) => {
                return self.search_page(campaign, search, after, page_size).await;
            }
            SearchBy::Id(id) => Some(*id),
            SearchBy::Receipt(number) => self.receipt(*number).await?.map(|receipt| receipt.id),
        };
        let found = match id {
            Some(id) => self.registration_or_alias(campaign, id).await?,
            None => None,
        };
        let rows = found.into_iter().filter(|found| search.matches(found));
        Ok(SearchResults {
            rows: rows.take(page_size.into()).collect(),
            next: None,
        })
    }

    async fn registration_or_alias(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<Registration>> {
        let found = self.registration(campaign, id).await?;
        if found.is_some() {
            return Ok(found);
        }
        match self.alias_owner(id).await? {
            Some(owner) => self.registration(campaign, owner).await,
            None => Ok(None),
        }
    }

    async fn search_page(
        &self,
        campaign: &Arc<Campaign>,
        search: &SearchQuery,
        after: Option<&Cursor>,
        page_size: u8,
    ) -> Result<SearchResults> {
        // One row more than the page holds shows whether there is a next page.
        let limit = usize::from(page_size) + 1;
        let is_in_words = after.is_some_and(|after| after.word.is_some());
        let mut hits = Vec::new();
        if !is_in_words {
            let part = SearchPart::Main;
            hits = dispatch!("search", self.search(campaign, search, part, after, limit))?;
        }
        let missing = limit.saturating_sub(hits.len());
        if missing > 0 && matches!(search.by, SearchBy::Name(_)) {
            let after = after.filter(|_| is_in_words);
            let part = SearchPart::OtherWords;
            let words = dispatch!(
                "search",
                self.search(campaign, search, part, after, missing)
            );
            hits.extend(words?);
        }
        let has_next = hits.len() > usize::from(page_size);
        hits.truncate(page_size.into());
        let last = hits.last().filter(|_| has_next);
        let next = last.map(|hit| hit.cursor(&search.by));
        let rows = hits.into_iter().map(|hit| hit.registration).collect();
        Ok(SearchResults { rows, next })
    }
}

impl SearchHit {
    fn cursor(&self, by: &SearchBy) -> Cursor {
        let is_name = matches!(by, SearchBy::Name(_)) && self.word.is_none();
        Cursor {
            name: is_name.then(|| self.name.clone()),
            word: self.word.clone(),
            received_at: self.registration.received_at,
            id: self.registration.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_are_enough_of_a_name_and_one_is_not() {
        for enough in [" JOSÉ  Ñ", "李", "ae"] {
            assert!(SearchBy::from_name(enough).is_some(), "{enough}");
        }
        for less in ["", " ", "J", "é", "..,", "\u{301}"] {
            assert_eq!(SearchBy::from_name(less), None, "{less:?}");
        }
    }
}
