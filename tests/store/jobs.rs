//! Jobs: claimed once under a lease, and claimed again without heartbeats.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jornada_domain::job::{ReportFile, ReportFormat, ReportRequest, SourceVersion};
use jornada_domain::{CampaignId, JobState, Lang, RegistrationSelection, ReportJob};
use jornada_store::jobs::{JobLease, JobOutcome, MAX_FAILED_ATTEMPTS};
use uuid::Uuid;

use crate::fixture::StoreFixture;

const ANA: &str = "account:ana";
const LONG: Duration = Duration::from_mins(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn request(value: &str) -> ReportRequest {
    ReportRequest {
        campaign: CampaignId::parse("vacunacion").unwrap(),
        selection: RegistrationSelection {
            from: Some(at(0)),
            ..RegistrationSelection::for_value(value)
        },
        format: ReportFormat::Xlsx,
        lang: Lang::En,
        base_url: "https://example.org".into(),
    }
}

fn file() -> ReportFile {
    ReportFile {
        bytes: 5_000_000_000,
        sha256: [9; 32],
    }
}

async fn add_job(fixture: &StoreFixture, value: &str, second: i64) -> ReportJob {
    let job = ReportJob::new(Uuid::new_v4(), request(value), ANA.into(), at(second));
    fixture.store.add_job(&job).await.unwrap();
    job
}

/// Requeues jobs without a heartbeat for `silence`, then claims one.
async fn claim_next(fixture: &StoreFixture, silence: Duration) -> Option<ReportJob> {
    fixture
        .store
        .requeue_stalled_jobs(silence, at(50))
        .await
        .unwrap();
    fixture.store.claim_next_job().await.unwrap()
}

/// Waits until a timeout of a millisecond has passed since the last heartbeat.
async fn wait_briefly() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

const BASIS: SourceVersion = SourceVersion {
    rows: 7,
    revision: 3,
};

const SHORT: Duration = Duration::from_millis(1);

pub async fn a_job_is_read_back_unchanged(fixture: &StoreFixture) {
    let mut job = add_job(fixture, "Bogotá", 1).await;
    fixture.store.add_job(&job).await.unwrap();
    let other = fixture.reopen().await;
    assert_eq!(other.job(job.id).await.unwrap().as_ref(), Some(&job));
    assert_eq!(other.job(Uuid::new_v4()).await.unwrap(), None);
    let claimed = claim_next(fixture, LONG).await.unwrap();
    (job.state, job.attempt) = (JobState::Running, 1);
    assert_eq!(claimed, job);
    let earlier = SourceVersion {
        revision: 2,
        ..BASIS
    };
    let hold = JobLease::from_job(&claimed);
    assert!(other.heartbeat(hold, 4, Some(earlier)).await.unwrap());
    (job.rows, job.source_version) = (4, Some(earlier));
    assert_eq!(
        fixture.store.job(job.id).await.unwrap().as_ref(),
        Some(&job)
    );
    let ending = JobOutcome::Done {
        file: file(),
        rows: 8,
        source_version: BASIS,
    };
    assert!(
        fixture
            .store
            .finish_job(hold, ending, at(60))
            .await
            .unwrap()
    );
    (job.rows, job.state) = (8, JobState::Done(file()));
    job.source_version = Some(BASIS);
    job.ended_at = Some(at(60));
    assert_eq!(other.job(job.id).await.unwrap(), Some(job));
}

pub async fn one_of_many_concurrent_workers_claims_a_job(fixture: &StoreFixture) {
    add_job(fixture, "Cali", 1).await;
    let other = fixture.reopen().await;
    let mut claiming = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = if number % 2 == 0 {
            &other
        } else {
            &fixture.store
        };
        let store = store.clone();
        claiming.spawn(async move { store.claim_next_job().await.unwrap() });
    }
    let claimed = claiming.join_all().await;
    assert_eq!(claimed.into_iter().flatten().count(), 1);
}

pub async fn the_earliest_job_is_claimed_first(fixture: &StoreFixture) {
    let late = add_job(fixture, "Cali", 9).await;
    let early = add_job(fixture, "Leticia", 2).await;
    for expected in [Some(early.id), Some(late.id), None] {
        let claimed = claim_next(fixture, LONG).await;
        assert_eq!(claimed.map(|job| job.id), expected);
    }
}

