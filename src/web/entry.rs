//! What both doors do with a submission: the limits of whoever sends it, its proof of work, and then the intake.

use std::sync::Arc;

use jiff::Timestamp;

use super::App;
use super::address::ClientAddress;
use super::error::Error;
use super::upload::Upload;
use crate::domain::{Campaign, IdempotencyKey};
use crate::intake::{Accepted, Submission};

/// One submission on its way in.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Where.
    pub app: &'a App,
    /// Into what.
    pub campaign: &'a Arc<Campaign>,
    /// Who sends it.
    pub from: ClientAddress,
}

impl Entry<'_> {
    /// Does `work` within what this client may. What was held for the answers that tell that a document is known, or
    /// was, is given back after any other.
    ///
    /// # Errors
    /// [`Error::RateLimited`], and those of `work`.
    pub async fn limited<T>(
        self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let limits = &self.app.limits;
        let held = limits.register(self.from, &self.campaign.id).await?;
        let done = work.await;
        let is_known = matches!(
            done,
            Err(Error::AlreadyRegistered { .. } | Error::PreviouslyDeleted)
        );
        held.release_if(!is_known).await;
        done
    }

    /// Takes it in.
    ///
    /// # Errors
    /// Whatever refuses it; nothing is registered then.
    pub async fn take(
        self,
        upload: Upload,
        key: IdempotencyKey,
        proof: Option<&str>,
    ) -> Result<Accepted, Error> {
        let Self {
            app,
            campaign,
            from,
        } = self;
        let asked_by = (key.as_str(), &upload.form);
        app.use_proof(campaign, proof, asked_by, from).await?;
        let submission = Submission {
            form: upload.form,
            photo: upload.photo,
            key,
        };
        let taken = app.intake.take(campaign, submission, Timestamp::now());
        let taken = taken.await;
        drop(upload.reserved);
        taken.map_err(|error| Error::of_intake(error, campaign))
    }
}
