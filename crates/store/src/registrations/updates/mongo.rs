//! Corrections and deletions in MongoDB: transactions, retried until their outcome is known.

mod history;

use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind, Result as Driven};
use tokio::time::sleep;

use super::{UpdateOutcome, delta};
use crate::deltas::{self, Delta};
use crate::error::Result;
use crate::mongo::convert::{binary, number};
use crate::mongo::driver_error;
use crate::mongo::handle::{MongoStore, primary};
use crate::mongo::primary_watch::RETRY_DELAY;
use crate::mongo::transaction;
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
        let find = || self.registrations.find_one(id_filter(&campaign.id, id));
        let found = in_time(self.primary.read(find)).await?;
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
        let write = UpdateKind::Correction {
            update: history::correction_update(campaign, read, corrected, correction),
            alias,
        };
        let delta = delta(campaign, read, Some(corrected));
        self.update(campaign, read, write, delta).await
    }

    pub(crate) async fn add_alias(
        &self,
        campaign: &CampaignId,
        alias: RegistrationId,
        owner: RegistrationId,
    ) -> Result<bool> {
        let document = history::alias_document(alias, campaign, owner);
        match self.registrations.insert_one(&document).await {
            Err(error) if driver_error::is_duplicate(&error) => {
                let named = doc! { "_id": binary(alias.as_bytes()) };
                let held = self.registrations.find_one(named);
                let held = in_time(held.selection_criteria(primary())).await?;
                Ok(held.is_some_and(|held| history::alias_owner(&held) == Some(owner)))
            }
            inserted => Ok(inserted.map(|_| true)?),
        }
    }

    pub(crate) async fn delete(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        deletion: &Deletion,
    ) -> Result<UpdateOutcome> {
        let write = UpdateKind::Deletion(deletion);
        let delta = delta(campaign, read, None);
        self.update(campaign, read, write, delta).await
    }

    async fn update(
        &self,
        campaign: &Campaign,
        read: &RegistrationHistory,
        write: UpdateKind<'_>,
        delta: Delta,
    ) -> Result<UpdateOutcome> {
        let step = MongoUpdate {
            store: self,
            campaign: &campaign.id,
            read,
            write,
            delta,
        };
        in_time(step.retry()).await
    }
}

/// One update of the version that was read.
struct MongoUpdate<'a> {
    store: &'a MongoStore,
    campaign: &'a CampaignId,
    read: &'a RegistrationHistory,
    write: UpdateKind<'a>,
    delta: Delta,
}

enum UpdateKind<'a> {
    Correction {
        update: Document,
        alias: Option<RegistrationId>,
    },
    Deletion(&'a Deletion),
}

impl MongoUpdate<'_> {
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
        transaction::start(session).await?;
        let primary = &self.store.primary;
        let outcome = primary.run(self.write(session)).await;
        let is_updated = |outcome: &UpdateOutcome| *outcome == UpdateOutcome::Updated;
        transaction::finish(primary, session, outcome, is_updated).await
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
            deltas::mongo::insert(self.store, session, [&self.delta]).await?;
            let revisions = &self.store.revisions;
            let grow = doc! { "$inc": { "revision": 1_i64 } };
            let grown = revisions.update_one(doc! { "_id": self.campaign.as_str() }, grow);
            grown.upsert(true).session(session).await?;
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
        let buried = buried.session(&mut *session).await?.matched_count;
        if buried > 0 && deletion.cause.frees_number() {
            let owner = binary(self.read.registration.id.as_bytes());
            let aliases = registrations.delete_many(doc! { "claim.of": owner });
            aliases.session(session).await?;
        }
        Ok(outcome(buried))
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
        let document = history::alias_document(alias, self.campaign, owner);
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
            "campaign": self.campaign.as_str(),
            "version": version,
        }
    }
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
    transaction::is_aborted(error)
        || driver_error::is_duplicate(error)
        || matches!(&*error.kind, ErrorKind::ServerSelection { .. })
}
