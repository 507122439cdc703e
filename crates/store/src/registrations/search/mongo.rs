//! Pages of a search in MongoDB. Each filter is a range of one index in the order of the page, or several that the
//! server merges, so that it reads little more than it returns.

mod words;

use std::sync::Arc;

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, DateTime, Document, RawDocumentBuf, doc};
use mongodb::options::{CountOptions, Hint};

use super::{Cursor, MAX_SCANNED, SearchBy, SearchHit, SearchPart, SearchQuery, prefix_end};
use crate::error::Result;
use crate::mongo::convert::{binary, moment, read_field, text};
use crate::mongo::handle::MongoStore;
use crate::mongo::indexes::{BY_NAME, BY_NAME_AND_VALUE, LIST_INDEX, NEWEST};
use crate::registrations::mongo::{document, insert_period};
use crate::time_limit::{OPERATION_TIMEOUT, in_time};
use jornada_domain::Campaign;

/// Maximum number of values per query: the server merges this many ranges, and sorts in memory beyond twice as many.
const MAX_VALUES_PER_QUERY: usize = 100;

impl MongoStore {
    pub(crate) async fn search(
        &self,
        campaign: &Arc<Campaign>,
        search: &SearchQuery,
        part: SearchPart,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<SearchHit>> {
        let page = MongoSearch {
            store: self,
            campaign,
            search,
            after,
            limit,
        };
        let run = async {
            match part {
                SearchPart::Main => page.run().await,
                SearchPart::OtherWords => page.run_words().await,
            }
        };
        in_time(run).await
    }
}

struct MongoSearch<'p> {
    store: &'p MongoStore,
    campaign: &'p Campaign,
    search: &'p SearchQuery,
    after: Option<&'p Cursor>,
    limit: usize,
}

impl MongoSearch<'_> {
    async fn run(&self) -> Result<Vec<SearchHit>> {
        match &self.search.by {
            SearchBy::Name(query) => self.by_name(query.folded()).await,
            _ => self.by_time().await,
        }
    }

    async fn by_time(&self) -> Result<Vec<SearchHit>> {
        let index = if self.search.values.is_empty() {
            NEWEST
        } else {
            LIST_INDEX
        };
        let order = doc! { "received_at": -1, "_id": -1 };
        let ranges = match self.after {
            None => vec![doc! {}],
            Some(after) => vec![
                doc! { "received_at": arrival_bson(after), "_id": { "$lt": id_bson(after) } },
                doc! { "received_at": { "$lt": arrival_bson(after) } },
            ],
        };
        self.find_in_ranges(index, &order, ranges).await
    }

    async fn by_name(&self, prefix: &str) -> Result<Vec<SearchHit>> {
        let order = doc! { "name": 1, "received_at": 1, "_id": 1 };
        let end = prefix_end(prefix);
        let ranges = match self
            .after
            .and_then(|after| Some((after, after.name.as_deref()?)))
        {
            Some((after, name)) if name >= prefix => vec![
                doc! { "name": name, "received_at": arrival_bson(after), "_id": { "$gt": id_bson(after) } },
                doc! { "name": name, "received_at": { "$gt": arrival_bson(after) } },
                doc! { "name": { "$gt": name, "$lt": end } },
            ],
            _ => vec![doc! { "name": { "$gte": prefix, "$lt": end } }],
        };
        let index = if self.is_narrow().await? {
            NEWEST
        } else if self.search.values.is_empty() {
            BY_NAME
        } else {
            BY_NAME_AND_VALUE
        };
        self.find_in_ranges(index, &order, ranges).await
    }

    async fn find_in_ranges(
        &self,
        index: &str,
        order: &Document,
        ranges: Vec<Document>,
    ) -> Result<Vec<SearchHit>> {
        let mut hits = Vec::new();
        for range in ranges {
            let missing = self.limit - hits.len();
            if missing == 0 {
                break;
            }
            hits.extend(self.find_in_range(index, order, &range, missing).await?);
        }
        Ok(hits)
    }

    /// Returns the first rows of a range. Queries many values in groups and merges the first rows of each.
    async fn find_in_range(
        &self,
        index: &str,
        order: &Document,
        range: &Document,
        limit: usize,
    ) -> Result<Vec<SearchHit>> {
        let values = self.search.distinct_values();
        if values.len() <= MAX_VALUES_PER_QUERY {
            return self.find(index, order, range, &values, limit).await;
        }
        let mut hits = Vec::new();
        for values in values.chunks(MAX_VALUES_PER_QUERY) {
            hits.extend(self.find(index, order, range, values, limit).await?);
        }
        hits.sort_unstable_by(|a, b| self.compare(a, b));
        hits.truncate(limit);
        Ok(hits)
    }

    fn compare(&self, a: &SearchHit, b: &SearchHit) -> std::cmp::Ordering {
        let place = |hit: &SearchHit| (hit.registration.received_at, hit.registration.id);
        match self.search.by {
            SearchBy::Name(_) => (&a.name, place(a)).cmp(&(&b.name, place(b))),
            _ => place(b).cmp(&place(a)),
        }
    }

    async fn find(
        &self,
        index: &str,
        order: &Document,
        range: &Document,
        values: &[String],
        limit: usize,
    ) -> Result<Vec<SearchHit>> {
        let mut all = vec![self.period_filter(), range.clone()];
        match values {
            [] => {}
            [value] => all.push(doc! { "value": value }),
            values => all.push(doc! { "value": { "$in": values } }),
        }
        let find = self
            .store
            .registrations
            .find(doc! { "$and": all })
            .sort(order.clone())
            .hint(Hint::Name(index.to_owned()))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .max_time(OPERATION_TIMEOUT);
        let found: Vec<RawDocumentBuf> = async { find.await?.try_collect().await }.await?;
        found.iter().map(|found| self.read_hit(found)).collect()
    }

    /// Returns whether the period has so few registrations that scanning them all is best: in the index of names they
    /// would be far apart.
    async fn is_narrow(&self) -> Result<bool> {
        if self.search.from.is_none() && self.search.until.is_none() {
            return Ok(false);
        }
        let options = CountOptions::builder()
            .limit(u64::from(MAX_SCANNED))
            .hint(Hint::Name(NEWEST.to_owned()))
            .build();
        let count = self
            .store
            .registrations
            .count_documents(self.period_filter());
        let count = in_time(count.with_options(options)).await?;
        Ok(count < u64::from(MAX_SCANNED))
    }

    fn period_filter(&self) -> Document {
        let mut filter = doc! { "campaign": self.campaign.id.as_str() };
        let (from, until) = self.search.period_ms();
        let from = self.search.from.map(|_| DateTime::from_millis(from));
        let until = self.search.until.map(|_| DateTime::from_millis(until));
        insert_period(&mut filter, [from, until]);
        filter
    }

    fn read_hit(&self, found: &RawDocumentBuf) -> Result<SearchHit> {
        Ok(SearchHit {
            name: read_field(found, "name", text)?,
            word: None,
            registration: document::registration(self.campaign, found)?,
        })
    }
}

fn arrival_bson(cursor: &Cursor) -> Bson {
    Bson::DateTime(moment(cursor.received_at))
}

fn id_bson(cursor: &Cursor) -> Bson {
    Bson::Binary(binary(cursor.id.as_bytes()))
}
