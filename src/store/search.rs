//! Searches registrations for the staff, page by page: the newest, those whose name has a prefix, or one by id or
//! receipt. A page begins after the last row of the one before (keyset pagination): rows that are added, corrected or
//! deleted meanwhile do not move any other row onto two pages or onto none.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use super::{Store, StoreError, ask};
use crate::domain::text::fold;
use crate::domain::{Campaign, ReceiptNumber, Registration, RegistrationId};

/// Upper bound of a prefix scan: no validated name contains U+10FFFF.
const LAST: char = '\u{10FFFF}';

/// Minimum number of letters in a search by name; a wide one counts as two.
const LEAST_LETTERS: usize = 2;

/// Number of registrations in the searched period below which a search by name scans them all. With more, it scans the
/// index of names, where at least one in a few hundred names is of the period.
pub(super) const NARROW: u32 = 3_000;

/// A search; all conditions must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Key, which also sets the order.
    pub by: By,
    /// Tallied values; empty for all.
    pub values: Vec<String>,
    /// Earliest time of arrival, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time of arrival, exclusive.
    pub until: Option<Timestamp>,
}

/// Key of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Values and dates only; newest first.
    Newest,
    /// Folded prefix of the name ([`By::name`]); in order of the names.
    Name(String),
    /// Id derived from a unique answer, also from a corrected one.
    Id(RegistrationId),
    /// Receipt number.
    Receipt(ReceiptNumber),
}

/// A page of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Registrations in the order of the search.
    pub rows: Vec<Registration>,
    /// Cursor of the next page, if there is one.
    pub next: Option<Cursor>,
}

/// The last row of a page. In a search by name it is personal data: never put it into URLs or logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// Folded name, in a search by name.
    pub name: Option<String>,
    /// Time of arrival.
    pub received_at: Timestamp,
    /// Id.
    pub id: RegistrationId,
}

/// A registration and the folded name under which it is found.
pub(super) struct Hit {
    pub(super) name: String,
    pub(super) registration: Registration,
}

impl By {
    /// Folds a typed prefix of a name. Returns `None` if it has fewer than two letters.
    #[must_use]
    pub fn name(typed: &str) -> Option<Self> {
        let folded = fold(typed);
        (folded.width() >= LEAST_LETTERS).then_some(Self::Name(folded))
    }
}

impl Search {
    /// Finds all registrations of a campaign, newest first.
    #[must_use]
    pub fn newest() -> Self {
        Self {
            by: By::Newest,
            values: Vec::new(),
            from: None,
            until: None,
        }
    }

    /// Returns whether a registration has one of the values and is of the period.
    fn admits(&self, registration: &Registration) -> bool {
        let Registration {
            value, received_at, ..
        } = registration;
        (self.values.is_empty() || self.values.contains(value))
            && self.from.is_none_or(|from| *received_at >= from)
            && self.until.is_none_or(|until| *received_at < until)
    }

    /// Returns each value once: a repeated value must not be found twice.
    pub(super) fn distinct(&self) -> Vec<String> {
        let mut values = self.values.clone();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// Returns the period in milliseconds, from (inclusive) and until (exclusive); the limits of `i64` if open.
    pub(super) fn milliseconds(&self) -> (i64, i64) {
        let from = self.from.map_or(i64::MIN, millisecond);
        (from, self.until.map_or(i64::MAX, millisecond))
    }
}

/// Rounds up to whole milliseconds, the precision of stored times.
fn millisecond(moment: Timestamp) -> i64 {
    let nanosecond = moment.as_nanosecond() + 999_999;
    i64::try_from(nanosecond.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// Returns the exclusive upper bound of all names with this prefix.
pub(super) fn behind(prefix: &str) -> String {
    let mut behind = prefix.to_owned();
    behind.push(LAST);
    behind
}

impl Store {
    /// Returns a page of up to `page_size` registrations of a campaign, from after `after`.
    pub async fn search(
        &self,
        campaign: &Arc<Campaign>,
        search: &Search,
        after: Option<&Cursor>,
        most: u8,
    ) -> Result<Found, StoreError> {
        let id = match &search.by {
            By::Newest | By::Name(_) => return self.walk(campaign, search, after, most).await,
            By::Id(id) => Some(*id),
            By::Receipt(number) => self.receipt(*number).await?.map(|receipt| receipt.id),
        };
        let found = match id {
            Some(id) => self.named(campaign, id).await?,
            None => None,
        };
        let rows = found.into_iter().filter(|found| search.admits(found));
        Ok(Found {
            rows: rows.take(most.into()).collect(),
            next: None,
        })
    }

    /// Returns the registration with this id or alias.
    async fn named(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        let found = self.registration(campaign, id).await?;
        if found.is_some() {
            return Ok(found);
        }
        match ask!("claimant", self.claimant(id))? {
            Some(owner) => self.registration(campaign, owner).await,
            None => Ok(None),
        }
    }

    async fn walk(
        &self,
        campaign: &Arc<Campaign>,
        search: &Search,
        after: Option<&Cursor>,
        most: u8,
    ) -> Result<Found, StoreError> {
        // One row more than the page holds tells whether there is a next page.
        let limit = usize::from(most) + 1;
        let mut hits = ask!("search", self.search(campaign, search, after, limit))?;
        let more = hits.len() > usize::from(most);
        hits.truncate(most.into());
        let last = hits.last().filter(|_| more);
        let next = last.map(|hit| hit.cursor(&search.by));
        let rows = hits.into_iter().map(|hit| hit.registration).collect();
        Ok(Found { rows, next })
    }
}

impl Hit {
    fn cursor(&self, by: &By) -> Cursor {
        Cursor {
            name: matches!(by, By::Name(_)).then(|| self.name.clone()),
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
        assert_eq!(By::name(" JOSÉ  Ñ"), Some(By::Name("jose n".into())));
        assert_eq!(By::name("李"), Some(By::Name("李".into())));
        for less in ["", " ", "J", "é", "..,", "\u{301}"] {
            assert_eq!(By::name(less), None, "{less:?}");
        }
    }
}
