//! What decides which lines tracing-loki gets: its layer, behind a count. See [`super::loki`] for why.

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

/// Lines of one batch. The channel of tracing-loki has 512 places, and what comes past them it loses without a word; one
/// place is for the word that ends the batch.
pub(super) const BATCH_LINES: usize = 500;
/// Most bytes of one line. Ours are far shorter; a chain of causes might not be.
const LINE_BYTES: usize = 16 << 10;

/// The batch that is open; every line goes into it, or is counted as left out.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    batch: RwLock<Batch>,
    full: Notify,
    dropped: Dropped,
}

struct Batch {
    layer: tracing_loki::Layer,
    /// Lines that wanted in; those past [`BATCH_LINES`] did not get in.
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
    /// Opens a first batch.
    pub(super) fn new(layer: tracing_loki::Layer, dropped: Dropped) -> Self {
        Self(Arc::new(Inner {
            batch: RwLock::new(Batch::new(layer)),
            full: Notify::new(),
            dropped,
        }))
    }

    /// Ends the open batch and opens another; answers how many lines are in the one that ended. No line is being added to
    /// it any more: whoever adds holds the lock.
    pub(super) fn change(&self, layer: tracing_loki::Layer) -> usize {
        let mut batch = self.0.batch.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *batch, Batch::new(layer)).lines()
    }

    /// Lines of the open batch.
    pub(super) fn lines(&self) -> usize {
        self.with(Batch::lines)
    }

    /// Ends once a batch is full.
    pub(super) async fn full(&self) {
        self.0.full.notified().await;
    }

    fn with<T>(&self, act: impl FnOnce(&Batch) -> T) -> T {
        act(&self.0.batch.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a line in; whether there is a place for it.
    fn admit(&self, batch: &Batch, event: &Event<'_>) -> bool {
        // Read first, so that a full batch costs a look and the count cannot run over.
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
    // Every span, whether lines get in or not: tracing-loki panics over a line in a span that it was not shown. What
    // it notes is the same in each of its layers.
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

/// Bytes of the texts of a line; numbers and names are few.
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
