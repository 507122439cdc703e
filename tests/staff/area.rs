//! A running installation with direct access to its store: creates accounts, sessions and tokens without forms.

use jiff::Timestamp;
use jornada::config::{Env, FromEnv};
use jornada_domain::staff::audit::{AuditAction, ChainEntry};
use jornada_domain::staff::{Account, ApiToken, EmailAddress, PlaceScope, Role, Scope, Scopes};
use jornada_service::staff::accounts::{add_account, find_vacant_id, update_account};
use jornada_service::staff::sessions;
use jornada_service::staff::token::Token;
use jornada_store::Store;
use jornada_store::StoreSetting;
use jornada_store::audit::{AuditFilter, StoredEntry};

use jornada_testkit::instance::{Installation, RunningInstance, Stores};

/// A password that passes the rules.
pub const PASSWORD: &str = "caballo correcto grapa";

pub struct Area {
    pub installation: Installation,
    pub app: RunningInstance,
    pub store: Store,
}

impl Area {
    pub async fn start(stores: Stores) -> Self {
        Self::start_with(Installation::new(stores)).await
    }

    pub async fn start_with(installation: Installation) -> Self {
        let app = installation.start().await;
        Self {
            store: Store::open(&setting(&installation)).await.unwrap(),
            installation,
            app,
        }
    }

    /// Returns the setting of the store, for tests that damage it.
    pub fn setting(&self) -> StoreSetting {
        setting(&self.installation)
    }

    /// Adds an account that never logged in.
    pub async fn add_account(&self, name: &str, role: Role, places: &[&str]) -> Account {
        let mail = EmailAddress::parse(&format!("{name}@example.org")).unwrap();
        let reach = PlaceScope::new(places.iter().map(|place| (*place).to_owned()).collect());
        let id = find_vacant_id(&self.store, &mail).await.unwrap().unwrap();
        let added = add_account(&self.store, id, &mail, role, &reach, Timestamp::now()).await;
        added.unwrap().unwrap();
        self.store.account_by_email(&mail).await.unwrap().unwrap()
    }

    /// Starts a session of an account and returns its token.
    pub async fn start_session(&self, account: &Account) -> Token {
        let latest = self.store.account(account.id).await.unwrap().unwrap();
        let opened = sessions::start(&self.store, &latest, Timestamp::now()).await;
        opened.unwrap()
    }

    /// Creates an API token with these scopes.
    pub async fn create_token(
        &self,
        scopes: &[Scope],
        change: impl FnOnce(&mut ApiToken),
    ) -> Token {
        let token = Token::generate().unwrap();
        let mut kept = ApiToken {
            hash: token.hash(),
            name: "prueba".into(),
            scopes: Scopes::new(scopes),
            place_scope: PlaceScope::all(),
            created_at: Timestamp::now(),
            expires_at: None,
            revoked_at: None,
        };
        change(&mut kept);
        self.store.add_token(&kept).await.unwrap();
        token
    }

    pub async fn change_account(&self, account: &Account, step: impl Fn(&mut Account)) {
        let changed = update_account(&self.store, account.id, |account| {
            step(account);
            Some(())
        });
        changed.await.unwrap().unwrap();
    }

    /// Returns the audit entries of an action, newest first.
    pub async fn audit_entries(&self, action: AuditAction) -> Vec<ChainEntry> {
        let filter = AuditFilter {
            action: Some(action),
            ..AuditFilter::default()
        };
        let found = self.store.audit_before(&filter, None, 1_000).await;
        let entry = |found| match found {
            StoredEntry::Entry(entry) => *entry,
            StoredEntry::Unreadable(seq) => panic!("entry {seq} cannot be read"),
        };
        found.unwrap().into_iter().map(entry).collect()
    }

    /// Runs `jornada staff …` and returns its output.
    pub fn run_staff(&self, arguments: &[&str]) -> String {
        let arguments = [&["staff"], arguments].concat();
        let ran = self.installation.command(&arguments).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{told}");
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }
}

fn setting(installation: &Installation) -> StoreSetting {
    let settings = installation.settings.iter();
    let settings: Vec<_> = settings
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    StoreSetting::from_env(&Env::from_pairs(&settings)).unwrap()
}
