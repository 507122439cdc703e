//! State that all tasks of a watcher use.

use std::sync::Arc;

use tokio::sync::watch;

use super::metrics::WatchMetrics;
use super::setting::WatchConfig;
use super::shared_state::Leadership;
use super::snapshot::StatusSnapshot;
use super::store::WatchStore;

/// State that all tasks of a watcher share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watcher {
    pub config: Arc<WatchConfig>,
    pub store: WatchStore,
    pub metrics: WatchMetrics,
    /// Result of the last round.
    pub snapshot: watch::Sender<StatusSnapshot>,
    /// Leadership of this watcher, and whether Redis answers.
    pub leadership: watch::Sender<(Leadership, bool)>,
}

impl Watcher {
    pub fn sends_mails(&self) -> bool {
        self.leadership.borrow().0.sends_mails()
    }
}
