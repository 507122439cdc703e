//! gRPC through the shipped nginx.conf.

use jornada_proto::v1::votes_client::VotesClient;
use jornada_proto::v1::{Status, Vote, VoteBatch};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::nginx::Nginx;
use tokio_stream::StreamExt;
use tonic::{Code, Request};

use crate::grpc::{connect, vote, wait_for_total};

fn address(app: &RunningInstance) -> &str {
    let address = app.grpc.trim_start_matches("http://");
    address.trim_end_matches('/')
}

/// An address without limits, which a client claims to have.
const CLAIMED: &str = "192.0.2.1";

fn claiming(vote: Vote) -> Request<Vote> {
    let mut request = Request::new(vote);
    let address = CLAIMED.parse().unwrap();
    request.metadata_mut().insert("x-client-address", address);
    request
}

#[tokio::test]
async fn votes_pass_through_nginx() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_EXEMPT", CLAIMED);
    installation.set("JORNADA_LIMIT_VOTES", "12003+1");
    let app = installation.start().await;
    let nginx = Nginx::start_with_grpc(&["127.0.0.1:1"], &[address(&app)]).await;
    let contest = &installation.contest;
    let mut client = VotesClient::new(connect(&nginx.grpc).await);
    let one = client.cast(claiming(vote(contest, "nginx-key", "Shakira")));
    let one = one.await.unwrap().into_inner();
    assert_eq!(one.status(), Status::Stored);
    let batch = VoteBatch {
        campaign: contest.clone(),
        votes: (0..10_000).map(|_| vote("", "", "Shakira")).collect(),
        ..VoteBatch::default()
    };
    let batch = client.cast_batch(batch).await.unwrap().into_inner();
    assert_eq!(batch.accepted, 10_000);
    let campaign = contest.clone();
    let votes = (0..2_000).map(move |_| vote(&campaign, "", "Shakira"));
    let outcomes = client.cast_stream(tokio_stream::iter(votes)).await.unwrap();
    let outcomes: Vec<_> = outcomes.into_inner().collect().await;
    assert_eq!(outcomes.len(), 2_000);
    assert!(
        outcomes
            .iter()
            .all(|one| one.as_ref().is_ok_and(|one| one.status() == Status::Stored))
    );
    for expected in [Code::InvalidArgument, Code::NotFound] {
        let id = if expected == Code::NotFound {
            "nowhere"
        } else {
            contest
        };
        let refused = client.cast(vote(id, "", "")).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{refused:?}");
    }
    let mut last = client.cast(claiming(vote(contest, "", "Shakira"))).await;
    for _ in 0..3 {
        last = client.cast(claiming(vote(contest, "", "Shakira"))).await;
    }
    let limited = last.unwrap_err().code();
    assert_eq!(limited, Code::ResourceExhausted, "whatever it claims");
    wait_for_total(&app, contest, 12_002).await;
    app.wait_until("nginx logs calls", async |_| {
        let mut lines = nginx.log().into_iter();
        lines.any(|line| line["route"] == "/jornada.v1.Votes/CastStream")
    })
    .await;
}

#[tokio::test]
async fn a_dead_instance_costs_no_vote() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let nginx = Nginx::start_with_grpc(&["127.0.0.1:1"], &["127.0.0.1:1", address(&app)]).await;
    let mut client = VotesClient::new(connect(&nginx.grpc).await);
    for _ in 0..20 {
        client
            .cast(vote(&installation.contest, "", "Shakira"))
            .await
            .unwrap();
    }
    wait_for_total(&app, &installation.contest, 20).await;
    drop(app);
    let refused = client
        .cast(vote(&installation.contest, "", "Shakira"))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
}
