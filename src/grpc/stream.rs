//! A stream of votes. Those that have arrived are cast together, without a timer; a full stream is not read further.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use jornada_proto::v1::{Outcome, Vote};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tracing::{Instrument, Span};

use super::caller::Caller;
use super::message::{campaign, other_campaign, size, to_received};
use super::outcome::outcome;
use super::refusal;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::votes::require_answer;
use jornada_domain::{Campaign, Door};
use jornada_http::budget::UploadReservation;
use jornada_service::votes::CastError;

/// Maximum number of votes of a stream that have no outcome yet.
const MAX_IN_FLIGHT: usize = 1_000;
/// Maximum size of these votes in memory, by [`size`], except for the last one.
const MAX_BYTES_IN_FLIGHT: usize = 1 << 20;
/// Time for the next vote.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// Time for the client to take outcomes.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Age at which a stream ends, so that it moves to a new connection.
pub const MAX_AGE: Duration = Duration::from_mins(10);

type Outcomes = Vec<Result<Outcome, Status>>;

/// Casts the votes of a stream, and returns an outcome for each.
pub fn cast(
    app: &AppState,
    caller: Caller,
    votes: Streaming<Vote>,
) -> BoxStream<'static, Result<Outcome, Status>> {
    // One message of outcomes, and room for the status.
    let (sender, outcomes) = mpsc::channel::<Outcomes>(2);
    let last = sender.clone().try_reserve_owned();
    let age = Instant::now() + MAX_AGE;
    let work = StreamWork {
        ends_at: caller.deadline().map_or(age, |deadline| deadline.min(age)),
        reservation: app.uploads.start_reservation(),
        app: app.clone(),
        caller,
        sender,
        votes,
        end: None,
        next_index: 0,
        in_flight: 0,
        bytes: 0,
        is_abandoned: false,
    };
    let work = async move {
        if let Err(status) = work.run().await
            && let Ok(last) = last
        {
            last.send(vec![Err(status)]);
        }
    };
    // Votes that were read are cast, whether or not the client waits.
    app.writes.spawn(work.instrument(Span::current()));
    ReceiverStream::new(outcomes).flat_map(stream::iter).boxed()
}

struct StreamWork {
    app: AppState,
    caller: Caller,
    sender: mpsc::Sender<Outcomes>,
    votes: Streaming<Vote>,
    /// End of the votes that was read together with the last ones.
    end: Option<Result<(), Status>>,
    /// Deadline of the client, or of the stream.
    ends_at: Instant,
    next_index: u64,
    in_flight: usize,
    bytes: usize,
    /// Memory of the votes in flight.
    reservation: UploadReservation,
    /// Whether the client takes no outcomes any more.
    is_abandoned: bool,
}

/// Votes that arrived together, with their positions.
type Chunk = Vec<(u64, Vote)>;

/// Outcomes of votes of one campaign.
struct CastGroup {
    outcomes: Outcomes,
    votes: usize,
    bytes: usize,
    /// Why the stream cannot go on.
    refusal: Option<Status>,
}

impl StreamWork {
    /// Reads and casts votes until the stream ends, and answers all that were read.
    async fn run(mut self) -> Result<(), Status> {
        let mut groups = FuturesUnordered::new();
        let mut ended = loop {
            let may_read = self.in_flight < MAX_IN_FLIGHT && self.bytes < MAX_BYTES_IN_FLIGHT;
            tokio::select! {
                biased;
                Some(group) = groups.next(), if !groups.is_empty() => {
                    if let Err(status) = self.answer(group).await {
                        break Err(status);
                    }
                }
                read = self.read(), if may_read => match read {
                    Ok(chunk) if chunk.is_empty() => break Ok(()),
                    Ok(chunk) => match self.start(chunk) {
                        Ok(started) => groups.extend(started),
                        Err(status) => break Err(status),
                    },
                    Err(status) => break Err(status),
                },
            }
        };
        while let Some(group) = groups.next().await {
            ended = ended.and(self.answer(group).await);
        }
        ended
    }

    /// Waits for votes, and returns all that have arrived; none at the end of the stream.
    async fn read(&mut self) -> Result<Chunk, Status> {
        if let Some(end) = self.end.take() {
            return end.map(|()| Chunk::new());
        }
        let lang = self.caller.lang();
        let first = tokio::select! {
            biased;
            () = self.sender.closed() => return Err(Status::cancelled("the client is gone")),
            () = self.app.stop.cancelled() => return Err(refusal::interrupted(lang)),
            () = sleep_until(self.ends_at.into()) => return Err(self.expired()),
            read = timeout(IDLE_TIMEOUT, self.votes.message()) => {
                read.map_err(|_| refusal::interrupted(lang))?
            }
        };
        let mut chunk = Chunk::new();
        let mut next = Some(first.transpose());
        while let Some(read) = next {
            match read {
                Some(Ok(vote)) => self.add(&mut chunk, vote),
                Some(Err(status)) => self.end = Some(Err(self.malformed(status))),
                None => self.end = Some(Ok(())),
            }
            let is_full = self.in_flight >= MAX_IN_FLIGHT || self.bytes >= MAX_BYTES_IN_FLIGHT;
            next = if is_full || self.end.is_some() {
                None
            } else {
                self.votes.next().now_or_never()
            };
        }
        match self.end.take_if(|_| chunk.is_empty()) {
            Some(end) => end.map(|()| chunk),
            None => Ok(chunk),
        }
    }

