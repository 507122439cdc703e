//! Low-priority threads for long work, which must not slow down registrations.

use std::io;
use std::thread::Builder;

/// Niceness (0 to 19). Next to a busy normal thread it gets about 1 % of a processor; it can use an idle one fully.
const NICE: i32 = 19;

/// Runs `work` on a new low-priority thread. Fails if no thread can be created.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let start = move || {
        // Affects this thread only (Linux). If it is not permitted, the work runs at normal priority.
        rustix::process::nice(NICE).ok();
        work();
    };
    Builder::new().name(name.to_owned()).spawn(start).map(drop)
}
