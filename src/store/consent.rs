//! Consent texts by version. Registrations name only the version.

use super::{Store, StoreError, ask};
use crate::domain::{Campaign, Localized};

impl Store {
    /// Inserts the consent text of a campaign, if it has one. Idempotent.
    pub async fn keep_consent(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let (Some(version), Some(words)) = (campaign.consent_version(), &campaign.consent) else {
            return Ok(());
        };
        ask!("keep_consent", self.keep_consent(&version, words))
    }

    /// Returns the consent text of a version.
    pub async fn consent(&self, version: &str) -> Result<Option<Localized>, StoreError> {
        ask!("consent", self.consent(version))
    }
}