pub async fn a_stalled_job_is_claimed_again_and_its_old_lease_is_rejected(fixture: &StoreFixture) {
    let job = add_job(fixture, "Cali", 1).await;
    let first = JobLease::from_job(&claim_next(fixture, LONG).await.unwrap());
    fixture.store.heartbeat(first, 5, None).await.unwrap();
    assert_eq!(
        claim_next(fixture, LONG).await,
        None,
        "it has just sent a heartbeat"
    );
    wait_briefly().await;
    let taken = claim_next(fixture, SHORT).await.unwrap();
    assert_eq!(
        (taken.id, taken.attempt, taken.failed_attempts),
        (job.id, 2, 1)
    );
    assert_eq!(
        (taken.rows, taken.source_version),
        (0, None),
        "it starts again"
    );
    assert!(!fixture.store.heartbeat(first, 6, None).await.unwrap());
    let done = JobOutcome::Done {
        file: file(),
        rows: 6,
        source_version: BASIS,
    };
    for ending in [done, JobOutcome::Failed, JobOutcome::Released] {
        assert!(
            !fixture
                .store
                .finish_job(first, ending, at(60))
                .await
                .unwrap()
        );
    }
    let found = fixture.store.job(job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.rows), (JobState::Running, 0));
    assert!(
        fixture
            .store
            .finish_job(JobLease::from_job(&taken), done, at(60))
            .await
            .unwrap()
    );
    assert!(
        !fixture
            .store
            .finish_job(JobLease::from_job(&taken), done, at(61))
            .await
            .unwrap()
    );
}

pub async fn a_stalled_job_is_queued_again_before_a_worker_is_free(fixture: &StoreFixture) {
    let job = add_job(fixture, "Cali", 1).await;
    let heard = add_job(fixture, "Leticia", 2).await;
    let silent = JobLease::from_job(&claim_next(fixture, LONG).await.unwrap());
    let silence = Duration::from_secs(3);
    tokio::time::sleep(silence).await;
    let other = JobLease::from_job(&claim_next(fixture, LONG).await.unwrap());
    fixture
        .store
        .requeue_stalled_jobs(silence, at(50))
        .await
        .unwrap();
    let found = fixture.store.job(job.id).await.unwrap().unwrap();
    let state = (found.state, found.failed_attempts, found.ended_at);
    assert_eq!(state, (JobState::Queued, 1, None));
    assert!(!fixture.store.heartbeat(silent, 5, None).await.unwrap());
    let found = fixture.store.job(heard.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.failed_attempts), (JobState::Running, 0));
    assert!(fixture.store.heartbeat(other, 5, None).await.unwrap());
}

pub async fn a_job_that_stalls_too_often_has_failed(fixture: &StoreFixture) {
    let job = add_job(fixture, "Cali", 1).await;
    for attempt in 1..=MAX_FAILED_ATTEMPTS {
        wait_briefly().await;
        let claimed = claim_next(fixture, SHORT).await.unwrap();
        assert_eq!(
            (claimed.attempt, claimed.failed_attempts),
            (attempt, attempt - 1)
        );
    }
    wait_briefly().await;
    assert_eq!(claim_next(fixture, SHORT).await, None);
    let found = fixture.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.failed_attempts),
        (JobState::Failed, MAX_FAILED_ATTEMPTS)
    );
    assert_eq!(found.ended_at, Some(at(50)));
}

pub async fn a_failure_is_retried_and_a_release_is_not_counted(fixture: &StoreFixture) {
    let job = add_job(fixture, "Cali", 1).await;
    for lost in 0..MAX_FAILED_ATTEMPTS {
        let given = claim_next(fixture, LONG).await.unwrap();
        let back =
            fixture
                .store
                .finish_job(JobLease::from_job(&given), JobOutcome::Released, at(60));
        assert!(back.await.unwrap());
        let again = claim_next(fixture, LONG).await.unwrap();
        assert_eq!(
            (again.attempt, again.failed_attempts),
            (given.attempt + 1, lost)
        );
        let lost = fixture.store.finish_job(
            JobLease::from_job(&again),
            JobOutcome::Failed,
            at(60 + i64::from(lost)),
        );
        assert!(lost.await.unwrap());
    }
    assert_eq!(claim_next(fixture, LONG).await, None);
    let found = fixture.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(found.state, JobState::Failed);
    assert_eq!(
        found.ended_at,
        Some(at(59 + i64::from(MAX_FAILED_ATTEMPTS)))
    );
}

