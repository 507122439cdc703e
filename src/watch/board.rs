//! What the last round saw, for those who show it, mail it or count it.

use jiff::Timestamp;
use serde::Serialize;

use super::ledger::history::Pause;
use super::probe::Seen;

/// The state of everything that is watched.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Board {
    /// When the last round ended; nothing before the first.
    pub at: Option<Timestamp>,
    /// Each address behind each name.
    pub targets: Vec<Standing>,
    /// Planned maintenance that goes on.
    pub pause: Option<Pause>,
}

/// The state of one target.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// URL and address.
    pub target: String,
    /// What people call it.
    pub label: String,
    /// Host and port in the settings.
    pub name: String,
    /// Whether it is one of the instances.
    pub is_instance: bool,
    /// Since when it answers as it should; nothing while it does not.
    pub up_since: Option<Timestamp>,
    /// Since when it is down, once the incident is raised and until it is resolved.
    pub down_since: Option<Timestamp>,
    /// What the last probe met.
    pub seen: Option<Seen>,
}

/// How many instances answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Those that answered the last probe.
    pub up: usize,
    /// All.
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

    /// The state of one target.
    #[must_use]
    pub fn standing(&self, target: &str) -> Option<&Standing> {
        self.targets.iter().find(|one| one.target == target)
    }
}
