//! Connects to MongoDB with limits on connections and time, and creates the indexes that queries need.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::{
    ClientOptions, Hint, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Database, IndexModel};
use secrecy::{ExposeSecret, SecretString};

use super::{
    MongoStore, account, audit, buffered_photos, job, pending_deletions, search, session, update,
};
use crate::{OPERATION_TIMEOUT, StoreError};

/// Maximum connections per node. A write waits a few milliseconds for the majority: enough for thousands per second.
const MAX_CONNECTIONS: u32 = 32;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

const IDLE_TIMEOUT: Duration = Duration::from_mins(5);

pub(super) const LIST_INDEX: &str = "in_order";

pub(super) async fn open(uri: &SecretString) -> Result<MongoStore, StoreError> {
    let mut options = ClientOptions::parse(uri.expose_secret()).await?;
    set_options(&mut options);
    let name = options.default_database.clone();
    let name = name.ok_or_else(|| StoreError::Failed("the address has no database name".into()))?;
    let database = Client::with_options(options)?.database(&name);
    require_replica_set(&database).await?;
    let store = MongoStore {
        registrations: database.collection("registrations"),
        revisions: database.collection("revisions"),
        accounts: database.collection("accounts"),
        sessions: database.collection("sessions"),
        tokens: database.collection("tokens"),
        audit: database.collection("audit"),
        closures: database.collection("closings"),
        wrapped_keys: database.collection("vault_keys"),
        buffered_photos: database.collection("pending_photos"),
        leases: database.collection("leases"),
        jobs: database.collection("jobs"),
        rejections: database.collection("refusals"),
        consents: database.collection("consents"),
        database,
    };
    // One index serves lists, counts and totals: it covers all that they filter, sort and group by. `_id` orders
    // arrivals of the same millisecond. Creating an index that exists does nothing.
    let index = IndexModel::builder()
        .keys(doc! { "campaign": 1, "value": 1, "received_at": 1, "_id": 1 })
        .options(IndexOptions::builder().name(LIST_INDEX.to_owned()).build())
        .build();
    store.registrations.create_index(index).await?;
    update::make_collection(&store).await?;
    pending_deletions::make_index(&store).await?;
    buffered_photos::make_index(&store).await?;
    account::make_indexes(&store).await?;
    session::make_indexes(&store).await?;
    job::make_indexes(&store).await?;
    audit::make_indexes(&store).await?;
    search::make_indexes(&store).await?;
    Ok(store)
}

/// Names the index of lists, counts and totals.
pub(super) fn list_index_hint() -> Hint {
    Hint::Name(LIST_INDEX.to_owned())
}

fn set_options(options: &mut ClientOptions) {
    options.app_name.get_or_insert("jornada".to_owned());
    options.max_pool_size.get_or_insert(MAX_CONNECTIONS);
    options.max_idle_time.get_or_insert(IDLE_TIMEOUT);
    options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
    let selection = options
        .server_selection_timeout
        .unwrap_or(OPERATION_TIMEOUT);
    options.server_selection_timeout = Some(selection.min(OPERATION_TIMEOUT));
    // Overrides the address: the durability of registrations depends on these options.
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(
        WriteConcern::builder()
            .w(mongodb::options::Acknowledgment::Majority)
            .journal(true)
            .w_timeout(OPERATION_TIMEOUT)
            .build(),
    );
    // Reads see acknowledged writes. Without a primary they continue on secondaries, with majority-committed data.
    let preference = ReadPreference::PrimaryPreferred { options: None };
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(preference));
}

/// Requires a replica set or sharded cluster: a standalone server has no history, and so no feed.
async fn require_replica_set(database: &Database) -> Result<(), StoreError> {
    let hello: Document = database.run_command(doc! { "hello": 1 }).await?;
    if hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") {
        return Ok(());
    }
    let message = "MongoDB is not a replica set: start the server with --replSet and initiate it";
    Err(StoreError::Failed(message.into()))
}
