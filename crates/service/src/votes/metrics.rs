//! Metrics of votes.

use prometheus::{IntCounterVec, Registry, register_int_counter_vec_with_registry as counters};

use super::{CastError, CastVote};
use jornada_domain::{Campaign, Door, RejectionReason};

/// Metrics of votes.
#[derive(Clone, Debug)]
pub struct VoteMetrics {
    votes: IntCounterVec,
    rejections: IntCounterVec,
}

impl VoteMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            votes: counters!(
                "jornada_votes_total",
                "Votes by campaign, door and outcome: stored, repeated, conflict, invalid, closed, busy, failed",
                &["campaign", "door", "outcome"],
                registry
            )?,
            rejections: counters!(
                "jornada_vote_rejections_total",
                "Reasons for rejected votes, by campaign; one vote may have several",
                &["campaign", "reason"],
                registry
            )?,
        })
    }

    pub(super) fn count(
        &self,
        campaign: &Campaign,
        door: Door,
        cast: &Result<CastVote, CastError>,
    ) {
        let outcome = match cast {
            Ok(CastVote {
                is_repeated: false, ..
            }) => "stored",
            Ok(_) => "repeated",
            Err(CastError::Conflict) => "conflict",
            Err(CastError::Invalid(_)) => "invalid",
            Err(CastError::NotOpen { .. }) => "closed",
            Err(CastError::Busy) => "busy",
            Err(CastError::Store(_)) => "failed",
        };
        let campaign = campaign.id.as_str();
        let labels = [campaign, door.into(), outcome];
        self.votes.with_label_values(&labels).inc();
        if let Err(CastError::Invalid(errors)) = cast {
            for error in errors {
                let reason: &str = RejectionReason::into(error.error.reason());
                self.rejections.with_label_values(&[campaign, reason]).inc();
            }
        }
    }
}
