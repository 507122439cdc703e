//! Consent texts by version. Registrations name only the version.

use super::{Store, StoreError, dispatch};
use jornada_domain::{Campaign, Localized};

impl Store {
    /// Inserts the consent text of a campaign, if it has one. Idempotent.
    pub async fn insert_consent(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let (Some(version), Some(words)) = (campaign.consent_version(), &campaign.consent) else {
            return Ok(());
        };
        dispatch!("keep_consent", self.insert_consent(&version, words))
    }

    /// Returns the consent text of a version.
    pub async fn consent(&self, version: &str) -> Result<Option<Localized>, StoreError> {
        dispatch!("consent", self.consent(version))
    }
}
