//! Limit of open files: every connection needs one, and a shell or service manager often allows only 1,024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Files reserved for stores, logs and other use.
const RESERVED_FILES: u64 = 512;

/// Raises the soft limit to the hard limit. Returns how many of the requested connections fit, at least one.
pub(super) fn raise_file_limit(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = files.map_or(u64::MAX, |files| {
        files.saturating_sub(RESERVED_FILES).max(1)
    });
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < connections {
        warn!(
            "JORNADA_MAX_CONNECTIONS: the limit of open files allows only {room} of {connections} connections"
        );
    }
    room.min(connections)
}
