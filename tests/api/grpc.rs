//! The gRPC door: each call of the service, what it refuses, health and reflection.

use jornada_proto::v1::votes_client::VotesClient;
use jornada_proto::v1::{Outcome, Status as VoteStatus, Vote, VoteBatch};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt;

/// Connects to a gRPC address.
pub async fn connect(base: &str) -> Channel {
    let endpoint = Endpoint::from_shared(base.to_owned()).unwrap();
    endpoint.connect().await.unwrap()
}

/// Returns a client of an instance.
pub async fn client(app: &RunningInstance) -> VotesClient<Channel> {
    VotesClient::new(connect(&app.grpc).await)
}

/// A valid vote for the contest.
pub fn vote(campaign: &str, key: &str, artist: &str) -> Vote {
    let answers = [("album", "Disco"), ("artista", artist), ("puesto", "1")];
    let answers = answers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Vote {
        campaign: campaign.to_owned(),
        idempotency_key: key.to_owned(),
        answers: answers.into(),
    }
}

/// Waits until this many votes are counted, and no more.
pub async fn wait_for_total(app: &RunningInstance, campaign: &str, total: u64) {
    let path = format!("/api/v1/campaigns/{campaign}/tallies/artista");
    app.wait_until("the votes are counted", async |app| {
        let answer: serde_json::Value = app.get(&path).await.json().await.unwrap_or_default();
        answer["total"] == total
    })
    .await;
}

/// Returns status and number of violations of an outcome.
fn brief(outcome: &Outcome) -> (u64, VoteStatus, usize) {
    (outcome.index, outcome.status(), outcome.violations.len())
}

#[tokio::test]
async fn a_vote_is_stored_once_for_each_key() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut client = client(&app).await;
    let contest = &installation.contest;
    let mut cast = async |vote: Vote| client.cast(vote).await.map(tonic::Response::into_inner);
    let first = cast(vote(contest, "key-0001", "Aterciopelados"))
        .await
        .unwrap();
    assert_eq!(brief(&first), (0, VoteStatus::Stored, 0));
    assert_eq!(first.id.len(), 32);
    let again = cast(vote(contest, "key-0001", "Aterciopelados"))
        .await
        .unwrap();
    assert_eq!(
        (again.status(), &again.id),
        (VoteStatus::AlreadyStored, &first.id)
    );
    let other = cast(vote(contest, "key-0001", "Shakira"))
        .await
        .unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);
    let (one, two) = (vote(contest, "", "Shakira"), vote(contest, "", "Shakira"));
    assert_ne!(cast(one).await.unwrap().id, cast(two).await.unwrap().id);
    let http = app
        .http
        .post(format!("{}/api/v1/campaigns/{contest}/votes", app.base))
        .header("Idempotency-Key", "key-0001")
        .json(&vote(contest, "", "Aterciopelados").answers)
        .send();
    let http = http.await.unwrap();
    assert_eq!(http.status(), 200, "the same key at another door");
    let id: serde_json::Value = http.json().await.unwrap();
    assert_eq!(id["id"], *first.id);
    wait_for_total(&app, contest, 3).await;
}

#[tokio::test]
async fn a_mistake_in_a_batch_leaves_the_others_alone() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut client = client(&app).await;
    let contest = &installation.contest;
    let mut votes = vec![
        vote("", "", "Aterciopelados"),
        vote(contest, "own-key-1", "Shakira"),
        vote(&installation.election, "", "Shakira"),
        vote("", "short", "Shakira"),
        vote("", "", "\0"),
    ];
    votes[3]
        .answers
        .insert("color".to_owned(), "rojo".to_owned());
    let batch = VoteBatch {
        campaign: contest.clone(),
        idempotency_key: "batch-0001".to_owned(),
        votes,
    };
    let mut expected = [
        (0, VoteStatus::Stored, 0),
        (1, VoteStatus::Stored, 0),
        (2, VoteStatus::Invalid, 1),
        (3, VoteStatus::Invalid, 1),
        (4, VoteStatus::Invalid, 1),
    ];
    let first = client.cast_batch(batch.clone()).await.unwrap().into_inner();
    assert_eq!(
        first.outcomes.iter().map(brief).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(first.accepted, 2);
    let fields = first
        .outcomes
        .iter()
        .flat_map(|outcome| &outcome.violations);
    let fields: Vec<_> = fields.map(|one| (&*one.field, &*one.code)).collect();
    let codes = [
        ("campaign", "not_an_option"),
        ("idempotency_key", "bad_key"),
        ("artista", "control_character"),
    ];
    assert_eq!(fields, codes);
    let again = client.cast_batch(batch).await.unwrap().into_inner();
    expected[0].1 = VoteStatus::AlreadyStored;
    expected[1].1 = VoteStatus::AlreadyStored;
    assert_eq!(
        again.outcomes.iter().map(brief).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        (again.accepted, &again.outcomes[0].id),
        (2, &first.outcomes[0].id)
    );
    let alone = vote(contest, "batch-0001/0", "Aterciopelados");
    let alone = client.cast(alone).await.unwrap().into_inner();
    assert_eq!(
        alone.status(),
        VoteStatus::AlreadyStored,
        "key and position"
    );
    wait_for_total(&app, contest, 2).await;
}

