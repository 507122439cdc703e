//! A running installation with direct access to its store: creates accounts, sessions and tokens without forms.

use jiff::Timestamp;
use jornada::config::{Env, FromEnv, StoreSetting};
use jornada::domain::staff::audit::{Action, Entry};
use jornada::domain::staff::{Account, ApiToken, Mail, Reach, Role, Scope, Scopes};
use jornada::staff::accounts::{add, change, vacancy};
use jornada::staff::sessions;
use jornada::staff::token::Token;
use jornada::store::Store;
use jornada::store::audit::{Filter, Found};

use crate::support::app::{App, Installation, Stores};

/// A password that passes the rules.
pub const PASSWORD: &str = "caballo correcto grapa";

pub struct Area {
    pub installation: Installation,
    pub app: App,
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
        let mail = Mail::parse(&format!("{name}@example.org")).unwrap();
        let reach = Reach::of(places.iter().map(|place| (*place).to_owned()).collect());
        let id = vacancy(&self.store, &mail).await.unwrap().unwrap();
        let added = add(&self.store, id, &mail, role, &reach, Timestamp::now()).await;
        added.unwrap().unwrap();
        self.store.account_of(&mail).await.unwrap().unwrap()
    }

    /// Starts a session of an account and returns its token.
    pub async fn start_session(&self, account: &Account) -> Token {
        let latest = self.store.account(account.id).await.unwrap().unwrap();
        let opened = sessions::open(&self.store, &latest, Timestamp::now()).await;
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
            scopes: Scopes::of(scopes),
            reach: Reach::all(),
            created_at: Timestamp::now(),
            expires_at: None,
            revoked_at: None,
        };
        change(&mut kept);
        self.store.add_token(&kept).await.unwrap();
        token
    }

    pub async fn change_account(&self, account: &Account, step: impl Fn(&mut Account)) {
        let changed = change(&self.store, account.id, |account| {
            step(account);
            Some(())
        });
        changed.await.unwrap().unwrap();
    }

    /// Returns the audit entries of an action, newest first.
    pub async fn audit_entries(&self, action: Action) -> Vec<Entry> {
        let filter = Filter {
            action: Some(action),
            ..Filter::default()
        };
        let found = self.store.audit_before(&filter, None, 1_000).await;
        let entry = |found| match found {
            Found::Entry(entry) => *entry,
            Found::Unreadable(seq) => panic!("entry {seq} cannot be read"),
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
    StoreSetting::from_env(&Env::of(&settings)).unwrap()
}
