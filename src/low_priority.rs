//! Low-priority threads for long work, which must not slow down registrations.

use std::io;
use std::thread::Builder;

/// Niceness (`nice`, 0 to 19). Next to a normal thread it gets about one per cent of a processor, and an idle processor
/// completely.
const NICE: i32 = 19;

/// Runs `work` on a new low-priority thread.
///
/// # Errors
/// Fails if no thread can be created.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let start = move || {
        // Affects this thread only (Linux). If it is not permitted, the work runs at normal priority.
        rustix::process::nice(NICE).ok();
        work();
    };
    Builder::new().name(name.to_owned()).spawn(start).map(drop)
}
