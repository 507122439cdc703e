//! Names with words that begin as the typed ones, beside those that begin with the whole text.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::{NO_ID, SqliteSearch, arrival_ms};
use crate::error::Result;
use crate::registrations::search::{
    Cursor, MAX_COUNTED, MAX_SEPARATE_VALUES, SearchBy, SearchHit, find_beginning, find_word,
    prefix_end, rarest,
};
use crate::sqlite::convert::{registration_id, time};
use jornada_domain::person_name::NameQuery;

impl SqliteSearch<'_> {
    pub(super) fn run_words(&self) -> Result<Vec<SearchHit>> {
        let SearchBy::Name(query) = &self.search.by else {
            return Ok(Vec::new());
        };
        let beginning = self.choose_beginning(query)?;
        let mut keys = if self.is_narrow()? {
            self.words_in_period(query, &beginning)?
        } else {
            self.words_in_index(query, &beginning)?
        };
        keys.sort_unstable();
        keys.truncate(self.limit);
        let hits = keys.iter().map(|key| {
            let mut hit = self.read_hit(key)?;
            hit.word.clone_from(&key.word);
            Ok(hit)
        });
        hits.collect()
    }

    /// Returns the typed word whose index is scanned: that of the page before, or the rarest.
    fn choose_beginning(&self, query: &NameQuery) -> Result<String> {
        let word = self.after.and_then(|after| after.word.as_deref());
        if let Some(known) = find_beginning(query, word) {
            return Ok(known);
        }
        let sql = "SELECT count(*) FROM (SELECT 1 FROM name_words \
                   WHERE campaign = ?1 AND word >= ?2 AND word < ?3 LIMIT ?4)";
        let mut statement = self.reader.prepare_cached(sql)?;
        let mut counts = Vec::new();
        for beginning in query.beginnings() {
            let campaign = self.campaign.id.as_str();
            let range = (campaign, beginning, prefix_end(beginning), MAX_COUNTED);
            let count: u32 = statement.query_row(range, |row| row.get(0))?;
            counts.push((u64::from(count), beginning));
        }
        Ok(rarest(&counts))
    }

    /// Scans the words from after the last row, of all values or of each of a few.
    fn words_in_index(&self, query: &NameQuery, beginning: &str) -> Result<Vec<Cursor>> {
        let values = self.search.distinct_values();
        if values.is_empty() || values.len() > MAX_SEPARATE_VALUES {
            return self.scan_words(query, beginning, None);
        }
        let mut keys = Vec::new();
        for value in values {
            keys.extend(self.scan_words(query, beginning, Some(value))?);
        }
        Ok(keys)
    }

    fn scan_words(
        &self,
        query: &NameQuery,
        beginning: &str,
        value: Option<String>,
    ) -> Result<Vec<Cursor>> {
        let (from, until) = self.search.period_ms();
        let after = self
            .after
            .and_then(|after| Some((after, after.word.as_deref()?)));
        let first = (beginning, i64::MIN, NO_ID);
        let (word, at, id) = after.map_or(first, |(after, word)| {
            (word, arrival_ms(after), &after.id.as_bytes()[..])
        });
        let mut bounds: Vec<Value> = vec![
            self.campaign.id.as_str().to_owned().into(),
            word.to_owned().into(),
            at.into(),
            id.to_vec().into(),
            prefix_end(beginning).into(),
            from.into(),
            until.into(),
        ];
        let (index, filter) = match value {
            Some(value) => {
                bounds.push(value.into());
                ("INDEXED BY name_words_in_place", "AND w.value = ?8")
            }
            None => ("", ""),
        };
        let sql = format!(
            "SELECT w.received_at, w.id, r.name, r.words, w.value, w.word FROM name_words w {index} \
             CROSS JOIN registrations r ON r.seq = w.seq \
             WHERE w.campaign = ?1 AND (w.word, w.received_at, w.id) > (?2, ?3, ?4) AND w.word < ?5 \
             AND w.received_at >= ?6 AND w.received_at < ?7 {filter} \
             ORDER BY w.word, w.received_at, w.id"
        );
        let mut keys = Vec::new();
        let mut statement = self.reader.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(bounds))?;
        while let Some(row) = rows.next()? {
            let key = self.read_match(row, query, beginning)?;
            // A name with several such words is at the first of them.
            let word = row.get_ref(5)?.as_str().unwrap_or_default();
            keys.extend(key.filter(|key| key.word.as_deref() == Some(word)));
            if keys.len() == self.limit {
                break;
            }
        }
        Ok(keys)
    }

    /// Scans all registrations of the period.
    fn words_in_period(&self, query: &NameQuery, beginning: &str) -> Result<Vec<Cursor>> {
        let (from, until) = self.search.period_ms();
        let sql = "SELECT received_at, id, name, words, value FROM registrations \
                   INDEXED BY registrations_newest WHERE campaign = ?1 \
                   AND received_at >= ?2 AND received_at < ?3";
        let bounds = (self.campaign.id.as_str(), from, until);
        let mut statement = self.reader.prepare_cached(sql)?;
        let mut rows = statement.query(bounds)?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            keys.extend(self.read_match(row, query, beginning)?);
        }
        if let Some(after) = self.after {
            let after = Cursor {
                name: None,
                ..after.clone()
            };
            keys.retain(|key| *key > after);
        }
        Ok(keys)
    }

    /// Reads `received_at, id, name, words, value`. Returns the key if the name matches by its words.
    fn read_match(
        &self,
        row: &rusqlite::Row<'_>,
        query: &NameQuery,
        beginning: &str,
    ) -> Result<Option<Cursor>> {
        let text = |column| {
            row.get_ref(column)
                .map(|text| text.as_str().unwrap_or_default())
        };
        let (name, words, value) = (text(2)?, text(3)?, text(4)?);
        let values = &self.search.values;
        let is_searched = values.is_empty() || values.iter().any(|searched| searched == value);
        if !is_searched || query.begins(name) {
            return Ok(None);
        }
        let Some(word) = find_word(query, beginning, words.split(' ')) else {
            return Ok(None);
        };
        Ok(Some(Cursor {
            name: None,
            word: Some(word.to_owned()),
            received_at: time(row.get(0)?)?,
            id: registration_id(row, 1)?,
        }))
    }
}
