//! Names with words that begin as the typed ones, beside those that begin with the whole text.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::{CountOptions, Hint};

use super::{MongoSearch, arrival_bson, id_bson};
use crate::error::Result;
use crate::mongo::convert::{read_field, text};
use crate::mongo::indexes::{BY_WORD, BY_WORD_AND_VALUE, NEWEST};
use crate::registrations::mongo::document;
use crate::registrations::search::{
    Cursor, MAX_COUNTED, MAX_SEPARATE_VALUES, SearchBy, SearchHit, find_beginning, find_word,
    prefix_end, rarest,
};
use crate::time_limit::{OPERATION_TIMEOUT, in_time};
use jornada_domain::person_name::NameQuery;

impl MongoSearch<'_> {
    pub(super) async fn run_words(&self) -> Result<Vec<SearchHit>> {
        let SearchBy::Name(query) = &self.search.by else {
            return Ok(Vec::new());
        };
        let beginning = self.choose_beginning(query).await?;
        let values = self.search.distinct_values();
        let mut hits = if self.is_narrow().await? {
            let filter = self.words_filter(&[&beginning], &values);
            let find = self.store.registrations.find(filter).hint(hint(NEWEST));
            self.read_matches(find, query, &beginning, usize::MAX)
                .await?
        } else if values.is_empty() || values.len() > MAX_SEPARATE_VALUES {
            self.scan_words(query, &beginning, None, &values).await?
        } else {
            let mut hits = Vec::new();
            for value in &values {
                hits.extend(self.scan_words(query, &beginning, Some(value), &[]).await?);
            }
            hits
        };
        hits.sort_by_cached_key(|hit| hit.cursor(&self.search.by));
        hits.truncate(self.limit);
        Ok(hits)
    }

    /// Returns the typed word whose index is scanned: that of the page before, or the rarest.
    async fn choose_beginning(&self, query: &NameQuery) -> Result<String> {
        let word = self.after.and_then(|after| after.word.as_deref());
        if let Some(known) = find_beginning(query, word) {
            return Ok(known);
        }
        let mut counts = Vec::new();
        for beginning in query.beginnings() {
            let filter =
                doc! { "campaign": self.campaign.id.as_str(), "words": begins_with(beginning) };
            let options = CountOptions::builder()
                .limit(u64::from(MAX_COUNTED))
                .hint(hint(BY_WORD))
                .build();
            let count = self.store.registrations.count_documents(filter);
            counts.push((in_time(count.with_options(options)).await?, beginning));
        }
        Ok(rarest(&counts))
    }

    /// Scans the words from after the last row, in the order of the index: no sort is asked for, because a sort by words would
    /// be by the first word of each name, not by the one that matches.
    async fn scan_words(
        &self,
        query: &NameQuery,
        beginning: &str,
        value: Option<&String>,
        values: &[String],
    ) -> Result<Vec<SearchHit>> {
        let others: Vec<_> = query
            .beginnings()
            .into_iter()
            .filter(|other| *other != beginning)
            .collect();
        let filter = self.words_filter(&others, values);
        let key = |word: String, at: Bson, id: Bson| {
            let mut key = doc! { "campaign": self.campaign.id.as_str() };
            if let Some(value) = value {
                key.insert("value", value);
            }
            key.extend(doc! { "words": word, "received_at": at, "_id": id });
            key
        };
        let after = self
            .after
            .and_then(|after| Some((after, after.word.clone()?)));
        let first = match after {
            Some((after, word)) => key(word, arrival_bson(after), id_bson(after)),
            None => key(beginning.to_owned(), Bson::MinKey, Bson::MinKey),
        };
        let index = if value.is_some() {
            BY_WORD_AND_VALUE
        } else {
            BY_WORD
        };
        let find = self
            .store
            .registrations
            .find(filter)
            .hint(hint(index))
            .min(first);
        let find = find.max(key(prefix_end(beginning), Bson::MinKey, Bson::MinKey));
        self.read_matches(find, query, beginning, self.limit).await
    }

    async fn read_matches(
        &self,
        find: mongodb::action::Find<'_, RawDocumentBuf>,
        query: &NameQuery,
        beginning: &str,
        limit: usize,
    ) -> Result<Vec<SearchHit>> {
        let mut found = find.max_time(OPERATION_TIMEOUT).await?;
        let mut hits = Vec::new();
        while hits.len() < limit
            && let Some(one) = found.try_next().await?
        {
            hits.extend(self.read_match(&one, query, beginning)?);
        }
        Ok(hits)
    }

    /// Returns a registration whose name matches by its words, from after the last row.
    fn read_match(
        &self,
        found: &RawDocumentBuf,
        query: &NameQuery,
        beginning: &str,
    ) -> Result<Option<SearchHit>> {
        let name: String = read_field(found, "name", text)?;
        let words = found.get_array("words").into_iter().flatten();
        let words: Vec<_> = words.filter_map(|word| word.ok()?.as_str()).collect();
        let word = find_word(query, beginning, words.iter().copied());
        let Some(word) = word.filter(|_| !query.begins(&name)) else {
            return Ok(None);
        };
        let hit = SearchHit {
            name,
            word: Some(word.to_owned()),
            registration: document::registration(self.campaign, found)?,
        };
        let key = hit.cursor(&self.search.by);
        let is_before = |after: &Cursor| {
            key <= Cursor {
                name: None,
                ..after.clone()
            }
        };
        Ok((!self.after.is_some_and(is_before)).then_some(hit))
    }

    fn words_filter(&self, beginnings: &[&str], values: &[String]) -> Document {
        let mut filter = self.period_filter();
        let all = beginnings
            .iter()
            .map(|beginning| doc! { "words": begins_with(beginning) });
        let all: Vec<_> = all.collect();
        if !all.is_empty() {
            filter.insert("$and", all);
        }
        if !values.is_empty() {
            filter.insert("value", doc! { "$in": values });
        }
        filter
    }
}

/// Builds a condition on any of several words, as an expression whose range the server reads off the index.
fn begins_with(beginning: &str) -> Document {
    let mut expression = String::from("^");
    for c in beginning.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            expression.push('\\');
        }
        expression.push(c);
    }
    doc! { "$regex": expression }
}

fn hint(index: &str) -> Hint {
    Hint::Name(index.to_owned())
}
