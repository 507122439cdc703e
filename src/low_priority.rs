//! Threads that give way to all others: long work for one person must not be felt by those who register meanwhile.

use std::io;
use std::thread::Builder;

/// How much such a thread gives way (`nice`, 0 to 19): beside an ordinary one it gets about a hundredth of a processor,
/// and an idle processor whole.
const NICE: i32 = 19;

/// Runs this on a thread of its own that gives way.
///
/// # Errors
/// When there can be no more threads.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let start = move || {
        // Of this thread alone, on Linux. Where it is refused the work is done as any other.
        rustix::process::nice(NICE).ok();
        work();
    };
    Builder::new().name(name.to_owned()).spawn(start).map(drop)
}
