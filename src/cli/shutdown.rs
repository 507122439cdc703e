//! Shutdown signals: SIGTERM from a supervisor, or Ctrl-C at a terminal.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens for signals. The returned future completes at the first one.
pub(super) fn listen() -> io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}
