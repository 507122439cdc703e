//! An audited event: action, subjects and details, without personal data.

use std::collections::BTreeMap;
use std::fmt::Display;

use uuid::Uuid;

use super::Action;
use crate::domain::staff::{ApiToken, Reach, Role};
use crate::domain::{CampaignId, RegistrationId};

/// An audited event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Action.
    pub action: Action,
    /// Campaign, if any.
    pub campaign: Option<CampaignId>,
    /// Subjects, named by [`account`], [`token`] or [`registration`].
    pub subjects: Vec<String>,
    /// Further details by name: a place, a format, a count. Never user input about a person.
    pub detail: BTreeMap<String, String>,
}

impl Deed {
    /// Creates an event without subjects.
    #[must_use]
    pub fn of(action: Action) -> Self {
        Self {
            action,
            campaign: None,
            subjects: Vec::new(),
            detail: BTreeMap::new(),
        }
    }

    /// Creates an event about one registration.
    #[must_use]
    pub fn about(action: Action, campaign: &CampaignId, id: RegistrationId) -> Self {
        Self::of(action).within(campaign).to(registration(id))
    }

    /// Sets the campaign.
    #[must_use]
    pub fn within(mut self, campaign: &CampaignId) -> Self {
        self.campaign = Some(campaign.clone());
        self
    }

    /// Adds a subject named by [`account`], [`token`] or [`registration`].
    #[must_use]
    pub fn to(mut self, subject: String) -> Self {
        self.subjects.push(subject);
        self
    }

    /// Adds the places, if they are limited.
    #[must_use]
    pub fn limited(self, reach: &Reach) -> Self {
        if reach.is_all() {
            return self;
        }
        self.with("places", reach.places().join("; "))
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, text: impl Display) -> Self {
        self.detail.insert(name.to_owned(), text.to_string());
        self
    }
}

/// Creates the event that an account has this role and these places from now on.
#[must_use]
pub fn assigned(action: Action, id: Uuid, role: Role, reach: &Reach) -> Deed {
    let deed = Deed::of(action).to(account(id)).with("role", role.name());
    deed.limited(reach)
}

/// Creates the event that a token was created.
#[must_use]
pub fn token_made(made: &ApiToken) -> Deed {
    let deed = Deed::of(Action::TokenMade).to(token(&made.name));
    let deed = deed.with("scopes", made.scopes.written());
    deed.limited(&made.reach)
}

/// Returns the subject name of an account.
#[must_use]
pub fn account(id: Uuid) -> String {
    format!("account:{id}")
}

/// Returns the subject name of a token.
#[must_use]
pub fn token(name: &str) -> String {
    format!("token:{name}")
}

/// Returns the subject name of a registration.
#[must_use]
pub fn registration(id: RegistrationId) -> String {
    format!("registration:{id}")
}
