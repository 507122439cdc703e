//! Server-sent events of totals: at most two a second, and slower as they grow.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::web::event_clients::EventClient;
use jornada_service::tally::live_totals::TotalsView;

/// Interval of keep-alive messages while nothing changes.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Minimum time between two events.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum average rate of one client, in bytes per second.
const MAX_RATE: u32 = 20_000;

/// One event.
#[derive(Debug)]
pub(super) struct Message {
    /// Name; `None` for the default of browsers, "message".
    pub(super) name: Option<&'static str>,
    /// One line of JSON.
    pub(super) data: String,
}

struct PacedTotals<F> {
    totals: watch::Receiver<Option<Arc<TotalsView>>>,
    messages: F,
    next_at: Instant,
    /// Counted while the stream lives.
    _client: EventClient,
}

/// Returns a response with the messages for each change of the totals, beginning with the present ones. What changes
/// while a client has to wait is told at once afterwards.
pub(super) fn respond<F>(
    mut totals: watch::Receiver<Option<Arc<TotalsView>>>,
    client: EventClient,
    stop: impl Future<Output = ()> + Send + 'static,
    messages: F,
) -> Response
where
    F: FnMut(&Arc<TotalsView>) -> Vec<Message> + Send + 'static,
{
    totals.mark_changed();
    let paced = PacedTotals {
        totals,
        messages,
        next_at: Instant::now(),
        _client: client,
    };
    let events = into_events(paced).take_until(Box::pin(stop));
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    ([unbuffered], events).into_response()
}

fn into_events<F>(paced: PacedTotals<F>) -> impl Stream<Item = Result<Event, Infallible>>
where
    F: FnMut(&Arc<TotalsView>) -> Vec<Message>,
{
    let event = |message: Message| {
        let named = match message.name {
            Some(name) => Event::default().event(name),
            None => Event::default(),
        };
        Ok(named.data(message.data))
    };
    stream::unfold(paced, next_messages)
        .flat_map(move |messages| stream::iter(messages.into_iter().map(event)))
}

async fn next_messages<F>(mut paced: PacedTotals<F>) -> Option<(Vec<Message>, PacedTotals<F>)>
where
    F: FnMut(&Arc<TotalsView>) -> Vec<Message>,
{
    loop {
        paced.totals.changed().await.ok()?;
        tokio::time::sleep_until(paced.next_at).await;
        let latest = paced.totals.borrow_and_update().clone();
        let Some(totals) = latest else { continue };
        let messages = (paced.messages)(&totals);
        if !messages.is_empty() {
            let bytes = messages.iter().map(|message| message.data.len()).sum();
            paced.next_at = Instant::now() + pause_after(bytes);
            return Some((messages, paced));
        }
    }
}

/// Returns the time until the next event after this many bytes.
fn pause_after(bytes: usize) -> Duration {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    (Duration::from_secs(1) * bytes / MAX_RATE).max(MIN_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_events_are_rarer() {
        assert_eq!(pause_after(0), Duration::from_millis(500));
        assert_eq!(pause_after(10_000), Duration::from_millis(500));
        assert_eq!(pause_after(60_000), Duration::from_secs(3));
    }
}
