//! A MongoDB of its own, which a case may kill, restart and restore.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jornada_store::StoreSetting;
use jornada_testkit::nginx::free_address;
use mongodb::Client;
use mongodb::bson::doc;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::fixture::mongodb_address;

/// A replica set of one member, killed on drop.
pub struct Mongod {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Mongod {
    pub async fn start() -> Self {
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

    /// A new database on it.
    pub fn setting(&self) -> StoreSetting {
        let address = format!("mongodb://127.0.0.1:{}/?replicaSet=rs0", self.port);
        StoreSetting::Mongo(mongodb_address(&address).into())
    }

    /// Makes it step down; it is elected again after a second.
    pub async fn step_down(&self) {
        let command = doc! { "replSetStepDown": 1, "force": true };
        let admin = self.admin().await;
        admin.run_command(command).await.unwrap();
    }

    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.child = spawn(self.folder.path(), self.port);
    }

    /// Copies its files while it does not run.
    pub fn back_up(&mut self) -> TempDir {
        self.kill();
        let backup = tempfile::tempdir().unwrap();
        copy(self.folder.path(), backup.path());
        self.child = spawn(self.folder.path(), self.port);
        backup
    }

    /// Replaces its files by those of a backup.
    pub fn restore(&mut self, backup: &TempDir) {
        self.kill();
        self.folder = tempfile::tempdir().unwrap();
        copy(backup.path(), self.folder.path());
        self.child = spawn(self.folder.path(), self.port);
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Copies the files of a folder. Sockets are no files.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to).unwrap();
        }
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
