//! Lists deleted registrations from the tombstones.

use rusqlite::Connection;

use super::SqliteStore;
use crate::{ErasedRegistration, StoreError};
use jornada_domain::{CampaignId, RegistrationId};

impl SqliteStore {
    pub(crate) async fn erased_registrations(
        &self,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<ErasedRegistration>, StoreError> {
        // An empty blob sorts before every id.
        let after = after.map_or(Vec::new(), |id| id.as_bytes().to_vec());
        let read = move |connection: &mut Connection| {
            let sql = "SELECT campaign, id FROM tombstones WHERE id > ?1 ORDER BY id LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((&after, limit), |row| {
                Ok((row.get::<_, String>(0)?, row.get(1)?))
            })?;
            rows.map(|row| {
                let (campaign, id) = row?;
                let campaign = CampaignId::parse(&campaign);
                Ok(ErasedRegistration {
                    campaign: campaign.ok_or_else(|| StoreError::malformed("campaign"))?,
                    id: RegistrationId::from_bytes(id),
                })
            })
            .collect()
        };
        self.readers.read(read).await
    }
}
