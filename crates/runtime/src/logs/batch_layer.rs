//! Layer in front of tracing-loki that limits the lines per batch. See [`super::loki`] for the reason.

use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::DroppedLines;

/// Maximum number of lines per batch. The channel of tracing-loki holds 512 and silently drops more; one slot is needed
/// for its shutdown message.
pub(super) const MAX_BATCH_LINES: usize = 500;
/// Maximum length of a line in bytes. Only a long chain of causes may exceed it.
const MAX_LINE_BYTES: usize = 16 << 10;

/// Layer that adds lines to the open batch, or counts them as dropped.
#[derive(Clone)]
pub(super) struct BatchLayer(Arc<BatchState>);

struct BatchState {
    batch: RwLock<OpenBatch>,
    full: Notify,
    dropped: DroppedLines,
}

struct OpenBatch {
    layer: tracing_loki::Layer,
    /// Lines offered to the batch; those beyond [`MAX_BATCH_LINES`] were dropped.
    offered: AtomicUsize,
}

impl OpenBatch {
    fn new(layer: tracing_loki::Layer) -> Self {
        Self {
            layer,
            offered: AtomicUsize::new(0),
        }
    }

    fn line_count(&self) -> usize {
        self.offered.load(Ordering::Relaxed).min(MAX_BATCH_LINES)
    }
}

impl BatchLayer {
    /// Opens the first batch.
    pub(super) fn new(layer: tracing_loki::Layer, dropped: DroppedLines) -> Self {
        Self(Arc::new(BatchState {
            batch: RwLock::new(OpenBatch::new(layer)),
            full: Notify::new(),
            dropped,
        }))
    }

    /// Replaces the open batch and returns the number of lines in the old one. The write lock ensures that no line is
    /// being added to it.
    pub(super) fn replace_batch(&self, layer: tracing_loki::Layer) -> usize {
        let mut batch = self.0.batch.write();
        std::mem::replace(&mut *batch, OpenBatch::new(layer)).line_count()
    }

    /// Returns the number of lines in the open batch.
    pub(super) fn line_count(&self) -> usize {
        self.0.batch.read().line_count()
    }

    /// Completes when a batch is full.
    pub(super) async fn wait_until_full(&self) {
        self.0.full.notified().await;
    }

    /// Reserves a slot for a line. Returns `false` if the line is dropped.
    fn reserve_slot(&self, batch: &OpenBatch, event: &Event<'_>) -> bool {
        // Check first, so that a full batch is cheap and the counter cannot overflow.
        if batch.line_count() == MAX_BATCH_LINES {
            self.0.dropped.loki_full.inc();
            return false;
        }
        if text_length(event) > MAX_LINE_BYTES {
            self.0.dropped.loki_long.inc();
            return false;
        }
        let place = batch.offered.fetch_add(1, Ordering::Relaxed);
        if place + 1 == MAX_BATCH_LINES {
            self.0.full.notify_one();
        }
        if place >= MAX_BATCH_LINES {
            self.0.dropped.loki_full.inc();
        }
        place < MAX_BATCH_LINES
    }
}

impl<S> Layer<S> for BatchLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Forward every span, whether lines are accepted or not: tracing-loki panics on a line in a span it has not seen.
    // Each of its layers stores the same data per span.
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let batch = self.0.batch.read();
        batch.layer.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let batch = self.0.batch.read();
        batch.layer.on_record(id, values, context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let batch = self.0.batch.read();
        if self.reserve_slot(&batch, event) {
            batch.layer.on_event(event, context);
        }
    }
}

/// Estimates the length of a line in bytes, from its texts.
fn text_length(event: &Event<'_>) -> usize {
    let mut length = LengthVisitor(0);
    event.record(&mut length);
    length.0
}

struct LengthVisitor(usize);

impl Write for LengthVisitor {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

impl Visit for LengthVisitor {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0 += value.len();
    }

    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        write!(self, "{value:?}").ok();
    }
}