#[tokio::test]
async fn each_vote_of_a_stream_has_one_outcome() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut client = client(&app).await;
    let contest = installation.contest.clone();
    let votes = (0..3_000).map(move |number| match number % 3 {
        0 => vote(&contest, &format!("stream-key-{number}"), "Shakira"),
        1 => vote(&contest, "", "Aterciopelados"),
        _ if number % 2 == 0 => vote("nowhere", "", "Shakira"),
        _ => vote(&contest, "", ""),
    });
    let outcomes = client.cast_stream(tokio_stream::iter(votes)).await.unwrap();
    let mut outcomes = outcomes.into_inner();
    let mut seen = vec![None; 3_000];
    while let Some(outcome) = outcomes.next().await {
        let outcome = outcome.unwrap();
        let place = &mut seen[usize::try_from(outcome.index).unwrap()];
        assert!(place.is_none(), "answered twice: {outcome:?}");
        *place = Some((outcome.status(), outcome.violations.len()));
    }
    for (index, outcome) in seen.into_iter().enumerate() {
        let expected = match index % 3 {
            2 => (VoteStatus::Invalid, 1),
            _ => (VoteStatus::Stored, 0),
        };
        assert_eq!(outcome, Some(expected), "vote {index}");
    }
    wait_for_total(&app, &installation.contest, 2_000).await;
}

/// Sends a vote, with some metadata, by each call, and returns the status of each.
async fn statuses(
    client: &mut VotesClient<Channel>,
    vote: &Vote,
    metadata: &[(&'static str, &str)],
) -> [Status; 3] {
    fn with<T>(message: T, metadata: &[(&'static str, &str)]) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in metadata {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
        request
    }
    let batch = VoteBatch {
        campaign: vote.campaign.clone(),
        votes: vec![vote.clone()],
        ..VoteBatch::default()
    };
    let one = client.cast(with(vote.clone(), metadata)).await;
    let many = client.cast_batch(with(batch, metadata)).await;
    let stream = tokio_stream::iter([vote.clone()]);
    let stream = client.cast_stream(with(stream, metadata)).await.unwrap();
    let stream = stream.into_inner().next().await.unwrap();
    let ok = || Status::ok("");
    [
        one.err().unwrap_or_else(ok),
        many.err().unwrap_or_else(ok),
        stream.err().unwrap_or_else(ok),
    ]
}

fn codes(statuses: &[Status; 3]) -> [Code; 3] {
    statuses.each_ref().map(Status::code)
}

#[tokio::test]
async fn who_may_not_vote_has_a_status() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.edit_campaign("elecciones.toml", |text| {
        text.replace("# requires_token", "requires_token")
    });
    installation.edit_campaign("voto.toml", |text| {
        let text = text.replacen("id = ", "kind = \"vote\"\nid = ", 1);
        text.replace("closes_at = 2027", "closes_at = 2025")
            .replace("opens_at = 2026", "opens_at = 2024")
    });
    installation.set("JORNADA_LIMIT_VOTES", "4+1");
    let app = installation.start().await;
    let mut client = client(&app).await;
    let token = |scope: &str| {
        let made = installation.command(&["token", "new", scope, "--scope", scope]);
        let made = { made }.output().unwrap();
        assert!(made.status.success());
        format!("Bearer {}", String::from_utf8(made.stdout).unwrap().trim())
    };
    let (votes, chart) = (token("votes"), token("chart"));
    let closed = vote(&installation.vote, "", "Shakira");
    let election = vote(&installation.election, "", "Shakira");
    let cases = [
        (
            vote("nowhere", "", "x"),
            "",
            [Code::NotFound, Code::NotFound, Code::Ok],
        ),
        (
            vote(&installation.campaign, "", "x"),
            "",
            [Code::NotFound, Code::NotFound, Code::Ok],
        ),
        (closed, "", [Code::FailedPrecondition; 3]),
        (election.clone(), "", [Code::Unauthenticated; 3]),
        (
            election.clone(),
            "Bearer unknown",
            [Code::Unauthenticated; 3],
        ),
        (election.clone(), &chart, [Code::PermissionDenied; 3]),
        (
            election,
            &votes,
            [Code::InvalidArgument, Code::Ok, Code::Ok],
        ),
    ];
    for (vote, token, expected) in cases {
        let metadata = [("authorization", token)];
        let metadata = &metadata[usize::from(token.is_empty())..];
        let statuses = statuses(&mut client, &vote, metadata).await;
        assert_eq!(codes(&statuses), expected, "{vote:?} {token}");
    }
    let vote = vote(&installation.contest, "", "Shakira");
    let limited = [("x-client-address", "192.0.2.9")];
    assert_eq!(
        codes(&statuses(&mut client, &vote, &limited).await),
        [Code::Ok; 3]
    );
    client.cast(Request::new(vote.clone())).await.unwrap();
    let mut refused = statuses(&mut client, &vote, &limited).await;
    assert_eq!(refused[0].code(), Code::Ok, "the fourth");
    refused = statuses(&mut client, &vote, &limited).await;
    assert_eq!(codes(&refused), [Code::ResourceExhausted; 3]);
    for status in &refused {
        let wait = status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .unwrap();
        assert!((1..=60).contains(&wait.as_secs()), "{wait:?}");
    }
}

#[tokio::test]
async fn health_and_reflection_answer() {
    let app = Installation::new(Stores::Embedded).start().await;
    let channel = connect(&app.grpc).await;
    let mut health = HealthClient::new(channel.clone());
    let mut check = async |service: &str| {
        let service = service.to_owned();
        let checked = health.check(HealthCheckRequest { service }).await;
        checked.map(|answer| answer.into_inner().status)
    };
    assert_eq!(check("").await.unwrap(), 1, "serving");
    assert_eq!(check("jornada.v1.Votes").await.unwrap(), 1);
    assert_eq!(check("other").await.unwrap_err().code(), Code::NotFound);
    let mut reflection = ServerReflectionClient::new(channel);
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = reflection
        .server_reflection_info(tokio_stream::iter([list]))
        .await;
    let answer = answers.unwrap().into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let mut names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    names.sort_unstable();
    let expected = [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "jornada.v1.Votes",
    ];
    assert_eq!(names, expected);
}
