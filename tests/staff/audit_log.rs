//! Reads the audit log in tests, and makes it fail.

use jornada_domain::staff::Account;
use jornada_domain::staff::audit::{AuditAction, ChainEntry};
use jornada_store::StoreSetting;
use jornada_store::audit::StoredEntry;
use mongodb::bson::doc;
use reqwest::Response;

use crate::area::Area;
use crate::person::{Page, Person};
use jornada_testkit::instance::DEFAULT_TIMEOUT;

impl Area {
    /// Returns the entries after a sequence number.
    pub async fn entries(&self, after: u64) -> Vec<ChainEntry> {
        let found = self.store.audit_after(after, 1_000).await.unwrap();
        let entry = |found| match found {
            StoredEntry::Entry(entry) => *entry,
            StoredEntry::Unreadable(seq) => panic!("entry {seq} cannot be read"),
        };
        found.into_iter().map(entry).collect()
    }

    /// Returns the only entry after `seen`, and increments `seen`.
    pub async fn next_entry(&self, seen: &mut u64) -> ChainEntry {
        let mut entries = self.entries(*seen).await;
        assert_eq!(entries.len(), 1, "{entries:#?}");
        *seen += 1;
        entries.remove(0)
    }

    pub async fn account_by_email(&self, mail: &str) -> Account {
        let accounts = self.store.accounts().await.unwrap();
        accounts
            .into_iter()
            .find(|account| account.email.as_str() == mail)
            .unwrap()
    }

    /// Registers an invented person and returns the id.
    pub async fn register(&self, document: &str, city: &str) -> String {
        let answer = self.app.register("Ana Ejemplo", document, city).await;
        let registered: serde_json::Value = answer.json().await.unwrap();
        registered["id"].as_str().unwrap().to_owned()
    }

    pub fn photo_path(&self, id: &str) -> String {
        format!("/staff/c/{}/registrations/{id}/photo", self.app.campaign)
    }

    pub fn report_path(&self, file: &str) -> String {
        format!("/api/v1/campaigns/{}/reports/{file}", self.app.campaign)
    }

    /// Sends a GET request with the person's session. The body need not be text.
    pub async fn get(&self, person: &Person, path: &str) -> Response {
        let request = self.app.http.get(format!("{}{path}", self.app.base));
        let cookie = format!("jornada-session={}", person.session().unwrap());
        let request = request
            .header("cookie", cookie)
            .header("x-client-address", "192.0.2.1");
        request.send().await.unwrap()
    }

    /// Runs `jornada audit …`. Returns success, standard output and standard error.
    pub fn run_audit(&self, arguments: &[&str]) -> (bool, String, String) {
        let arguments = [&["audit"], arguments].concat();
        let ran = self.installation.command(&arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ran.status.success(), text(ran.stdout), text(ran.stderr))
    }

    /// Makes the store reject new audit entries.
    pub async fn break_audit_log(&self) {
        if let StoreSetting::Sqlite(path) = self.setting() {
            let file = rusqlite::Connection::open(path).unwrap();
            file.busy_timeout(DEFAULT_TIMEOUT).unwrap();
            let refuse =
                "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END";
            return file.execute_batch(refuse).unwrap();
        }
        let StoreSetting::Mongo(address) = self.setting() else {
            panic!("another store");
        };
        let address = secrecy::ExposeSecret::expose_secret(&address);
        let client = mongodb::Client::with_uri_str(address).await.unwrap();
        let never = doc! { "collMod": "audit", "validator": { "who": "nobody at all" } };
        let database = client.default_database().unwrap();
        database.run_command(never).await.unwrap();
    }
}

/// Asserts that an entry documents this action by this account with the request of this page.
pub fn assert_entry(
    entry: &ChainEntry,
    page: &Page,
    action: AuditAction,
    who: &Account,
    to: &[String],
) {
    let note = &entry.record;
    assert_eq!(note.event.action, action);
    assert_eq!(note.actor, format!("account:{}", who.id), "{action:?}");
    assert_eq!(
        note.client_ip.unwrap().to_string(),
        "192.0.2.1",
        "{action:?}"
    );
    let id = page.headers["x-request-id"].to_str().unwrap();
    assert_eq!(note.request_id.as_deref(), Some(id), "{action:?}");
    assert_eq!(note.event.subjects, to, "{action:?}");
    let age = jiff::Timestamp::now().duration_since(note.at);
    assert!(
        age.as_secs() < 20 && !age.is_negative(),
        "{action:?}: {age}"
    );
}
