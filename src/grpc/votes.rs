//! The service `jornada.v1.Votes`.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use jornada_proto::v1::votes_server::Votes;
use jornada_proto::v1::{BatchOutcome, Outcome, Vote, VoteBatch};
use tonic::{Request, Response, Status, Streaming};

use super::caller::Caller;
use super::message::{campaign, other_campaign, read_key, size, to_received};
use super::outcome::outcome;
use super::{refusal, stream};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::votes::require_answer;
use crate::web::write_task::run_to_end;
use jornada_domain::Door;
use jornada_service::votes::VoteKey;

/// Implements the service.
#[derive(Clone, Debug)]
pub struct VotesService(pub AppState);

#[tonic::async_trait]
impl Votes for VotesService {
    async fn cast(&self, request: Request<Vote>) -> Result<Response<Outcome>, Status> {
        let (caller, vote) = Caller::split(request)?;
        let app = self.0.clone();
        self.run(async move { cast(&app, &caller, vote).await })
            .await
    }

    async fn cast_batch(
        &self,
        request: Request<VoteBatch>,
    ) -> Result<Response<BatchOutcome>, Status> {
        let (caller, batch) = Caller::split(request)?;
        let app = self.0.clone();
        self.run(async move { cast_batch(&app, &caller, batch).await })
            .await
    }

    type CastStreamStream = BoxStream<'static, Result<Outcome, Status>>;

    async fn cast_stream(
        &self,
        request: Request<Streaming<Vote>>,
    ) -> Result<Response<Self::CastStreamStream>, Status> {
        let (caller, votes) = Caller::split(request)?;
        Ok(Response::new(stream::cast(&self.0, caller, votes)))
    }
}

impl VotesService {
    /// Runs the work of a call to its end, whether or not the client waits.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Status>> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let work = async move {
            let done = AssertUnwindSafe(work).catch_unwind().await;
            done.unwrap_or_else(|_| Err(refusal::panic_status()))
        };
        run_to_end(&self.0.writes, work).await.map(Response::new)
    }
}

async fn cast(app: &AppState, caller: &Caller, vote: Vote) -> Result<Outcome, Status> {
    let now = Timestamp::now();
    let refuse = |error| caller.refuse(&error);
    let campaign = campaign(app, &vote.campaign).map_err(refuse)?;
    caller.admit(app, &campaign, 1, now).await?;
    let vote = to_received(vote, None);
    let cast = app.votes.cast(&campaign, Door::Grpc, vote, now).await;
    let cast = cast.map_err(|error| refuse(Error::from_cast_error(error, &campaign)))?;
    Ok(outcome(0, &Ok(cast), caller.lang()))
}

async fn cast_batch(
    app: &AppState,
    caller: &Caller,
    batch: VoteBatch,
) -> Result<BatchOutcome, Status> {
    let now = Timestamp::now();
    let refuse = |error| caller.refuse(&error);
    let campaign = campaign(app, &batch.campaign).map_err(refuse)?;
    if batch.votes.is_empty() {
        return Err(refuse(Error::TooManyVotes));
    }
    let key = read_key(&batch.idempotency_key).map_err(|error| refuse(Error::Invalid(error)))?;
    let mut reservation = app.uploads.start_reservation();
    let size = batch.votes.iter().map(size).sum();
    let reserved = reservation.resize(size);
    reserved.map_err(|_| refuse(Error::Busy))?;
    caller.admit(app, &campaign, batch.votes.len(), now).await?;
    let votes = batch.votes.into_iter().enumerate().map(|(index, vote)| {
        if !vote.campaign.is_empty() && vote.campaign != campaign.id.as_str() {
            return Err(vec![other_campaign(Some(&campaign))]);
        }
        to_received(vote, key.as_ref().map(|key| VoteKey::of_item(key, index)))
    });
    let votes = votes.collect();
    let cast = app.votes.cast_all(&campaign, Door::Grpc, votes, now).await;
    require_answer(&cast, &campaign).map_err(refuse)?;
    let outcomes = (0..).zip(&cast);
    Ok(BatchOutcome {
        accepted: u32::try_from(cast.iter().flatten().count()).unwrap_or(u32::MAX),
        outcomes: outcomes
            .map(|(index, cast)| outcome(index, cast, caller.lang()))
            .collect(),
    })
}
