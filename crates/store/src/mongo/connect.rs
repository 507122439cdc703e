//! Connects to MongoDB with limits on connections and time.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::{
    ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Database};
use secrecy::{ExposeSecret, SecretString};

use super::handle::MongoStore;
use super::primary_watch::PrimaryWatch;
use crate::error::{Result, StoreError};
use crate::time_limit::OPERATION_TIMEOUT;

/// Maximum connections per node. A write waits a few milliseconds for the majority: enough for thousands per second.
const MAX_CONNECTIONS: u32 = 32;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Interval at which members tell their state. One that says nothing for so long and [`CONNECT_TIMEOUT`] is unavailable.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

const IDLE_TIMEOUT: Duration = Duration::from_mins(5);

/// Connects to a replica set or sharded cluster.
pub(crate) async fn connect(uri: &SecretString) -> Result<MongoStore> {
    let mut options = ClientOptions::parse(uri.expose_secret()).await?;
    set_options(&mut options);
    let primary = PrimaryWatch::add_to(&mut options);
    let name = options.default_database.clone();
    let name = name.ok_or_else(|| StoreError::Failed("the address has no database name".into()))?;
    let database = Client::with_options(options)?.database(&name);
    require_replica_set(&database).await?;
    Ok(MongoStore::new(database, primary))
}

fn set_options(options: &mut ClientOptions) {
    options.app_name.get_or_insert("jornada".to_owned());
    options.max_pool_size.get_or_insert(MAX_CONNECTIONS);
    options.max_idle_time.get_or_insert(IDLE_TIMEOUT);
    options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
    options.heartbeat_freq.get_or_insert(HEARTBEAT_INTERVAL);
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
async fn require_replica_set(database: &Database) -> Result<()> {
    let hello: Document = database.run_command(doc! { "hello": 1 }).await?;
    if hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") {
        return Ok(());
    }
    let message = "MongoDB is not a replica set: start the server with --replSet and initiate it";
    Err(StoreError::Failed(message.into()))
}
