//! Indexes of accounts and sessions in MongoDB.

use mongodb::IndexModel;
use mongodb::bson::doc;
use mongodb::error::Result as Driven;
use mongodb::options::IndexOptions;

use crate::mongo::handle::{MongoStore, index};

/// Makes addresses and password links unique. Creates the indexes for the sessions of an account and for deleting
/// expired ones.
pub(crate) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let unique = || IndexOptions::builder().unique(true);
    let by_mail = IndexModel::builder()
        .keys(doc! { "mail": 1 })
        .options(unique().build())
        .build();
    let some = doc! { "link": { "$exists": true } };
    let by_link = IndexModel::builder()
        .keys(doc! { "link": 1 })
        .options(unique().partial_filter_expression(some).build())
        .build();
    store.make_indexes("accounts", [by_mail, by_link]).await?;
    let of_account = index(doc! { "account": 1, "created_at": -1 });
    let by_age = index(doc! { "seen_at": 1 });
    store.make_indexes("sessions", [of_account, by_age]).await
}
