//! How much of a body the multipart parser may gather before it hands out a part or a piece of one. It has no bound of its
//! own: headers or a preamble without end would be gathered whole, and searched from their beginning with every piece.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

/// Most bytes that are gathered; what the network brings at once may go past it.
const MOST_BYTES: usize = 256 * 1024;

/// Counts what the parser holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered(Arc<AtomicUsize>);

impl Gathered {
    /// The parser handed something out.
    pub(super) fn handed_out(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The same body, one piece at a time, ending with an error once too much of it is gathered.
    pub(super) fn bound(&self, body: Body) -> Body {
        let start = (body.into_data_stream(), self.clone());
        Body::from_stream(stream::unfold(start, |(mut pieces, gathered)| async move {
            // The parser takes whatever is ready before it looks at any of it.
            tokio::task::yield_now().await;
            let piece = pieces.next().await?;
            let piece = piece.and_then(|piece| gathered.add(piece));
            Some((piece, (pieces, gathered)))
        }))
    }

    fn add(&self, piece: Bytes) -> Result<Bytes, axum::Error> {
        if self.0.fetch_add(piece.len(), Ordering::Relaxed) > MOST_BYTES {
            return Err(axum::Error::new("too much of a body without a part"));
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_handed_out_is_not_counted_and_what_is_not_ends_the_body() {
        let piece = || Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'a'; 64 * 1024]));
        for (hands_out, most) in [(true, 100), (false, 5)] {
            let gathered = Gathered::default();
            let endless = Body::from_stream(stream::repeat_with(piece).take(100));
            let mut bounded = gathered.bound(endless).into_data_stream();
            let mut taken = 0;
            while let Some(Ok(_)) = bounded.next().await {
                taken += 1;
                if hands_out {
                    gathered.handed_out();
                }
            }
            assert_eq!(taken, most);
        }
    }
}
