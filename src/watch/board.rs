//! Result of the last round, for the status page, mails and metrics.

use jiff::Timestamp;
use serde::Serialize;

use super::ledger::history::Pause;
use super::probe::Seen;

/// Status of all targets after a round.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Board {
    /// End of the last round; `None` before the first.
    pub at: Option<Timestamp>,
    /// Every address of every watched name.
    pub targets: Vec<Standing>,
    /// Planned maintenance that is in progress.
    pub pause: Option<Pause>,
}

/// Status of one target.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
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
    pub seen: Option<Seen>,
}

/// Number of instances that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Instances whose last probe was healthy.
    pub up: usize,
    /// All instances.
    pub all: usize,
}

impl Board {
    /// Counts the instances.
    #[must_use]
    pub fn left(&self) -> Left {
        let instances = || self.targets.iter().filter(|one| one.is_instance);
        Left {
            up: instances().filter(|one| one.up_since.is_some()).count(),
            all: instances().count(),
        }
    }

    /// Returns the status of a target.
    #[must_use]
    pub fn standing(&self, target: &str) -> Option<&Standing> {
        self.targets.iter().find(|one| one.target == target)
    }
}
