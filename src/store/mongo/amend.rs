//! Corrections and deletions in MongoDB: transactions, retried until their outcome is known.

use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{
    Error, ErrorKind, Result as Driven, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT,
};
use mongodb::options::ReadConcern;
use tokio::time::{sleep, timeout};

use super::account::number;
use super::keep::PAUSE;
use super::{MongoStore, amended, binary, bounded, fault, primary};
use crate::domain::record::{Deletion, Record};
use crate::domain::{Campaign, CampaignId, RegistrationId};
use crate::store::{Amended, StoreError, WAIT};

/// Creates the collection of revisions if it is missing: not every kind of cluster can do so within a transaction.
pub(super) async fn make_collection(store: &MongoStore) -> Driven<()> {
    match store.database.create_collection("revisions").await {
        Err(error) if !fault::is_there_already(&error) => Err(error),
        _ => Ok(()),
    }
}

impl MongoStore {
    pub(in crate::store) async fn record(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Record>, StoreError> {
        let filter = doc! { "_id": binary(id.as_bytes()), "campaign": campaign.id.as_str() };
        let found = bounded(WAIT, self.registrations.find_one(filter)).await?;
        let read = |found| amended::record(campaign, found);
        found.as_deref().map(read).transpose()
    }

    pub(in crate::store) async fn correct(
        &self,
        campaign: &Campaign,
        read: &Record,
        corrected: &Record,
        claim: Option<RegistrationId>,
    ) -> Result<Amended, StoreError> {
        let Some(correction) = corrected.corrections.last() else {
            return Ok(Amended::Done);
        };
        let write = Write::Correction {
            update: amended::update(campaign, read, corrected, correction),
            claim,
        };
        self.amend(campaign, read, write).await
    }

    pub(in crate::store) async fn delete(
        &self,
        campaign: &Campaign,
        read: &Record,
        deletion: &Deletion,
    ) -> Result<Amended, StoreError> {
        let write = Write::Deletion(deletion);
        self.amend(campaign, read, write).await
    }

    async fn amend(
        &self,
        campaign: &Campaign,
        read: &Record,
        write: Write<'_>,
    ) -> Result<Amended, StoreError> {
        let step = Step {
            store: self,
            campaign: &campaign.id,
            read,
            write,
        };
        let amended = timeout(WAIT, step.run()).await;
        amended.map_err(|_| StoreError::late())?
    }

    pub(in crate::store) async fn deletion(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<Option<Deletion>, StoreError> {
        let filter = doc! { "_id": binary(id.as_bytes()), "gone.campaign": campaign.as_str() };
        let found = bounded(WAIT, self.registrations.find_one(filter)).await?;
        found.as_deref().map(amended::deletion).transpose()
    }

    pub(in crate::store) async fn revision(
        &self,
        campaign: &CampaignId,
    ) -> Result<u64, StoreError> {
        let find = self.revisions.find_one(doc! { "_id": campaign.as_str() });
        let found = bounded(WAIT, find).await?;
        let revision = found.map(|found| found.get_i64("revision"));
        let revision = revision.transpose();
        let revision = revision.map_err(|_| StoreError::malformed("revision"))?;
        Ok(revision.unwrap_or(0).unsigned_abs())
    }
}

/// One update of the version that was read.
struct Step<'a> {
    store: &'a MongoStore,
    campaign: &'a CampaignId,
    read: &'a Record,
    write: Write<'a>,
}

enum Write<'a> {
    Correction {
        update: Document,
        claim: Option<RegistrationId>,
    },
    Deletion(&'a Deletion),
}

impl Step<'_> {
    /// Retries without limit while the store may come back: the caller sets the time limit.
    async fn run(&self) -> Result<Amended, StoreError> {
        let mut session = self.store.database.client().start_session().await?;
        loop {
            match self.attempt(&mut session).await {
                Err(error) if may_be_repeated(&error) => sleep(PAUSE).await,
                outcome => return Ok(outcome?),
            }
        }
    }

    async fn attempt(&self, session: &mut ClientSession) -> Driven<Amended> {
        session
            .start_transaction()
            .read_concern(ReadConcern::snapshot())
            .selection_criteria(primary())
            .await?;
        let outcome = self.write(session).await;
        if !matches!(outcome, Ok(Amended::Done)) {
            // If this does not arrive, the server aborts once the session is used again or expires.
            session.abort_transaction().await.ok();
            return outcome;
        }
        loop {
            match session.commit_transaction().await {
                Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {
                    sleep(PAUSE).await;
                }
                committed => return committed.map(|()| Amended::Done),
            }
        }
    }

    async fn write(&self, session: &mut ClientSession) -> Driven<Amended> {
        let amended = match &self.write {
            Write::Correction { update, claim } => self.correct(session, update, *claim).await?,
            Write::Deletion(deletion) => self.bury(session, deletion).await?,
        };
        if amended == Amended::Done {
            let revisions = &self.store.revisions;
            let grow = doc! { "$inc": { "revision": 1_i64 } };
            let grown = revisions.update_one(doc! { "_id": self.campaign.as_str() }, grow);
            grown.upsert(true).session(session).await?;
        }
        Ok(amended)
    }

    async fn correct(
        &self,
        session: &mut ClientSession,
        update: &Document,
        claim: Option<RegistrationId>,
    ) -> Driven<Amended> {
        if let Some(claim) = claim
            && !self.claim(session, claim).await?
        {
            return Ok(Amended::Taken);
        }
        let registrations = &self.store.registrations;
        let updated = registrations.update_one(self.as_read(), update.clone());
        let updated = updated.session(session).await?;
        Ok(done(updated.matched_count))
    }

    async fn bury(&self, session: &mut ClientSession, deletion: &Deletion) -> Driven<Amended> {
        let tombstone = amended::tombstone(self.read, deletion);
        let registrations = &self.store.registrations;
        let buried = registrations.replace_one(self.as_read(), &tombstone);
        Ok(done(buried.session(session).await?.matched_count))
    }

    /// Reserves an id as alias. Returns false if the id exists, unless it is an alias of this registration already.
    async fn claim(&self, session: &mut ClientSession, claim: RegistrationId) -> Driven<bool> {
        let registrations = &self.store.registrations;
        let named = doc! { "_id": binary(claim.as_bytes()) };
        let shown = doc! { "claim": 1 };
        let held = registrations.find_one(named).projection(shown);
        let owner = self.read.registration.id;
        if let Some(held) = held.session(&mut *session).await? {
            return Ok(amended::owner(&held) == Some(owner));
        }
        let document = amended::claim(claim, self.campaign, owner);
        registrations.insert_one(&document).session(session).await?;
        Ok(true)
    }

    /// Matches the registration if it is unchanged since it was read.
    fn as_read(&self) -> Document {
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

fn done(matched: u64) -> Amended {
    if matched == 0 {
        Amended::Stale
    } else {
        Amended::Done
    }
}

/// Returns whether an attempt wrote nothing and another may succeed: after a write conflict, an insert of the same id,
/// or without a primary.
fn may_be_repeated(error: &Error) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
        || fault::is_duplicate(error)
        || matches!(&*error.kind, ErrorKind::ServerSelection { .. })
}
