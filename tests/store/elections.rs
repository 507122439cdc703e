//! Batches while a MongoDB of its own loses its primary: it steps down, is killed, and comes back.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jornada_domain::RegistrationSelection;
use jornada_store::{InsertOutcome, StoreError, StoreSetting};
use jornada_testkit::nginx::free_address;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::exactness::assert_deltas_are_exact;
use crate::fixture::{StoreFixture, mongodb_address, record, registration};

/// A replica set of one member, killed on drop.
struct Mongod {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Mongod {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_address().port();
        let mongod = Self {
            child: spawn(folder.path(), port),
            port,
            folder,
        };
        let member = doc! { "_id": 0, "host": format!("127.0.0.1:{port}") };
        let settings = doc! { "electionTimeoutMillis": 1000 };
        let config = doc! { "_id": "rs0", "members": [member], "settings": settings };
        let admin = mongod.admin().await;
        let initiate = doc! { "replSetInitiate": config };
        admin.run_command(initiate).await.unwrap();
        loop {
            let hello = admin.run_command(doc! { "hello": 1 }).await;
            if hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false)) {
                return mongod;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn admin(&self) -> mongodb::Database {
        let address = format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port);
        Client::with_uri_str(address)
            .await
            .unwrap()
            .database("admin")
    }

    /// Makes it step down; it is elected again after a second.
    async fn step_down(&self) {
        let command = doc! { "replSetStepDown": 1, "force": true };
        let admin = self.admin().await;
        admin.run_command(command).await.unwrap();
    }

    fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(self.folder.path(), self.port);
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(folder: &Path, port: u16) -> Child {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".tools/mongod");
    let mut command = Command::new(program);
    command.args(["--replSet", "rs0", "--bind_ip", "127.0.0.1"]);
    command.args([
        "--port",
        &port.to_string(),
        "--wiredTigerCacheSizeGB",
        "0.25",
    ]);
    command.arg("--dbpath").arg(folder);
    command.arg("--unixSocketPrefix").arg(folder);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("`bash test.sh` installs mongod")
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_inserted_once_while_the_primary_is_lost() {
    let mut mongod = Mongod::start().await;
    let address = format!("mongodb://127.0.0.1:{}/?replicaSet=rs0", mongod.port);
    let address = mongodb_address(&address);
    let fixture = StoreFixture::open(StoreSetting::Mongo(address.into())).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    let keys = (0..10).map(|number| format!("{writer}-{count}-{number}"));
                    let batch = keys.map(|key| {
                        let one = registration(&campaign, &key, "Cali", 0);
                        record(&campaign, &one)
                    });
                    let batch: Vec<_> = batch.collect();
                    insert_until_known(&store, &batch).await;
                    count += 1;
                }
                count * 10
            })
        })
        .collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(700)).await;
        mongod.step_down().await;
        sleep(Duration::from_secs(2)).await;
        mongod.kill_and_restart();
        sleep(Duration::from_secs(2)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut expected = 0;
    for writer in writers {
        expected += writer.await.unwrap();
    }
    assert!(expected > 100);
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, expected);
    assert_deltas_are_exact(&fixture).await;
    let written = fixture.database().await.collection::<Document>("deltas");
    assert!(written.count_documents(doc! {}).await.unwrap() > 10);
}

/// Repeats a batch while its outcome is unknown, as clients do.
async fn insert_until_known(
    store: &jornada_store::Store,
    batch: &[jornada_store::NewRegistration],
) {
    loop {
        let outcomes = store.insert(batch.to_vec()).await;
        let is_unknown =
            |outcome: &Result<_, _>| matches!(outcome, Err(StoreError::Unavailable(_)));
        if outcomes.iter().any(is_unknown) {
            continue;
        }
        for outcome in outcomes {
            assert!(matches!(
                outcome.unwrap(),
                InsertOutcome::Inserted | InsertOutcome::SameAgain(_)
            ));
        }
        return;
    }
}
