//! Metrics of votes.

use prometheus::{IntCounterVec, Registry, register_int_counter_vec_with_registry as counters};

/// Metrics of votes.
#[derive(Clone, Debug)]
pub struct VoteMetrics {
    pub(super) votes: IntCounterVec,
    pub(super) rejections: IntCounterVec,
}

impl VoteMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            votes: counters!(
                "jornada_votes_total",
                "Votes by campaign, door and outcome: stored, queued, repeated, conflict, invalid, closed, busy, failed",
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
}
