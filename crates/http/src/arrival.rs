//! Time limit of a body: it may take long as long as bytes come, because the networks of many people are slow.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::budget::UploadReservation;
use crate::upload_error::{MalformedBody, UploadError};

/// Time that a body may be behind its minimum rate, for example during a pause.
const MAX_LAG: Duration = Duration::from_secs(20);
/// Minimum rate in bytes per second.
const MIN_RATE: u32 = 1024;
/// Timeout for the whole body.
const BODY_TIMEOUT: Duration = Duration::from_mins(10);

/// Time limit of one body.
#[derive(Clone, Copy, Debug)]
pub struct ArrivalLimit {
    started: Instant,
    deadline: Instant,
}

impl ArrivalLimit {
    /// Starts at the head of a request.
    pub fn start(started: Instant) -> Self {
        Self {
            started,
            deadline: started + MAX_LAG,
        }
    }

    /// Returns when the body is late if nothing more comes.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Counts bytes that have come: each second of the minimum rate moves the deadline by a second.
    pub fn add(&mut self, bytes: usize, now: Instant) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(1) * bytes / MIN_RATE;
        let latest = (now + MAX_LAG).min(self.started + BODY_TIMEOUT);
        self.deadline = (self.deadline + earned).min(latest);
    }

    /// Returns whether the body needs one of the places for slow ones.
    pub fn is_slow(&self, now: Instant) -> bool {
        now >= self.started + MAX_LAG
    }

    /// Waits for the next bytes of a body; `None` at its end.
    ///
    /// # Errors
    /// [`UploadError::BodyTimeout`], also if there are too many slow bodies; [`MalformedBody::Incomplete`] if it breaks.
    pub async fn next_piece(
        &mut self,
        body: &mut Body,
        reservation: &mut UploadReservation,
    ) -> Result<Option<Bytes>, UploadError> {
        let piece = self.next(body).await?;
        if piece.is_some() && self.is_slow(Instant::now()) {
            reservation.become_slow()?;
        }
        Ok(piece)
    }

    /// Like [`Self::next_piece`], for short bodies, which cannot be slow for long.
    pub async fn next(&mut self, body: &mut Body) -> Result<Option<Bytes>, UploadError> {
        loop {
            let frame = timeout_at(self.deadline, body.frame()).await;
            let Some(frame) = frame.map_err(|_| UploadError::BodyTimeout)? else {
                return Ok(None);
            };
            let frame = frame.map_err(|_| UploadError::Malformed(MalformedBody::Incomplete))?;
            if let Ok(piece) = frame.into_data() {
                self.add(piece.len(), Instant::now());
                return Ok(Some(piece));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a body of pieces with pauses before them, in seconds, arrives, and how long it takes.
    fn arrive(pieces: &[(u32, usize)]) -> (bool, u64) {
        let start = Instant::now();
        let (mut limit, mut now) = (ArrivalLimit::start(start), start);
        for (pause, bytes) in pieces {
            now += Duration::from_secs(1) * *pause;
            if now > limit.deadline() {
                return (false, (limit.deadline() - start).as_secs());
            }
            limit.add(*bytes, now);
        }
        (true, (now - start).as_secs())
    }

    #[test]
    fn a_body_arrives_as_long_as_bytes_come() {
        for (kilobytes_per_second, kilobytes) in [(2, 375), (13, 375), (27, 8_000)] {
            let seconds = kilobytes / kilobytes_per_second;
            let pieces = vec![(1, kilobytes_per_second * 1_024); seconds];
            assert_eq!(arrive(&pieces), (true, seconds as u64));
        }
        let mut paused = vec![(1, 2_048); 60];
        paused[20].0 = 15;
        paused[45].0 = 15;
        assert!(arrive(&paused).0);
        assert!(arrive(&[]).0);
    }

    #[test]
    fn a_body_that_creeps_or_stops_is_cut() {
        for (pieces, seconds) in [
            (vec![(30, 1)], 20),
            (vec![(1, 1); 900], 20),
            (vec![(1, 512); 900], 39),
            (vec![(1, 1 << 20), (60, 1)], 21),
            (vec![(1, 1_100); 900], 600),
        ] {
            let (arrived, cut_after) = arrive(&pieces);
            assert!(!arrived);
            assert!((seconds..=seconds + 1).contains(&cut_after), "{cut_after}");
        }
    }

    #[test]
    fn a_body_is_slow_after_the_usual_time() {
        let start = Instant::now();
        let mut limit = ArrivalLimit::start(start);
        limit.add(8 << 20, start);
        assert!(!limit.is_slow(start + MAX_LAG - Duration::from_millis(1)));
        assert!(limit.is_slow(start + MAX_LAG));
        limit.add(usize::MAX, start);
        assert_eq!(limit.deadline(), start + MAX_LAG);
    }
}