    fn add(&mut self, chunk: &mut Chunk, vote: Vote) {
        self.in_flight += 1;
        self.bytes += size(&vote);
        chunk.push((self.next_index, vote));
        self.next_index += 1;
    }

    fn expired(&self) -> Status {
        let deadline = self.caller.deadline();
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            refusal::deadline_passed()
        } else {
            refusal::interrupted(self.caller.lang())
        }
    }

    /// Replaces tonic's error for a message that is too large.
    fn malformed(&self, status: Status) -> Status {
        if status.code() == Code::OutOfRange {
            self.caller.refuse(&Error::TextTooLarge)
        } else {
            status
        }
    }

    /// Starts casting votes, those of each campaign together.
    fn start(&mut self, chunk: Chunk) -> Result<Vec<BoxFuture<'static, CastGroup>>, Status> {
        let reserved = self.reservation.resize(self.bytes);
        reserved.map_err(|_| self.caller.refuse(&Error::Busy))?;
        let mut campaigns: BTreeMap<String, Chunk> = BTreeMap::new();
        for (index, mut vote) in chunk {
            let id = std::mem::take(&mut vote.campaign);
            campaigns.entry(id).or_default().push((index, vote));
        }
        let groups = campaigns.into_iter().map(|(id, votes)| {
            let bytes = votes.iter().map(|(_, vote)| size(vote) + id.len()).sum();
            match campaign(&self.app, &id) {
                Ok(campaign) => {
                    let (app, caller) = (self.app.clone(), self.caller.clone());
                    cast_group(app, caller, campaign, votes, bytes).boxed()
                }
                Err(_) => std::future::ready(self.unknown_campaign(&votes, bytes)).boxed(),
            }
        });
        Ok(groups.collect())
    }

    fn unknown_campaign(&self, votes: &Chunk, bytes: usize) -> CastGroup {
        let cast = Err(CastError::Invalid(vec![other_campaign(None)]));
        let lang = self.caller.lang();
        let outcomes = votes
            .iter()
            .map(|(index, _)| Ok(outcome(*index, &cast, lang)));
        CastGroup {
            outcomes: outcomes.collect(),
            votes: votes.len(),
            bytes,
            refusal: None,
        }
    }

    /// Sends outcomes to the client.
    async fn answer(&mut self, group: CastGroup) -> Result<(), Status> {
        self.in_flight -= group.votes;
        self.bytes -= group.bytes;
        self.reservation.resize(self.bytes).ok();
        if let Some(refusal) = group.refusal {
            return Err(refusal);
        }
        if !self.is_abandoned {
            let sent = self.sender.send_timeout(group.outcomes, SEND_TIMEOUT).await;
            self.is_abandoned = sent.is_err();
        }
        if self.is_abandoned {
            return Err(refusal::interrupted(self.caller.lang()));
        }
        Ok(())
    }
}

async fn cast_group(
    app: AppState,
    caller: Caller,
    campaign: Arc<Campaign>,
    chunk: Chunk,
    bytes: usize,
) -> CastGroup {
    let count = chunk.len();
    let outcomes = cast_chunk(&app, &caller, &campaign, chunk).await;
    let (outcomes, refusal) = match outcomes {
        Ok(outcomes) => (outcomes, None),
        Err(status) => (Outcomes::new(), Some(status)),
    };
    CastGroup {
        outcomes,
        votes: count,
        bytes,
        refusal,
    }
}

async fn cast_chunk(
    app: &AppState,
    caller: &Caller,
    campaign: &Arc<Campaign>,
    chunk: Chunk,
) -> Result<Outcomes, Status> {
    let now = Timestamp::now();
    caller.admit(app, campaign, chunk.len(), now).await?;
    let (indexes, votes): (Vec<_>, Vec<_>) = chunk.into_iter().unzip();
    let votes = votes.into_iter().map(|vote| to_received(vote, None));
    let votes = votes.collect();
    let cast = app.votes.cast_all(campaign, Door::Grpc, votes, now).await;
    require_answer(&cast, campaign).map_err(|error| caller.refuse(&error))?;
    let outcomes = indexes.into_iter().zip(&cast);
    let outcomes = outcomes.map(|(index, cast)| Ok(outcome(index, cast, caller.lang())));
    Ok(outcomes.collect())
}
