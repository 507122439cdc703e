//! Log lines on standard output: readable on a terminal, JSON where a program reads them.
//! No name, document, key or token in any of them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Env, Wrong};

/// Starts the log by `JORNADA_LOG` and `JORNADA_LOG_FORMAT`.
///
/// # Errors
/// A filter or a format that cannot be read.
pub fn start(env: &Env) -> Result<(), Wrong> {
    let filter = env.or("JORNADA_LOG", "info");
    let filter = EnvFilter::try_new(&filter).map_err(|_| {
        Wrong::new(
            "JORNADA_LOG",
            &filter,
            "a level or filter, such as info or jornada=debug",
        )
    })?;
    let format = env.get("JORNADA_LOG_FORMAT");
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let json = match format.as_deref() {
        Some("json") => true,
        Some("text") => false,
        None => !std::io::stdout().is_terminal(),
        Some(other) => return Err(Wrong::new("JORNADA_LOG_FORMAT", other, "text or json")),
    };
    if json {
        lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .init();
    } else {
        lines.with_target(false).init();
    }
    Ok(())
}
