//! Limit on what the multipart parser buffers before it returns a part or a chunk. The parser has none: it would buffer
//! endless headers or an endless preamble, and search them from the start with every chunk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::budget::UploadReservation;
use crate::upload_error::UploadError;

/// Maximum number of buffered bytes; a single large chunk may exceed it.
const MAX_BUFFERED_BYTES: usize = 256 * 1024;

/// Counter of the bytes in the parser.
#[derive(Clone, Debug, Default)]
pub(super) struct ParserBuffer(Arc<BufferUsage>);

#[derive(Debug, Default)]
struct BufferUsage {
    bytes: AtomicUsize,
    out_of_memory: AtomicBool,
}

impl ParserBuffer {
    /// Resets the counter after the parser returned something.
    pub(super) fn reset(&self) {
        self.0.bytes.store(0, Ordering::Relaxed);
    }

    /// Returns why the body was ended, if not because of the body itself.
    pub(super) fn end_cause(&self) -> Option<UploadError> {
        let ran_short = self.0.out_of_memory.load(Ordering::Relaxed);
        ran_short.then_some(UploadError::Busy)
    }

    /// Returns the body chunk by chunk. It ends with an error if too much is buffered or memory is insufficient.
    pub(super) fn limit(&self, body: Body, reservation: UploadReservation) -> Body {
        let start = (body.into_data_stream(), self.clone(), reservation);
        let pieces = stream::unfold(
            start,
            |(mut pieces, gathered, mut reservation)| async move {
                // Yield, because the parser takes everything that is ready before it parses any of it.
                tokio::task::yield_now().await;
                let piece = pieces.next().await?;
                let piece = piece.and_then(|piece| gathered.add(piece, &mut reservation));
                Some((piece, (pieces, gathered, reservation)))
            },
        );
        Body::from_stream(pieces)
    }

    fn add(&self, piece: Bytes, reservation: &mut UploadReservation) -> Result<Bytes, axum::Error> {
        let before = self.0.bytes.fetch_add(piece.len(), Ordering::Relaxed);
        if before > MAX_BUFFERED_BYTES {
            return Err(axum::Error::new("too much of a body without a part"));
        }
        if reservation.resize(before + piece.len()).is_err() {
            self.0.out_of_memory.store(true, Ordering::Relaxed);
            return Err(axum::Error::new("no memory for more of a body"));
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use prometheus::IntGauge;

    use super::*;
    use crate::budget::UploadBudget;

    fn budget(bytes: u64) -> UploadBudget {
        UploadBudget::new(bytes, IntGauge::new("in_use", "test").unwrap())
    }

    fn endless() -> Body {
        let piece = || Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'a'; 64 * 1024]));
        Body::from_stream(stream::repeat_with(piece).take(100))
    }

    /// Returns the number of chunks until the end or an error.
    async fn taken(gathered: &ParserBuffer, budget: &UploadBudget, hands_out: bool) -> usize {
        let mut bounded = gathered
            .limit(endless(), budget.start_reservation())
            .into_data_stream();
        let mut taken = 0;
        while let Some(Ok(_)) = bounded.next().await {
            taken += 1;
            if hands_out {
                gathered.reset();
            }
        }
        taken
    }

    #[tokio::test]
    async fn only_buffered_bytes_count_and_too_many_end_the_body() {
        for (hands_out, most) in [(true, 100), (false, 5)] {
            let gathered = ParserBuffer::default();
            assert_eq!(taken(&gathered, &budget(1 << 20), hands_out).await, most);
            assert!(gathered.end_cause().is_none());
        }
    }

    #[tokio::test]
    async fn insufficient_memory_ends_the_body() {
        let gathered = ParserBuffer::default();
        assert_eq!(taken(&gathered, &budget(200 << 10), false).await, 3);
        assert!(matches!(gathered.end_cause(), Some(UploadError::Busy)));
    }
}
