//! An audited event: action, subjects and details, without personal data.

use std::collections::BTreeMap;
use std::fmt::Display;

use uuid::Uuid;

use super::AuditAction;
use crate::staff::{ApiToken, PlaceScope, Role};
use crate::{CampaignId, DeadLetterId, RegistrationId};

/// An audited event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Action.
    pub action: AuditAction,
    /// Campaign, if any.
    pub campaign: Option<CampaignId>,
    /// Subjects, named by [`account_subject`], [`token_subject`], [`dead_letter_subject`] or
    /// [`registration_subject`].
    pub subjects: Vec<String>,
    /// Further details by name: a place, a format, a count. Never user input about a person.
    pub detail: BTreeMap<String, String>,
}

impl AuditEvent {
    /// Creates an event without subjects.
    pub fn new(action: AuditAction) -> Self {
        Self {
            action,
            campaign: None,
            subjects: Vec::new(),
            detail: BTreeMap::new(),
        }
    }

    /// Creates an event about one registration.
    pub fn for_registration(
        action: AuditAction,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Self {
        Self::new(action)
            .with_campaign(campaign)
            .with_subject(registration_subject(id))
    }

    /// Sets the campaign.
    #[must_use]
    pub fn with_campaign(mut self, campaign: &CampaignId) -> Self {
        self.campaign = Some(campaign.clone());
        self
    }

    /// Adds a subject named by [`account_subject`], [`token_subject`], [`dead_letter_subject`] or
    /// [`registration_subject`].
    #[must_use]
    pub fn with_subject(mut self, subject: String) -> Self {
        self.subjects.push(subject);
        self
    }

    /// Adds the places, if they are limited.
    #[must_use]
    pub fn with_places(self, place_scope: &PlaceScope) -> Self {
        if place_scope.is_all() {
            return self;
        }
        self.with_detail("places", place_scope.places().join("; "))
    }

    /// Adds details.
    #[must_use]
    pub fn with_details<T: Display>(
        self,
        details: impl IntoIterator<Item = (&'static str, T)>,
    ) -> Self {
        let add = |event: Self, (name, text)| event.with_detail(name, text);
        details.into_iter().fold(self, add)
    }

    /// Adds a detail.
    #[must_use]
    pub fn with_detail(mut self, name: &'static str, text: impl Display) -> Self {
        self.detail.insert(name.to_owned(), text.to_string());
        self
    }
}

/// Creates the event that an account has this role and these places from now on.
pub fn role_assigned(
    action: AuditAction,
    id: Uuid,
    role: Role,
    place_scope: &PlaceScope,
) -> AuditEvent {
    let event = AuditEvent::new(action)
        .with_subject(account_subject(id))
        .with_detail("role", role);
    event.with_places(place_scope)
}

/// Creates the event that a token was created.
pub fn token_created(made: &ApiToken) -> AuditEvent {
    let event = AuditEvent::new(AuditAction::TokenMade).with_subject(token_subject(&made.name));
    let event = event.with_detail("scopes", made.scopes.to_text());
    event.with_places(&made.place_scope)
}

/// Returns the subject name of an account.
pub fn account_subject(id: Uuid) -> String {
    format!("account:{id}")
}

/// Returns the subject name of a token.
pub fn token_subject(name: &str) -> String {
    format!("token:{name}")
}

/// Returns the subject name of a dead letter.
pub fn dead_letter_subject(id: DeadLetterId) -> String {
    format!("dead-letter:{id}")
}

/// Returns the subject name of a registration.
pub fn registration_subject(id: RegistrationId) -> String {
    format!("registration:{id}")
}
