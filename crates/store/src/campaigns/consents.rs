//! Consent texts by version. Registrations name only the version.

use crate::error::Result;
use crate::handle::Store;
use crate::records::{Condition, Fields, InsertableRecord, Query, Record, Table};
use jornada_domain::{Campaign, LocalizedText};

/// A version and its text.
type Consent = (String, LocalizedText);

impl Record for Consent {
    const TABLE: Table = Table::new("consents", "version");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let text = LocalizedText {
            es: fields.take("es")?,
            en: fields.take("en")?,
        };
        Ok((fields.take("version")?, text))
    }
}

impl InsertableRecord for Consent {
    fn to_fields(&self) -> Fields {
        let (version, text) = self;
        Fields::from([
            ("version", version.into()),
            ("es", (&text.es).into()),
            ("en", (&text.en).into()),
        ])
    }
}

impl Store {
    /// Inserts the consent text of a campaign, if it has one. Idempotent.
    pub async fn insert_consent(&self, campaign: &Campaign) -> Result<()> {
        let consent = campaign.consent_version().zip(campaign.consent.clone());
        let Some(consent) = consent else {
            return Ok(());
        };
        let insert = self.insert_record(&consent);
        self.time("keep_consent", insert).await.map(drop)
    }

    /// Returns the consent text of a version.
    pub async fn consent(&self, version: &str) -> Result<Option<LocalizedText>> {
        let query = Query::new([Condition::is("version", version)]);
        let found = self
            .time("consent", self.find_record::<Consent>(query))
            .await?;
        Ok(found.map(|(_, text)| text))
    }
}
