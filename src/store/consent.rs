//! The words that people agreed to, each under its version: registrations name the version alone.

use super::{Store, StoreError, ask};
use crate::domain::{Campaign, Localized};

impl Store {
    /// Keeps the words that a campaign asks people to agree to, if it does. Keeping them again changes nothing.
    ///
    /// # Errors
    /// When the store does not answer; keeping them again is right.
    pub async fn keep_consent(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let (Some(version), Some(words)) = (campaign.consent_version(), &campaign.consent) else {
            return Ok(());
        };
        ask!("keep_consent", self.keep_consent(&version, words))
    }

    /// The words of a version.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn consent(&self, version: &str) -> Result<Option<Localized>, StoreError> {
        ask!("consent", self.consent(version))
    }
}
