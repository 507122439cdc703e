//! Open files: every connection takes one, and a shell or a service manager often lets a process have only 1,024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// What stores, logs and files of its own take at most.
const OTHERS: u64 = 512;

/// Raises the soft limit as far as the hard one allows. Answers how many connections there is room for, at most those
/// asked for; at least one, which is then a fault of the limit.
pub(super) fn room_for(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = files.map_or(u64::MAX, |files| files.saturating_sub(OTHERS).max(1));
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < connections {
        warn!(
            "JORNADA_MAX_CONNECTIONS: only {room} of {connections} have room within this process's limit of open files"
        );
    }
    room.min(connections)
}
