//! What was done, to what, in a few words that hold nothing personal.

use std::collections::BTreeMap;
use std::fmt::Display;

use uuid::Uuid;

use super::Action;
use crate::domain::staff::{ApiToken, Reach, Role};
use crate::domain::{CampaignId, RegistrationId};

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What it was.
    pub action: Action,
    /// In which campaign.
    pub campaign: Option<CampaignId>,
    /// To what: [`account`], [`token`], [`registration`].
    pub subjects: Vec<String>,
    /// More of it, by names of ours: a city, a format, how many. Never what somebody typed about a person.
    pub detail: BTreeMap<String, String>,
}

impl Deed {
    /// A deed about nothing yet.
    #[must_use]
    pub fn of(action: Action) -> Self {
        Self {
            action,
            campaign: None,
            subjects: Vec::new(),
            detail: BTreeMap::new(),
        }
    }

    /// A deed about one registration of a campaign.
    #[must_use]
    pub fn about(action: Action, campaign: &CampaignId, id: RegistrationId) -> Self {
        Self::of(action).within(campaign).to(registration(id))
    }

    /// In this campaign.
    #[must_use]
    pub fn within(mut self, campaign: &CampaignId) -> Self {
        self.campaign = Some(campaign.clone());
        self
    }

    /// To this thing as well: [`account`], [`token`] or [`registration`].
    #[must_use]
    pub fn to(mut self, subject: String) -> Self {
        self.subjects.push(subject);
        self
    }

    /// To these places, if not to all.
    #[must_use]
    pub fn limited(self, reach: &Reach) -> Self {
        if reach.is_all() {
            return self;
        }
        self.with("places", reach.places().join("; "))
    }

    /// With one more word on it.
    #[must_use]
    pub fn with(mut self, name: &'static str, text: impl Display) -> Self {
        self.detail.insert(name.to_owned(), text.to_string());
        self
    }
}

/// That an account has this role and these places from now on.
#[must_use]
pub fn assigned(action: Action, id: Uuid, role: Role, reach: &Reach) -> Deed {
    let deed = Deed::of(action).to(account(id)).with("role", role.name());
    deed.limited(reach)
}

/// That there is this token from now on.
#[must_use]
pub fn token_made(made: &ApiToken) -> Deed {
    let deed = Deed::of(Action::TokenMade).to(token(&made.name));
    let deed = deed.with("scopes", made.scopes.written());
    deed.limited(&made.reach)
}

/// An account as entries name it.
#[must_use]
pub fn account(id: Uuid) -> String {
    format!("account:{id}")
}

/// A token as entries name it.
#[must_use]
pub fn token(name: &str) -> String {
    format!("token:{name}")
}

/// A registration as entries name it.
#[must_use]
pub fn registration(id: RegistrationId) -> String {
    format!("registration:{id}")
}
