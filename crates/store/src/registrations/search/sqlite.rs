//! Pages of a search in SQLite. The keys of a page come from the indexes alone, in one read transaction with the rows.

mod words;

use std::cmp::Reverse;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Transaction, params_from_iter};

use super::{Cursor, MAX_SCANNED, SearchBy, SearchHit, SearchPart, SearchQuery, prefix_end};
use crate::error::{Result, StoreError};
use crate::registrations::sqlite::{COLUMNS, registration};
use crate::sqlite::convert::{registration_id, time};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::Campaign;

/// Sorts before every id: blobs are compared byte by byte, and a prefix comes first.
const NO_ID: &[u8] = &[];

impl SqliteStore {
    pub(crate) async fn search(
        &self,
        campaign: &Arc<Campaign>,
        search: &SearchQuery,
        part: SearchPart,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<SearchHit>> {
        let campaign = Arc::clone(campaign);
        let (search, after) = (search.clone(), after.cloned());
        self.readers
            .read(move |connection| {
                let page = SqliteSearch {
                    reader: connection.transaction()?,
                    campaign: &campaign,
                    search: &search,
                    after: after.as_ref(),
                    limit,
                };
                match part {
                    SearchPart::Main => page.run(),
                    SearchPart::OtherWords => page.run_words(),
                }
            })
            .await
    }
}

struct SqliteSearch<'p> {
    reader: Transaction<'p>,
    campaign: &'p Campaign,
    search: &'p SearchQuery,
    after: Option<&'p Cursor>,
    limit: usize,
}

