//! Captures push errors of tracing-loki, which reports them only as tracing events.

use std::fmt::Debug;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Subscriber for the duration of one push. Clones share the error.
#[derive(Clone, Debug, Default)]
pub(super) struct PushErrorListener(Arc<Mutex<Option<String>>>);

impl PushErrorListener {
    /// Returns and clears the error of the push.
    pub(super) fn take_error(&self) -> Option<String> {
        self.0.lock().take()
    }
}

impl Subscriber for PushErrorListener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("tracing_loki")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::ERROR)
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut ErrorVisitor(self));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct ErrorVisitor<'a>(&'a PushErrorListener);

impl Visit for ErrorVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "error" {
            *self.0.0.lock() = Some(format!("{value:?}"));
        }
    }
}
