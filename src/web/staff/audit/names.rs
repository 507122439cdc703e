//! Display names for the actors of audit entries. The audit log itself holds no mail addresses; admins may read them.

use std::collections::BTreeMap;

use strum::VariantArray;

use jornada_domain::Lang;
use jornada_domain::staff::audit::{SystemActor, account_subject, token_subject};
use jornada_store::{Store, StoreError};

/// Mail addresses of the accounts, and names of the tokens.
pub(in crate::web::staff) struct ActorNames {
    mails: BTreeMap<String, String>,
    tokens: Vec<String>,
}

impl ActorNames {
    pub(in crate::web::staff) async fn load(store: &Store) -> Result<Self, StoreError> {
        let accounts = store.accounts().await?.into_iter();
        let mut tokens: Vec<_> = store
            .tokens()
            .await?
            .iter()
            .map(|token| token_subject(&token.name))
            .collect();
        tokens.dedup();
        Ok(Self {
            mails: accounts
                .map(|account| (account_subject(account.id), account.email.to_string()))
                .collect(),
            tokens,
        })
    }

    /// Returns the mail address of an account, the text for a system actor, or the name itself.
    pub(in crate::web::staff) fn display_name<'a>(&'a self, name: &'a str, lang: Lang) -> &'a str {
        if let Some(mail) = self.mails.get(name) {
            return mail;
        }
        name.parse()
            .map_or(name, |doer| system_actor_text(doer, lang))
    }

    /// Returns every possible actor, each as its name in the audit log and its display name.
    pub(super) fn list_actors(&self, lang: Lang) -> Vec<(&str, &str)> {
        let others = SystemActor::VARIANTS
            .iter()
            .map(|doer| (doer.into(), system_actor_text(*doer, lang)));
        let mut accounts: Vec<_> = self
            .mails
            .iter()
            .map(|(name, mail)| (name.as_str(), mail.as_str()))
            .collect();
        accounts.sort_by_key(|(_, mail)| *mail);
        let tokens = self
            .tokens
            .iter()
            .map(|name| (name.as_str(), name.as_str()));
        accounts.into_iter().chain(tokens).chain(others).collect()
    }
}

fn system_actor_text(doer: SystemActor, lang: Lang) -> &'static str {
    match doer {
        SystemActor::Anonymous => text!(lang, "staff-audit-nobody-known"),
        SystemActor::CommandLine => text!(lang, "staff-audit-command-line"),
        SystemActor::System => text!(lang, "staff-audit-system"),
    }
}
