//! Log lines on standard output (readable on a terminal, JSON where a program reads them) and in Loki. Neither may
//! slow a request or fill the memory: what they cannot take is left out and counted. No name, document, key or token
//! is in any line.

mod dropped;
mod ear;
mod gate;
mod json;
mod loki;
mod setting;
mod stdout;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

pub use dropped::Dropped;
pub use setting::{LogFormat, LogsConfig};
use stdout::{Output, Writer};

/// What the targets of our own lines begin with: all our crates have names that begin so.
const TARGET: &str = "jornada";

/// Longest time for the last push to Loki at the end of a role.
const LAST_PUSH: Duration = Duration::from_secs(2);

/// The log of this process; a role ends it with [`Logs::end`]. Dropped, it still writes out what waits for standard
/// output.
#[derive(Debug)]
pub struct Logs {
    dropped: Dropped,
    loki: Option<(CancellationToken, JoinHandle<()>)>,
    _output: Output,
}

/// Starts the log, once in a process and inside its runtime. `service` is the label of that name in Loki.
///
/// # Errors
/// A filter or an address that [`LogsConfig`] would not have let through; a log that runs already.
pub fn start(config: &LogsConfig, service: &'static str) -> anyhow::Result<Logs> {
    let dropped = Dropped::new().context("cannot count log lines")?;
    let (writer, output) = stdout::start(dropped.clone()).context("cannot start the log")?;
    let (gate, pusher) = config
        .loki
        .as_ref()
        .map(|url| loki::open(url, service, &config.instance, &dropped))
        .transpose()
        .context("JORNADA_LOKI")?
        .unzip();
    tracing_subscriber::registry()
        .with(EnvFilter::try_new(&config.filter).context("JORNADA_LOG")?)
        .with(filter_fn(may_be_told))
        .with(lines(config.format, writer))
        .with(gate)
        .try_init()
        .context("cannot start the log")?;
    let loki = pusher.map(|pusher| {
        let stop = CancellationToken::new();
        (stop.clone(), tokio::spawn(pusher.run(stop)))
    });
    Ok(Logs {
        dropped,
        loki,
        _output: output,
    })
}

impl Logs {
    /// Lines that were left out, by reason; for the role's registry of metrics.
    #[must_use]
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// Gives Loki what it has not got yet, for 2 s at most, and writes out the rest of standard output.
    pub async fn end(self) {
        if let Some((stop, pusher)) = self.loki {
            stop.cancel();
            tokio::time::timeout(LAST_PUSH, pusher).await.ok();
        }
    }
}

/// Whatever the filter says: below a warning, the lines of other crates hold whole requests, with addresses and keys.
fn may_be_told(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || metadata.target().starts_with(TARGET)
}

/// Standard output, in the format that was set or that its reader needs.
fn lines<S>(format: Option<LogFormat>, writer: Writer) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let on_terminal = std::io::stdout().is_terminal();
    let text = match format {
        Some(format) => format == LogFormat::Text,
        None => on_terminal,
    };
    let lines = fmt::layer().with_writer(Arc::new(writer));
    if text {
        lines.with_target(false).with_ansi(on_terminal).boxed()
    } else {
        lines
            .fmt_fields(JsonFields::new())
            .event_format(json::JsonLine)
            .boxed()
    }
}
