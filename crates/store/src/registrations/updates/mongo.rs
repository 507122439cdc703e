//! Corrections and deletions in MongoDB: transactions, retried until their outcome is known.

mod history;

use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{
    Error, ErrorKind, Result as Driven, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT,
};
use mongodb::options::ReadConcern;
use tokio::time::sleep;

use super::UpdateOutcome;
use crate::deltas::{self, Delta};
use crate::error::Result;
use crate::mongo::convert::{binary, number};
use crate::mongo::driver_error;
use crate::mongo::handle::{MongoStore, RETRY_DELAY, primary};
use crate::registrations::mongo::id_filter;
use crate::time_limit::in_time;
use jornada_domain::history::{Correction, Deletion, RegistrationHistory};
use jornada_domain::{Campaign, CampaignId, RegistrationId};

impl MongoStore {
    pub(crate) async fn history(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<RegistrationHistory>> {
        let found = in_time(self.registrations.find_one(id_filter(&campaign.id, id))).await?;
        let read = |found| history::read_history(campaign, found);
        found.as_deref().map(read).transpose()
    }

    pub(crate) async fn correct(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        corrected: &RegistrationHistory,
        correction: &Correction,
        alias: Option<RegistrationId>,
    ) -> Result<UpdateOutcome> {
        let mut delta = removed(campaign, read);
        delta.add(campaign, &corrected.registration.answers, 1);
        let write = UpdateKind::Correction {
            update: history::correction_update(campaign, read, corrected, correction),
            alias,
        };
        self.update(delta, read, write).await
    }

    pub(crate) async fn delete(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        deletion: &Deletion,
    ) -> Result<UpdateOutcome> {
        let write = UpdateKind::Deletion(deletion);
        self.update(removed(campaign, read), read, write).await
    }

    async fn update(
        &self,
        delta: Delta,
        read: &RegistrationHistory,
        write: UpdateKind<'_>,
    ) -> Result<UpdateOutcome> {
        let step = MongoUpdate {
            store: self,
            delta,
            read,
            write,
        };
        in_time(step.retry()).await
    }
}

/// One update of the version that was read.
struct MongoUpdate<'a> {
    store: &'a MongoStore,
    delta: Delta,
    read: &'a RegistrationHistory,
    write: UpdateKind<'a>,
}

enum UpdateKind<'a> {
    Correction {
        update: Document,
        alias: Option<RegistrationId>,
    },
    Deletion(&'a Deletion),
}

impl MongoUpdate<'_> {
    fn campaign(&self) -> &CampaignId {
        &self.delta.campaign
    }

    /// Retries without limit while the store may come back: the caller sets the time limit.
    async fn retry(&self) -> Result<UpdateOutcome> {
        let mut session = self.store.database.client().start_session().await?;
        loop {
            match self.attempt(&mut session).await {
                Err(error) if is_retryable(&error) => sleep(RETRY_DELAY).await,
                outcome => return Ok(outcome?),
            }
        }
    }

    async fn attempt(&self, session: &mut ClientSession) -> Driven<UpdateOutcome> {
        session
            .start_transaction()
            .read_concern(ReadConcern::snapshot())
            .selection_criteria(primary())
            .await?;
        let outcome = self.write(session).await;
        if !matches!(outcome, Ok(UpdateOutcome::Updated)) {
            // If this does not arrive, the server aborts once the session is used again or expires.
            session.abort_transaction().await.ok();
            return outcome;
        }
        loop {
            match session.commit_transaction().await {
                Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {
                    sleep(RETRY_DELAY).await;
                }
                committed => return committed.map(|()| UpdateOutcome::Updated),
            }
        }
    }

    async fn write(&self, session: &mut ClientSession) -> Driven<UpdateOutcome> {
        let outcome = match &self.write {
            UpdateKind::Correction { update, alias } => {
                self.correct(session, update, *alias).await?
            }
            UpdateKind::Deletion(deletion) => {
                self.replace_with_tombstone(session, deletion).await?
            }
        };
        if outcome == UpdateOutcome::Updated {
            let revisions = &self.store.revisions;
            let grow = doc! { "$inc": { "revision": 1_i64 } };
            let grown = revisions.update_one(doc! { "_id": self.campaign().as_str() }, grow);
            grown.upsert(true).session(&mut *session).await?;
            deltas::mongo::insert(self.store, session, [&self.delta]).await?;
        }
        Ok(outcome)
    }

    async fn correct(
        &self,
        session: &mut ClientSession,
        update: &Document,
        alias: Option<RegistrationId>,
    ) -> Driven<UpdateOutcome> {
        if let Some(alias) = alias
            && !self.reserve_alias(session, alias).await?
        {
            return Ok(UpdateOutcome::AliasTaken);
        }
        let registrations = &self.store.registrations;
        let updated = registrations.update_one(self.unchanged_filter(), update.clone());
        let updated = updated.session(session).await?;
        Ok(outcome(updated.matched_count))
    }

    async fn replace_with_tombstone(
        &self,
        session: &mut ClientSession,
        deletion: &Deletion,
    ) -> Driven<UpdateOutcome> {
        let tombstone = history::tombstone(self.read, deletion);
        let registrations = &self.store.registrations;
        let buried = registrations.replace_one(self.unchanged_filter(), &tombstone);
        Ok(outcome(buried.session(session).await?.matched_count))
    }

    /// Reserves an id as alias. Returns false if the id exists, unless it is an alias of this registration already.
    async fn reserve_alias(
        &self,
        session: &mut ClientSession,
        alias: RegistrationId,
    ) -> Driven<bool> {
        let registrations = &self.store.registrations;
        let named = doc! { "_id": binary(alias.as_bytes()) };
        let shown = doc! { "claim": 1 };
        let held = registrations.find_one(named).projection(shown);
        let owner = self.read.registration.id;
        if let Some(held) = held.session(&mut *session).await? {
            return Ok(history::alias_owner(&held) == Some(owner));
        }
        let document = history::alias_document(alias, self.campaign(), owner);
        registrations.insert_one(&document).session(session).await?;
        Ok(true)
    }

    /// Matches the registration if it is unchanged since it was read.
    fn unchanged_filter(&self) -> Document {
        let version = match self.read.version {
            // A registration without corrections has no version.
            0 => Bson::Null,
            version => number(version).into(),
        };
        doc! {
            "_id": binary(self.read.registration.id.as_bytes()),
            "campaign": self.campaign().as_str(),
            "version": version,
        }
    }
}

/// Creates the delta of a registration that no longer counts as it was read.
fn removed(campaign: &Campaign, read: &RegistrationHistory) -> Delta {
    let mut delta = Delta::new(campaign);
    delta.add(campaign, &read.registration.answers, -1);
    delta
}

fn outcome(matched: u64) -> UpdateOutcome {
    if matched == 0 {
        UpdateOutcome::Stale
    } else {
        UpdateOutcome::Updated
    }
}

/// Returns whether an attempt wrote nothing and another may succeed: after a write conflict, an insert of the same id,
/// or without a primary.
fn is_retryable(error: &Error) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
        || driver_error::is_duplicate(error)
        || matches!(&*error.kind, ErrorKind::ServerSelection { .. })
}
