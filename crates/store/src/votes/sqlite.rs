//! Votes in SQLite.

use std::sync::Arc;

use rusqlite::{Connection, Row};

use super::row::{VOTE, read_vote};
use super::{FoundVote, subtract_deltas};
use crate::deltas;
use crate::error::{Result, StoreError};
use crate::sqlite::convert::{self, time};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::{Campaign, ReceiptNumber, RegistrationId, Vote};

impl SqliteStore {
    pub(crate) async fn vote(&self, number: ReceiptNumber) -> Result<Option<FoundVote>> {
        let (least, greatest) = number.id_range();
        let ids = [*least.as_bytes(), *greatest.as_bytes()];
        let sql = "SELECT id, campaign, answers, received_at FROM votes \
                   WHERE id BETWEEN ?1 AND ?2 LIMIT 1";
        let read = |row: &Row<'_>| {
            let answers = serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or_default());
            Ok(FoundVote {
                id: convert::registration_id(row, 0)?,
                campaign: convert::campaign(row, 1)?,
                answers: answers.map_err(|_| StoreError::malformed("answers"))?,
                received_at: time(row.get(3)?)?,
            })
        };
        Ok(self.query(sql, ids, read).await?.pop())
    }

    pub(crate) async fn votes_after(
        &self,
        campaign: &Arc<Campaign>,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<Vote>> {
        let sql = format!(
            "SELECT {VOTE} FROM votes WHERE campaign = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        );
        let campaign = Arc::clone(campaign);
        // No id is empty, and a blob that begins another is less than it.
        let after = after.map_or(Vec::new(), |id| id.as_bytes().to_vec());
        let parameters = (campaign.id.as_str().to_owned(), after, limit);
        let read = move |row: &Row<'_>| read_vote(&campaign, row);
        self.query(sql, parameters, read).await
    }

    pub(crate) async fn erase_votes(
        &self,
        campaign: &Arc<Campaign>,
        votes: Vec<Vote>,
    ) -> Result<u64> {
        let campaign = Arc::clone(campaign);
        let erase = move |connection: &Connection| {
            let mut delete = connection.prepare_cached("DELETE FROM votes WHERE id = ?1")?;
            let mut erased = Vec::with_capacity(votes.len());
            for vote in &votes {
                if delete.execute([vote.id.as_bytes()])? == 1 {
                    erased.push(vote);
                }
            }
            let count = erased.len() as u64;
            deltas::sqlite::append(connection, &subtract_deltas(&campaign, erased))?;
            Ok(count)
        };
        self.writer.write(erase).await
    }
}