pub async fn a_cancelled_job_cannot_be_claimed(fixture: &StoreFixture) {
    let job = add_job(fixture, "Cali", 1).await;
    let hold = JobLease::from_job(&claim_next(fixture, LONG).await.unwrap());
    assert!(fixture.store.cancel_job(job.id, at(60)).await.unwrap());
    assert!(!fixture.store.cancel_job(job.id, at(61)).await.unwrap());
    assert!(!fixture.store.heartbeat(hold, 5, None).await.unwrap());
    let done = JobOutcome::Done {
        file: file(),
        rows: 5,
        source_version: BASIS,
    };
    assert!(!fixture.store.finish_job(hold, done, at(60)).await.unwrap());
    wait_briefly().await;
    assert_eq!(claim_next(fixture, SHORT).await, None);
    let found = fixture.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.ended_at),
        (JobState::Cancelled, Some(at(60)))
    );
    let waiting = add_job(fixture, "Cali", 2).await;
    assert!(fixture.store.cancel_job(waiting.id, at(60)).await.unwrap());
    assert_eq!(claim_next(fixture, LONG).await, None);
    assert!(
        !fixture
            .store
            .cancel_job(Uuid::new_v4(), at(60))
            .await
            .unwrap()
    );
}

pub async fn a_file_is_found_by_an_equal_request_and_shared(fixture: &StoreFixture) {
    let job = add_job(fixture, "Cali", 1).await;
    assert_eq!(
        fixture.store.find_finished_job(&job.request).await.unwrap(),
        None
    );
    assert!(
        !fixture
            .store
            .add_requester(job.id, "token:x")
            .await
            .unwrap()
    );
    let hold = JobLease::from_job(&claim_next(fixture, LONG).await.unwrap());
    let done = JobOutcome::Done {
        file: file(),
        rows: 5,
        source_version: BASIS,
    };
    fixture.store.finish_job(hold, done, at(60)).await.unwrap();
    let found = fixture
        .store
        .find_finished_job(&request("Cali"))
        .await
        .unwrap();
    assert_eq!(found.map(|job| job.id), Some(job.id));
    let in_spanish = ReportRequest {
        lang: Lang::Es,
        ..request("Cali")
    };
    let all_days = ReportRequest {
        selection: RegistrationSelection::for_value("Cali"),
        ..request("Cali")
    };
    for other in [in_spanish, all_days, request("Leticia")] {
        assert_eq!(fixture.store.find_finished_job(&other).await.unwrap(), None);
    }
    for _ in 0..2 {
        assert!(
            fixture
                .store
                .add_requester(job.id, "token:x")
                .await
                .unwrap()
        );
    }
    let campaign = &fixture.campaign.id;
    let shared = fixture
        .store
        .jobs_requested_by(campaign, "token:x")
        .await
        .unwrap();
    assert_eq!(shared[0].requesters, [ANA, "token:x"]);
    let newer = add_job(fixture, "Leticia", 5).await;
    let mine = fixture
        .store
        .jobs_requested_by(campaign, ANA)
        .await
        .unwrap();
    let mine: Vec<_> = mine.iter().map(|job| job.id).collect();
    assert_eq!(mine, [newer.id, job.id], "newest first");
    let elsewhere = CampaignId::parse("otra").unwrap();
    assert!(
        fixture
            .store
            .jobs_requested_by(&elsewhere, ANA)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        fixture
            .store
            .jobs_requested_by(campaign, "token:y")
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn old_jobs_are_listed_and_deleted(fixture: &StoreFixture) {
    let first = add_job(fixture, "Cali", 1).await;
    let second = add_job(fixture, "Cali", 2).await;
    add_job(fixture, "Cali", 3).await;
    for (job, ended) in [(&second, at(70)), (&first, at(80))] {
        fixture.store.cancel_job(job.id, ended).await.unwrap();
    }
    let ids = async |from, before| {
        let ended = fixture.store.ended_jobs(from, before).await.unwrap();
        ended.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let millisecond = SignedDuration::from_millis(1);
    assert!(ids(at(0), at(70)).await.is_empty());
    assert_eq!(ids(at(0), at(70) + millisecond).await, [second.id]);
    assert_eq!(ids(at(70), at(90)).await, [second.id, first.id]);
    assert_eq!(ids(at(71), at(90)).await, [first.id]);
    fixture.store.remove_job(second.id).await.unwrap();
    fixture.store.remove_job(second.id).await.unwrap();
    assert_eq!(ids(at(0), at(90)).await, [first.id]);
    assert_eq!(fixture.store.job(second.id).await.unwrap(), None);
}
