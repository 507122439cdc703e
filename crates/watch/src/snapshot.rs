//! Result of the last round, for the status page, mails and metrics.

use jiff::Timestamp;
use serde::Serialize;

use super::probe::ProbeResult;
use super::store::history::Maintenance;

/// Status of all targets after a round.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StatusSnapshot {
    /// End of the last round; `None` before the first.
    pub finished_at: Option<Timestamp>,
    /// Every address of every watched name.
    pub targets: Vec<TargetStatus>,
    /// Planned maintenance that is in progress.
    pub maintenance: Option<Maintenance>,
}

/// Status of one target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetStatus {
    /// URL and address.
    pub target: String,
    /// Name for people.
    pub label: String,
    /// Host and port from the settings.
    pub name: String,
    /// Whether the target is an instance.
    pub is_instance: bool,
    /// Start of the current run of healthy probes; `None` while the target is unhealthy.
    pub up_since: Option<Timestamp>,
    /// Start of the open incident.
    pub down_since: Option<Timestamp>,
    /// Result of the last probe.
    pub last_result: Option<ProbeResult>,
}

/// Number of instances that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceCount {
    /// Instances whose last probe was healthy.
    pub up: usize,
    /// All instances.
    pub all: usize,
}

impl StatusSnapshot {
    /// Counts the instances.
    pub fn count_instances(&self) -> InstanceCount {
        let instances = || self.targets.iter().filter(|one| one.is_instance);
        InstanceCount {
            up: instances().filter(|one| one.up_since.is_some()).count(),
            all: instances().count(),
        }
    }

    /// Returns the status of a target.
    pub fn target_status(&self, target: &str) -> Option<&TargetStatus> {
        self.targets.iter().find(|one| one.target == target)
    }
}
