//! Deltas in MongoDB: one document each, deleted by age.

use mongodb::ClientSession;
use mongodb::bson::{Document, RawArray, RawBsonRef, RawDocument, doc};
use mongodb::error::Result as Driven;

use super::Delta;
use crate::mongo::convert::{self, text};
use crate::mongo::handle::MongoStore;

/// Stores deltas in the transaction of a session.
pub(crate) async fn insert(
    store: &MongoStore,
    session: &mut ClientSession,
    deltas: impl IntoIterator<Item = &Delta>,
) -> Driven<()> {
    let deltas: Vec<_> = deltas
        .into_iter()
        .filter(|delta| !delta.counts.is_empty())
        .map(to_document)
        .collect();
    if !deltas.is_empty() {
        store.deltas.insert_many(deltas).session(session).await?;
    }
    Ok(())
}

fn to_document(delta: &Delta) -> Document {
    let counts = delta.counts.iter();
    let counts: Vec<_> = counts
        .map(|(answers, count)| doc! { "answers": answers, "count": count })
        .collect();
    doc! {
        "campaign": delta.campaign.as_str(),
        // For the index that deletes old ones; no order follows from it.
        "at": mongodb::bson::DateTime::now(),
        "fields": &delta.fields,
        "counts": counts,
    }
}

/// Reads what [`to_document`] wrote.
pub(crate) fn read(document: &RawDocument) -> Option<Delta> {
    let count = |count: RawBsonRef<'_>| {
        let count = count.as_document()?;
        let answers = texts(count.get_array("answers").ok()?)?;
        Some((answers, count.get_i64("count").ok()?))
    };
    let counts = document.get_array("counts").ok()?.into_iter();
    let counts: Option<_> = counts.map(|element| count(element.ok()?)).collect();
    Some(Delta {
        campaign: convert::campaign(document.get("campaign").ok()??)?,
        fields: texts(document.get_array("fields").ok()?)?,
        counts: counts?,
    })
}

fn texts(array: &RawArray) -> Option<Vec<String>> {
    let elements = array.into_iter();
    elements.map(|element| text(element.ok()?)).collect()
}
