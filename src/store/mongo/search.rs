//! Pages of a search in MongoDB. Each filter is a range of one index in the order of the page, or several that the
//! server merges, so that it reads little more than it returns.

use std::sync::Arc;

use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Bson, DateTime, Document, RawDocumentBuf, doc};
use mongodb::error::Result as Driven;
use mongodb::options::{CountOptions, Hint, IndexOptions};

use super::{MongoStore, amended, binary, bounded, connect, document};
use crate::domain::{Campaign, RegistrationId};
use crate::store::search::{By, Cursor, Hit, NARROW, Search, behind};
use crate::store::{StoreError, WAIT};

const NEWEST: &str = "newest";
const BY_NAME: &str = "by_name";
const BY_NAME_IN_PLACE: &str = "by_name_in_place";

/// Maximum number of values per query: the server merges this many ranges, and sorts in memory beyond twice as many.
const VALUES: usize = 100;

/// Makes the indexes; each holds all that its searches filter by. `name` is missing where it is not filled in yet, and
/// empty where a registration has none.
pub(super) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let index = |name: &str, keys| {
        let options = IndexOptions::builder().name(name.to_owned()).build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    let indexes = [
        index(
            NEWEST,
            doc! { "campaign": 1, "received_at": 1, "_id": 1, "name": 1, "value": 1 },
        ),
        index(
            BY_NAME,
            doc! { "campaign": 1, "name": 1, "received_at": 1, "_id": 1 },
        ),
        index(
            BY_NAME_IN_PLACE,
            doc! { "campaign": 1, "value": 1, "name": 1, "received_at": 1, "_id": 1 },
        ),
    ];
    store.registrations.create_indexes(indexes).await.map(drop)
}

/// The index of names, which also knows where none is filled in.
pub(super) fn by_name() -> Hint {
    Hint::Name(BY_NAME.to_owned())
}

impl MongoStore {
    /// Returns the registration that owns an alias.
    pub(in crate::store) async fn claimant(
        &self,
        id: RegistrationId,
    ) -> Result<Option<RegistrationId>, StoreError> {
        let find = self
            .registrations
            .find_one(doc! { "_id": binary(id.as_bytes()) });
        let found = bounded(WAIT, find.projection(doc! { "claim": 1 })).await?;
        Ok(found.as_deref().and_then(amended::owner))
    }

    pub(in crate::store) async fn search(
        &self,
        campaign: &Arc<Campaign>,
        search: &Search,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let page = Page {
            store: self,
            campaign,
            search,
            after,
            limit,
        };
        bounded_page(page.hits()).await
    }
}

async fn bounded_page(
    page: impl Future<Output = Result<Vec<Hit>, StoreError>>,
) -> Result<Vec<Hit>, StoreError> {
    let found = tokio::time::timeout(WAIT, page).await;
    found.map_err(|_| StoreError::late())?
}

/// One page of a search.
struct Page<'p> {
    store: &'p MongoStore,
    campaign: &'p Campaign,
    search: &'p Search,
    after: Option<&'p Cursor>,
    limit: usize,
}

