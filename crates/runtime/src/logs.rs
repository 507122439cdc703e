//! Logging to standard output (text on a terminal, else JSON) and to Loki. Neither may slow a request or use unbounded
//! memory: lines they cannot take are dropped and counted. No line contains a name, document number, key or token.

mod batch_layer;
mod dropped;
mod json;
mod loki;
mod push_errors;
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

pub use dropped::DroppedLines;
pub use setting::{LogFormat, LogsConfig};
use stdout::{LineSender, OutputGuard};

/// Prefix of the targets of this project's own lines.
const TARGET: &str = "jornada";

/// Timeout of the last push to Loki at shutdown.
const LAST_PUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Log of this process. A role ends it with [`Logs::shut_down`]; dropping it only writes buffered lines to standard
/// output.
#[derive(Debug)]
pub struct Logs {
    dropped: DroppedLines,
    loki: Option<(CancellationToken, JoinHandle<()>)>,
    _output: OutputGuard,
}

/// Starts the log, once per process and inside its runtime. `service` is a label in Loki.
pub fn start(config: &LogsConfig, service: &'static str) -> anyhow::Result<Logs> {
    let dropped = DroppedLines::new().context("cannot count log lines")?;
    let (writer, output) = stdout::start(dropped.clone()).context("cannot start the log")?;
    let (layer, pusher) = config
        .loki
        .as_ref()
        .map(|url| loki::create(url, service, &config.instance, &dropped))
        .transpose()
        .context("JORNADA_LOKI")?
        .unzip();
    tracing_subscriber::registry()
        .with(EnvFilter::try_new(&config.filter).context("JORNADA_LOG")?)
        .with(filter_fn(is_loggable))
        .with(stdout_layer(config.format, writer))
        .with(layer)
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
    /// Returns the counters of dropped lines, for the metrics of the role.
    pub fn dropped(&self) -> &DroppedLines {
        &self.dropped
    }

    /// Pushes buffered lines to Loki, for up to 2 s, and writes the rest to standard output.
    pub async fn shut_down(self) {
        if let Some((stop, pusher)) = self.loki {
            stop.cancel();
            tokio::time::timeout(LAST_PUSH_TIMEOUT, pusher).await.ok();
        }
    }
}

/// Returns whether a line may be logged, whatever the filter. Below `WARN`, lines of other crates contain whole
/// requests with addresses and keys.
fn is_loggable(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || metadata.target().starts_with(TARGET)
}

/// Returns the layer for standard output, by default as text on a terminal, else as JSON.
fn stdout_layer<S>(format: Option<LogFormat>, writer: LineSender) -> Box<dyn Layer<S> + Send + Sync>
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
