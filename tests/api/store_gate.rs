//! The store of an installation as one that stops answering.

use std::path::PathBuf;

use rusqlite::Connection;

use jornada_testkit::instance::{Installation, Stores};
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers::variable;

/// Between the instances and their store.
pub enum StoreGate {
    /// Path of the SQLite file, and the connection that holds the write lock.
    File(PathBuf, Option<Connection>),
    /// The proxy in front of MongoDB, and the setting without it.
    Server(Proxy, String),
}

impl StoreGate {
    /// Puts the gate in front of the store. Call it before the first instance starts.
    pub async fn new(installation: &mut Installation, stores: Stores) -> Self {
        if stores == Stores::Embedded {
            let path = installation.folder.path().join("data/jornada.db");
            return Self::File(path, None);
        }
        let server = variable("JORNADA_TEST_MONGODB");
        let host = server.trim_start_matches("mongodb://");
        let host = host.split(['/', ',']).next().unwrap();
        let proxy = Proxy::start(host.to_owned()).await;
        let mut settings = installation.settings.iter();
        let (_, direct) = settings.find(|(name, _)| name == "JORNADA_STORE").unwrap();
        let direct = direct.clone();
        let database = direct.rsplit('/').next().unwrap();
        let database = database.split('?').next().unwrap();
        let through = format!(
            "mongodb://{}/{database}?directConnection=true",
            proxy.address
        );
        installation.set("JORNADA_STORE", &through);
        Self::Server(proxy, direct)
    }

    /// Lets no write end.
    pub fn freeze(&mut self) {
        match self {
            Self::File(path, lock) => {
                let connection = Connection::open(path).unwrap();
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                *lock = Some(connection);
            }
            Self::Server(proxy, _) => proxy.freeze(),
        }
    }

    /// Lets the writes continue.
    pub fn release(&mut self) {
        match self {
            Self::File(_, lock) => *lock = None,
            Self::Server(proxy, _) => proxy.set_open(true),
        }
    }

    /// Cuts the connections, and lets the test reach the store.
    pub fn bypass(&mut self, installation: &mut Installation) {
        match self {
            Self::File(_, lock) => *lock = None,
            Self::Server(proxy, direct) => {
                proxy.set_open(false);
                installation.set("JORNADA_STORE", direct);
            }
        }
    }
}
