//! Finds registrations for the staff, a page at a time: the latest, those whose name begins so, or one by what it goes by.
//! A page begins after the last row of the one before (keyset), so that rows that are added, corrected or deleted in
//! between neither move a row into two pages nor out of all.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use super::{Store, StoreError, ask};
use crate::domain::text::fold;
use crate::domain::{Campaign, ReceiptNumber, Registration, RegistrationId};

/// Behind every name that begins alike: no name that was admitted holds this character.
const LAST: char = '\u{10FFFF}';

/// Least letters of a name that are looked for; a wide one counts as two.
const LEAST_LETTERS: usize = 2;

/// Registrations of a time that are so few that a search by name looks at them all; with more, one in a few hundred
/// names is of the time.
pub(super) const NARROW: u32 = 3_000;

/// What is looked for: all that is said must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// By what, and in which order.
    pub by: By,
    /// Only of these tallied values; none: of all.
    pub values: Vec<String>,
    /// Received at this moment or later.
    pub from: Option<Timestamp>,
    /// Received before this moment.
    pub until: Option<Timestamp>,
}

/// By what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Nothing but values and dates; the newest come first.
    Newest,
    /// The folded beginning of the name ([`By::name`]); in the order of the names.
    Name(String),
    /// The id that a unique answer leads to, also a corrected one.
    Id(RegistrationId),
    /// The number on the receipt.
    Receipt(ReceiptNumber),
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was found, in the order of the search.
    pub rows: Vec<Registration>,
    /// Where the next page begins, if there is more.
    pub next: Option<Cursor>,
}

/// The last row of a page. Personal where names are looked for: not for addresses or logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// Its folded name, when the search is in the order of names.
    pub name: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its id.
    pub id: RegistrationId,
}

/// A row and the name under which it is found.
pub(super) struct Hit {
    pub(super) name: String,
    pub(super) registration: Registration,
}

impl By {
    /// The name that begins so, as people may type it; `None` for less than two letters.
    #[must_use]
    pub fn name(typed: &str) -> Option<Self> {
        let folded = fold(typed);
        (folded.width() >= LEAST_LETTERS).then_some(Self::Name(folded))
    }
}

impl Search {
    /// All registrations of a campaign, the newest first.
    #[must_use]
    pub fn newest() -> Self {
        Self {
            by: By::Newest,
            values: Vec::new(),
            from: None,
            until: None,
        }
    }

    /// Whether a registration is of the values and dates.
    fn admits(&self, registration: &Registration) -> bool {
        let Registration {
            value, received_at, ..
        } = registration;
        (self.values.is_empty() || self.values.contains(value))
            && self.from.is_none_or(|from| *received_at >= from)
            && self.until.is_none_or(|until| *received_at < until)
    }

    /// The values, each once: a value that is said twice must not be found twice.
    pub(super) fn distinct(&self) -> Vec<String> {
        let mut values = self.values.clone();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// The first millisecond that is looked for, and the one before which is looked; `i64`'s ends for none.
    pub(super) fn milliseconds(&self) -> (i64, i64) {
        let from = self.from.map_or(i64::MIN, millisecond);
        (from, self.until.map_or(i64::MAX, millisecond))
    }
}

/// The first whole millisecond that is not before a moment: registrations are kept to the millisecond.
fn millisecond(moment: Timestamp) -> i64 {
    let nanosecond = moment.as_nanosecond() + 999_999;
    i64::try_from(nanosecond.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// The text before which every name stands that begins with this one, and no other.
pub(super) fn behind(prefix: &str) -> String {
    let mut behind = prefix.to_owned();
    behind.push(LAST);
    behind
}

impl Store {
    /// Looks for registrations of a campaign: at most so many, from behind `after`.
    ///
    /// # Errors
    /// When the store does not answer.
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

    /// The registration of this id, or that which claims it.
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
        // One more than is shown tells whether there is a next page.
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
