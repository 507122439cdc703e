//! When a role shall end: SIGTERM from a supervisor, or Ctrl-C at a terminal.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on; the future ends when the process is asked to.
pub(super) fn asked() -> io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}
