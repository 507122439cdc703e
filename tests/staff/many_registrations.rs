//! Many registrations, inserted directly into the store.

use std::time::Duration;

use jornada::config::{Env, FromEnv};
use jornada_store::StoreSetting;
use mongodb::bson::{Binary, Document, doc};
use uuid::Uuid;

use crate::area::Area;
use jornada_testkit::instance::Stores;

/// Number of registrations. A report of them takes some seconds in the build of the tests.
pub const MANY: u32 = 160_000;

/// Copies the only registration until there are [`MANY`].
async fn copy_registration(area: &Area) {
    let settings: Vec<_> = area
        .installation
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    match StoreSetting::from_env(&Env::from_pairs(&settings)).unwrap() {
        StoreSetting::Sqlite(path) => {
            let columns = "campaign, value, answers, digest, received_at, photo_sha256, photo_extension, photo_bytes, name, words";
            let sql = format!(
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MANY} - 1) \
                 INSERT INTO registrations (id, {columns}) SELECT randomblob(16), {columns} FROM registrations, n"
            );
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.busy_timeout(Duration::from_secs(10)).unwrap();
            connection.execute_batch(&sql).unwrap();
        }
        StoreSetting::Mongo(address) => {
            let address = secrecy::ExposeSecret::expose_secret(&address);
            let client = mongodb::Client::with_uri_str(address).await.unwrap();
            let all = client.default_database().unwrap();
            let all = all.collection::<Document>("registrations");
            let one = all.find_one(doc! {}).await.unwrap().unwrap();
            let copy = |_| {
                let mut copy = one.clone();
                let id = Uuid::new_v4().as_bytes().to_vec();
                let subtype = mongodb::bson::spec::BinarySubtype::Generic;
                copy.insert("_id", Binary { subtype, bytes: id });
                copy
            };
            let copies: Vec<_> = (1..MANY).map(copy).collect();
            all.insert_many(copies).await.unwrap();
        }
    }
}

/// Starts an area with [`MANY`] registrations in Cali.
pub async fn start_with_many(stores: Stores) -> Area {
    let area = Area::start(stores).await;
    let answer = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    assert_eq!(answer.status(), 201);
    copy_registration(&area).await;
    area
}
