//! Layer in front of tracing-loki that limits the lines per batch. See [`super::loki`] for the reason.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::Dropped;

/// Maximum number of lines per batch. The channel of tracing-loki holds 512 and silently drops more; one slot is needed
/// for its shutdown message.
pub(super) const BATCH_LINES: usize = 500;
/// Maximum length of a line in bytes. Ours are far shorter; a chain of causes might not be.
const LINE_BYTES: usize = 16 << 10;

/// Layer that adds lines to the open batch, or counts them as dropped.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    batch: RwLock<Batch>,
    full: Notify,
    dropped: Dropped,
}

struct Batch {
    layer: tracing_loki::Layer,
    /// Lines offered to the batch; those beyond [`BATCH_LINES`] were dropped.
    came: AtomicUsize,
}

impl Batch {
    fn new(layer: tracing_loki::Layer) -> Self {
        Self {
            layer,
            came: AtomicUsize::new(0),
        }
    }

    fn lines(&self) -> usize {
        self.came.load(Ordering::Relaxed).min(BATCH_LINES)
    }
}

impl Gate {
    /// Opens the first batch.
    pub(super) fn new(layer: tracing_loki::Layer, dropped: Dropped) -> Self {
        Self(Arc::new(Inner {
            batch: RwLock::new(Batch::new(layer)),
            full: Notify::new(),
            dropped,
        }))
    }

    /// Replaces the open batch and returns the number of lines in the old one. The write lock ensures that no line is
    /// being added to it.
    pub(super) fn change(&self, layer: tracing_loki::Layer) -> usize {
        let mut batch = self.0.batch.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *batch, Batch::new(layer)).lines()
    }

    /// Returns the number of lines in the open batch.
    pub(super) fn lines(&self) -> usize {
        self.with(Batch::lines)
    }

    /// Completes when a batch is full.
    pub(super) async fn full(&self) {
        self.0.full.notified().await;
    }

    fn with<T>(&self, act: impl FnOnce(&Batch) -> T) -> T {
        act(&self.0.batch.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reserves a slot for a line. Returns `false` if the line is dropped.
    fn admit(&self, batch: &Batch, event: &Event<'_>) -> bool {
        // Check first, so that a full batch is cheap and the counter cannot overflow.
        let is_full = || batch.came.load(Ordering::Relaxed) >= BATCH_LINES;
        if is_full() {
            self.0.dropped.loki_full.inc();
            return false;
        }
        if length(event) > LINE_BYTES {
            self.0.dropped.loki_long.inc();
            return false;
        }
        let place = batch.came.fetch_add(1, Ordering::Relaxed);
        if place + 1 == BATCH_LINES {
            self.0.full.notify_one();
        }
        if place >= BATCH_LINES {
            self.0.dropped.loki_full.inc();
        }
        place < BATCH_LINES
    }
}

impl<S> Layer<S> for Gate
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Forward every span, whether lines are accepted or not: tracing-loki panics on a line in a span it has not seen.
    // What it stores per span is the same for each of its layers.
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.with(|batch| batch.layer.on_new_span(attributes, id, context));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.with(|batch| batch.layer.on_record(id, values, context));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.with(|batch| {
            if self.admit(batch, event) {
                batch.layer.on_event(event, context);
            }
        });
    }
}

/// Estimates the length of a line in bytes, from its texts.
fn length(event: &Event<'_>) -> usize {
    let mut length = Length(0);
    event.record(&mut length);
    length.0
}

struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

impl Visit for Length {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0 += value.len();
    }

    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        write!(self, "{value:?}").ok();
    }
}