impl Page<'_> {
    async fn hits(&self) -> Result<Vec<Hit>, StoreError> {
        match &self.search.by {
            By::Name(prefix) => self.named(prefix).await,
            _ => self.newest().await,
        }
    }

    /// Finds the page by time, newest first.
    async fn newest(&self) -> Result<Vec<Hit>, StoreError> {
        let index = if self.search.values.is_empty() {
            NEWEST
        } else {
            connect::IN_ORDER
        };
        let order = doc! { "received_at": -1, "_id": -1 };
        let ranges = match self.after {
            None => vec![doc! {}],
            Some(after) => vec![
                doc! { "received_at": at(after), "_id": { "$lt": id(after) } },
                doc! { "received_at": { "$lt": at(after) } },
            ],
        };
        self.merged(index, &order, ranges).await
    }

    /// Finds the page in order of the names.
    async fn named(&self, prefix: &str) -> Result<Vec<Hit>, StoreError> {
        let order = doc! { "name": 1, "received_at": 1, "_id": 1 };
        let end = behind(prefix);
        let ranges = match self
            .after
            .and_then(|after| Some((after, after.name.as_deref()?)))
        {
            Some((after, name)) if name >= prefix => vec![
                doc! { "name": name, "received_at": at(after), "_id": { "$gt": id(after) } },
                doc! { "name": name, "received_at": { "$gt": at(after) } },
                doc! { "name": { "$gt": name, "$lt": end } },
            ],
            _ => vec![doc! { "name": { "$gte": prefix, "$lt": end } }],
        };
        let index = if self.is_narrow().await? {
            NEWEST
        } else if self.search.values.is_empty() {
            BY_NAME
        } else {
            BY_NAME_IN_PLACE
        };
        self.merged(index, &order, ranges).await
    }

    /// Returns the first rows of consecutive ranges.
    async fn merged(
        &self,
        index: &str,
        order: &Document,
        ranges: Vec<Document>,
    ) -> Result<Vec<Hit>, StoreError> {
        let mut hits = Vec::new();
        for range in ranges {
            let missing = self.limit - hits.len();
            if missing == 0 {
                break;
            }
            hits.extend(self.first(index, order, &range, missing).await?);
        }
        Ok(hits)
    }

    /// Returns the first rows of a range. Queries many values in groups and merges the first rows of each.
    async fn first(
        &self,
        index: &str,
        order: &Document,
        range: &Document,
        most: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let values = self.search.distinct();
        if values.len() <= VALUES {
            return self.find(index, order, range, &values, most).await;
        }
        let mut hits = Vec::new();
        for values in values.chunks(VALUES) {
            hits.extend(self.find(index, order, range, values, most).await?);
        }
        hits.sort_unstable_by(|a, b| self.compare(a, b));
        hits.truncate(most);
        Ok(hits)
    }

    fn compare(&self, a: &Hit, b: &Hit) -> std::cmp::Ordering {
        let place = |hit: &Hit| (hit.registration.received_at, hit.registration.id);
        match self.search.by {
            By::Name(_) => (&a.name, place(a)).cmp(&(&b.name, place(b))),
            _ => place(b).cmp(&place(a)),
        }
    }

    async fn find(
        &self,
        index: &str,
        order: &Document,
        range: &Document,
        values: &[String],
        most: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let mut all = vec![self.time(), range.clone()];
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
            .limit(i64::try_from(most).unwrap_or(i64::MAX))
            .max_time(WAIT);
        let found: Vec<RawDocumentBuf> = async { find.await?.try_collect().await }.await?;
        found.iter().map(|found| self.hit(found)).collect()
    }

    /// Returns whether the period has so few registrations that scanning them all is best: in the index of names they
    /// would be far apart.
    async fn is_narrow(&self) -> Result<bool, StoreError> {
        if self.search.from.is_none() && self.search.until.is_none() {
            return Ok(false);
        }
        let options = CountOptions::builder()
            .limit(u64::from(NARROW))
            .hint(Hint::Name(NEWEST.to_owned()))
            .build();
        let count = self.store.registrations.count_documents(self.time());
        let count = bounded(WAIT, count.with_options(options)).await?;
        Ok(count < u64::from(NARROW))
    }

    /// Matches the campaign and the period.
    fn time(&self) -> Document {
        let mut filter = doc! { "campaign": self.campaign.id.as_str() };
        let (from, until) = self.search.milliseconds();
        let mut time = doc! {};
        if self.search.from.is_some() {
            time.insert("$gte", DateTime::from_millis(from));
        }
        if self.search.until.is_some() {
            time.insert("$lt", DateTime::from_millis(until));
        }
        if !time.is_empty() {
            filter.insert("received_at", time);
        }
        filter
    }

    fn hit(&self, found: &RawDocumentBuf) -> Result<Hit, StoreError> {
        Ok(Hit {
            name: found.get_str("name").unwrap_or_default().to_owned(),
            registration: document::registration(self.campaign, found)?,
        })
    }
}

fn at(cursor: &Cursor) -> Bson {
    Bson::DateTime(DateTime::from_millis(cursor.received_at.as_millisecond()))
}

fn id(cursor: &Cursor) -> Bson {
    Bson::Binary(binary(cursor.id.as_bytes()))
}
