//! Names in the databases that backups, tests and operators use.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use jornada_domain::staff::Role;
use mongodb::bson::{Bson, Document, doc};
use redis::aio::MultiplexedConnection;

use crate::area::Area;
use crate::check;
use crate::person::Person;
use jornada_testkit::instance::{Stores, form_with_photo};
use jornada_testkit::servers::variable;

/// Does a little of everything that is stored.
async fn used(stores: Stores) -> Area {
    let area = Area::start(stores).await;
    let key = Some("0b9e1c1e-6c43-4d3f-9c8d-1f2e3d4c5b6a");
    let answer = area
        .app
        .send(form_with_photo("Ana Ejemplo", "1001", "Cali"), key)
        .await;
    assert_eq!(answer.status(), 201);
    area.installation.create_token();
    Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    area
}

#[tokio::test]
async fn tables_columns_and_indexes_of_sqlite() {
    let area = used(Stores::Embedded).await;
    let path = area.installation.folder.path().join("data/jornada.db");
    let store = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT m.type || ' ' || m.name || coalesce(' ' || c.name || ' ' || c.type || iif(c.pk, ' key', ''), '') \
               FROM sqlite_schema m LEFT JOIN pragma_table_xinfo(m.name) c ON m.type = 'table' \
               WHERE m.name NOT LIKE 'sqlite_%' ORDER BY m.type, m.name, c.name";
    let mut read = store.prepare(sql).unwrap();
    let lines = read.query_map((), |row| row.get(0)).unwrap();
    check("sqlite.txt", lines.map(Result::unwrap));
}

#[tokio::test]
async fn collections_fields_and_indexes_of_mongodb() {
    let area = used(Stores::Servers).await;
    let mut settings = area.installation.settings.iter();
    let (_, url) = settings.find(|(name, _)| name == "JORNADA_STORE").unwrap();
    let client = mongodb::Client::with_uri_str(url).await.unwrap();
    let database = client.default_database().unwrap();
    let mut lines = BTreeSet::new();
    for name in database.list_collection_names().await.unwrap() {
        let collection = database.collection::<Document>(&name);
        lines.insert(name.clone());
        lines.extend(
            collection
                .list_index_names()
                .await
                .unwrap()
                .into_iter()
                .map(|index| format!("{name} index {index}")),
        );
        // A lease is there as long as somebody works.
        if name == "leases" {
            continue;
        }
        let documents = collection.find(doc! {}).await.unwrap();
        for document in documents.try_collect::<Vec<_>>().await.unwrap() {
            fields(&name, &document, &mut lines);
        }
    }
    database.drop().await.unwrap();
    check("mongodb.txt", lines);
}

/// The fields of a document and of those within it, with their types.
fn fields(path: &str, document: &Document, lines: &mut BTreeSet<String>) {
    for (name, value) in document {
        let path = format!("{path} > {name}");
        match value {
            Bson::Document(inner) => fields(&path, inner, lines),
            Bson::Null => {}
            value => {
                lines.insert(format!("{path}: {:?}", value.element_type()));
            }
        }
    }
}

/// Names in Redis, that instances of two versions share for a while.
#[tokio::test]
async fn keys_of_redis() {
    let area = used(Stores::Servers).await;
    let client = redis::Client::open(variable("JORNADA_TEST_REDIS")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let counts = keys(&mut connection, format!("*:{}:*", area.app.campaign)).await;
    let (_, rest) = counts[0].split_once('{').unwrap();
    let (store, _) = rest.split_once('}').unwrap();
    let all = keys(&mut connection, format!("*{store}*")).await;
    let names = all.into_iter().map(|key| {
        let key = key.replace(store, "STORE");
        match key.split(':').collect::<Vec<_>>()[..] {
            [name, store, "counts", _, tally] => format!("{name}:{store}:counts:CAMPAIGN:{tally}"),
            _ => key,
        }
    });
    check("redis.txt", names.collect::<BTreeSet<_>>());
}

async fn keys(connection: &mut MultiplexedConnection, pattern: String) -> Vec<String> {
    let mut command = redis::cmd("KEYS");
    command.arg(pattern).query_async(connection).await.unwrap()
}