impl SqliteSearch<'_> {
    fn run(&self) -> Result<Vec<SearchHit>> {
        let mut keys = match &self.search.by {
            SearchBy::Name(query) if self.is_narrow()? => self.by_name_scan(query.folded())?,
            SearchBy::Name(query) => self.by_name(query.folded())?,
            _ => self.by_time()?,
        };
        keys.truncate(self.limit);
        keys.iter().map(|key| self.read_hit(key)).collect()
    }

    /// Finds keys by time, newest first. Merges the first keys of several values.
    fn by_time(&self) -> Result<Vec<Cursor>> {
        let (from, until) = self.search.period_ms();
        let before = self
            .after
            .map(|after| (arrival_ms(after), &after.id.as_bytes()[..]));
        let before = before.map_or((until, NO_ID), |before| before.min((until, NO_ID)));
        let (time, id) = before;
        let bounds = [from.into(), time.into(), id.to_vec().into()];
        let filter = "received_at >= ?3 AND (received_at, id) < (?4, ?5) \
                      ORDER BY received_at DESC, id DESC LIMIT ?2";
        let mut keys = self.keys_per_value("NULL", ["newest", "in_order"], filter, &bounds)?;
        keys.sort_unstable_by_key(|key| Reverse((key.received_at, key.id)));
        Ok(keys)
    }

    /// Finds keys in order of the names. Merges the first keys of several values.
    fn by_name(&self, prefix: &str) -> Result<Vec<Cursor>> {
        let (from, until) = self.search.period_ms();
        let (name, at, id) = self.start_of_page(prefix);
        let bounds = [
            name.to_owned().into(),
            at.into(),
            id.to_vec().into(),
            prefix_end(prefix).into(),
            from.into(),
            until.into(),
        ];
        let filter = "(name, received_at, id) > (?3, ?4, ?5) AND name < ?6 \
                      AND received_at >= ?7 AND received_at < ?8 \
                      ORDER BY name, received_at, id LIMIT ?2";
        let mut keys =
            self.keys_per_value("name", ["by_name", "by_name_in_place"], filter, &bounds)?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// Returns the first keys of each searched value by the second index, or those of all values by the first. The
    /// filter has the campaign as ?1, the limit as ?2, and then the bounds.
    fn keys_per_value(
        &self,
        name: &str,
        [of_all, of_value]: [&str; 2],
        filter: &str,
        bounds: &[Value],
    ) -> Result<Vec<Cursor>> {
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let campaign = self.campaign.id.as_str().to_owned();
        let mut bounds = [&[campaign.into(), limit.into()], bounds].concat();
        if self.search.values.is_empty() {
            return self.query_keys(&key_query(name, of_all, filter), &bounds);
        }
        let place = bounds.len() + 1;
        let sql = key_query(name, of_value, &format!("value = ?{place} AND {filter}"));
        let mut keys = Vec::new();
        for value in self.search.distinct_values() {
            bounds.truncate(place - 1);
            bounds.push(value.into());
            keys.extend(self.query_keys(&sql, &bounds)?);
        }
        Ok(keys)
    }

    /// Returns whether the period has so few registrations that scanning them all is best: in the index of names they
    /// would be far apart.
    fn is_narrow(&self) -> Result<bool> {
        if self.search.from.is_none() && self.search.until.is_none() {
            return Ok(false);
        }
        let (from, until) = self.search.period_ms();
        let sql = "SELECT count(*) FROM (SELECT 1 FROM registrations \
                   INDEXED BY registrations_newest WHERE campaign = ?1 \
                   AND received_at >= ?2 AND received_at < ?3 LIMIT ?4)";
        let mut statement = self.reader.prepare_cached(sql)?;
        let bounds = (self.campaign.id.as_str(), from, until, MAX_SCANNED);
        let count: u32 = statement.query_row(bounds, |row| row.get(0))?;
        Ok(count < MAX_SCANNED)
    }

    fn by_name_scan(&self, prefix: &str) -> Result<Vec<Cursor>> {
        let (from, until) = self.search.period_ms();
        let (name, at, id) = self.start_of_page(prefix);
        let bounds = (
            self.campaign.id.as_str(),
            name,
            at,
            id,
            prefix_end(prefix),
            from,
            until,
        );
        let values = self.search.distinct_values();
        let sql = "SELECT name, received_at, id, value FROM registrations \
                   INDEXED BY registrations_newest WHERE campaign = ?1 \
                   AND (name, received_at, id) > (?2, ?3, ?4) AND name < ?5 \
                   AND received_at >= ?6 AND received_at < ?7";
        let mut statement = self.reader.prepare_cached(sql)?;
        let mut rows = statement.query(bounds)?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let value: String = row.get(3)?;
            if values.is_empty() || values.binary_search(&value).is_ok() {
                keys.push(read_key(row)?);
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Returns the name, time and id after which the page begins.
    fn start_of_page<'a>(&'a self, prefix: &'a str) -> (&'a str, i64, &'a [u8]) {
        let first = (prefix, i64::MIN, NO_ID);
        let after = self.after.and_then(|after| {
            let name = after.name.as_deref()?;
            Some((name, arrival_ms(after), &after.id.as_bytes()[..]))
        });
        after.map_or(first, |after| after.max(first))
    }

    fn query_keys(&self, sql: &str, bounds: &[Value]) -> Result<Vec<Cursor>> {
        let mut statement = self.reader.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(bounds))?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            keys.push(read_key(row)?);
        }
        Ok(keys)
    }

    fn read_hit(&self, key: &Cursor) -> Result<SearchHit> {
        let sql = format!("SELECT {COLUMNS}, name FROM registrations WHERE id = ?1");
        let mut statement = self.reader.prepare_cached(&sql)?;
        let mut rows = statement.query([key.id.as_bytes()])?;
        let row = rows.next()?.ok_or_else(|| StoreError::malformed("row"))?;
        Ok(SearchHit {
            name: row.get(8)?,
            word: None,
            registration: registration(self.campaign, row)?,
        })
    }
}

/// Builds a query of columns of one index: most keys of many values are not used.
fn key_query(name: &str, index: &str, filter: &str) -> String {
    format!(
        "SELECT {name}, received_at, id FROM registrations \
         INDEXED BY registrations_{index} WHERE campaign = ?1 AND {filter}"
    )
}

fn read_key(row: &rusqlite::Row<'_>) -> Result<Cursor> {
    Ok(Cursor {
        name: row.get(0)?,
        word: None,
        received_at: time(row.get(1)?)?,
        id: registration_id(row, 2)?,
    })
}

fn arrival_ms(cursor: &Cursor) -> i64 {
    cursor.received_at.as_millisecond()
}
