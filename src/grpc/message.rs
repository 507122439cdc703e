//! Votes as they are sent, and what is wrong with them as a whole.

use std::sync::Arc;

use jornada_proto::v1::Vote;

use crate::web::AppState;
use crate::web::error::Error;
use crate::web::votes::{require_votes, to_sent_vote};
use jornada_domain::{Campaign, FieldError, FormData, IdempotencyKey, ValidationError};
use jornada_http::vote_body::VoteItem;
use jornada_service::votes::{ReceivedVote, VoteKey};

/// Name of the campaign in violations.
const CAMPAIGN: &str = "campaign";
/// Name of the idempotency key in violations.
const KEY: &str = "idempotency_key";

/// Returns about how much memory a vote takes, in bytes.
pub fn size(vote: &Vote) -> usize {
    let texts = vote.answers.iter();
    let texts: usize = texts.map(|(name, text)| name.len() + text.len() + 96).sum();
    texts + vote.campaign.len() + vote.idempotency_key.len() + 128
}

/// Returns a campaign that takes in votes.
pub fn campaign(app: &AppState, id: &str) -> Result<Arc<Campaign>, Error> {
    let campaign = app.campaign(id)?;
    require_votes(campaign)?;
    Ok(Arc::clone(campaign))
}

/// Converts a vote. Its own key replaces the one derived from the batch.
pub fn to_received(vote: Vote, key: Option<VoteKey>) -> ReceivedVote {
    let item = VoteItem {
        answers: FormData {
            parts: vote.answers.into_iter().collect(),
            has_photo: false,
        },
        key: Some(vote.idempotency_key).filter(|key| !key.is_empty()),
        error: None,
    };
    to_sent_vote(item, key)
}

/// Returns the error of a vote for another campaign than that of the batch, or than any.
pub fn other_campaign(expected: Option<&Campaign>) -> FieldError {
    let nearest = expected.map(|campaign| campaign.id.to_string());
    let nearest = nearest.into_iter().collect();
    FieldError::new(CAMPAIGN, ValidationError::NotAnOption { nearest })
}

/// Reads the idempotency key of a batch.
pub fn read_key(text: &str) -> Result<Option<IdempotencyKey>, Vec<FieldError>> {
    if text.is_empty() {
        return Ok(None);
    }
    let key = IdempotencyKey::parse(text);
    key.map(Some)
        .ok_or_else(|| vec![FieldError::new(KEY, ValidationError::BadKey)])
}
