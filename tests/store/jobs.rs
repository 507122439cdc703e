//! Jobs: claimed once under a lease, and claimed again without heartbeats.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jornada::domain::job::{Basis, Format, JobFile, Wanted};
use jornada::domain::{CampaignId, Job, JobState, Lang, Selection};
use jornada::store::job::{Ending, Hold, MOST_LOST};
use uuid::Uuid;

use crate::bed::Bed;

const ANA: &str = "account:ana";
const LONG: Duration = Duration::from_mins(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn request(value: &str) -> Wanted {
    Wanted {
        campaign: CampaignId::parse("vacunacion").unwrap(),
        selection: Selection {
            from: Some(at(0)),
            ..Selection::of(value)
        },
        format: Format::Xlsx,
        lang: Lang::En,
        base: "https://example.org".into(),
    }
}

fn file() -> JobFile {
    JobFile {
        bytes: 5_000_000_000,
        sha256: [9; 32],
    }
}

async fn add_job(bed: &Bed, value: &str, second: i64) -> Job {
    let job = Job::new(Uuid::new_v4(), request(value), ANA.into(), at(second));
    bed.store.add_job(&job).await.unwrap();
    job
}

/// Requeues jobs without a heartbeat for `silence`, then claims one.
async fn claim_next(bed: &Bed, silence: Duration) -> Option<Job> {
    bed.store.lose_silent_jobs(silence, at(50)).await.unwrap();
    bed.store.begin_job().await.unwrap()
}

/// Waits until a timeout of a millisecond has passed since the last heartbeat.
async fn wait_briefly() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

const BASIS: Basis = Basis {
    rows: 7,
    revision: 3,
};

const SHORT: Duration = Duration::from_millis(1);

pub async fn a_job_is_read_back_unchanged(bed: &Bed) {
    let mut job = add_job(bed, "Bogotá", 1).await;
    bed.store.add_job(&job).await.unwrap();
    let other = bed.reopen().await;
    assert_eq!(other.job(job.id).await.unwrap().as_ref(), Some(&job));
    assert_eq!(other.job(Uuid::new_v4()).await.unwrap(), None);
    let claimed = claim_next(bed, LONG).await.unwrap();
    (job.state, job.attempt) = (JobState::Running, 1);
    assert_eq!(claimed, job);
    let earlier = Basis {
        revision: 2,
        ..BASIS
    };
    let hold = Hold::of(&claimed);
    assert!(other.note_job(hold, 4, Some(earlier)).await.unwrap());
    (job.rows, job.basis) = (4, Some(earlier));
    assert_eq!(bed.store.job(job.id).await.unwrap().as_ref(), Some(&job));
    let ending = Ending::Done {
        file: file(),
        rows: 8,
        basis: BASIS,
    };
    assert!(bed.store.end_job(hold, ending, at(60)).await.unwrap());
    (job.rows, job.state) = (8, JobState::Done(file()));
    job.basis = Some(BASIS);
    job.ended_at = Some(at(60));
    assert_eq!(other.job(job.id).await.unwrap(), Some(job));
}

pub async fn one_of_many_concurrent_workers_claims_a_job(bed: &Bed) {
    add_job(bed, "Cali", 1).await;
    let other = bed.reopen().await;
    let mut claiming = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = if number % 2 == 0 { &other } else { &bed.store };
        let store = store.clone();
        claiming.spawn(async move { store.begin_job().await.unwrap() });
    }
    let claimed = claiming.join_all().await;
    assert_eq!(claimed.into_iter().flatten().count(), 1);
}

pub async fn the_earliest_job_is_claimed_first(bed: &Bed) {
    let late = add_job(bed, "Cali", 9).await;
    let early = add_job(bed, "Leticia", 2).await;
    for expected in [Some(early.id), Some(late.id), None] {
        let claimed = claim_next(bed, LONG).await;
        assert_eq!(claimed.map(|job| job.id), expected);
    }
}

pub async fn a_stalled_job_is_claimed_again_and_its_old_lease_is_rejected(bed: &Bed) {
    let job = add_job(bed, "Cali", 1).await;
    let first = Hold::of(&claim_next(bed, LONG).await.unwrap());
    bed.store.note_job(first, 5, None).await.unwrap();
    assert_eq!(
        claim_next(bed, LONG).await,
        None,
        "it has just sent a heartbeat"
    );
    wait_briefly().await;
    let taken = claim_next(bed, SHORT).await.unwrap();
    assert_eq!((taken.id, taken.attempt, taken.lost), (job.id, 2, 1));
    assert_eq!((taken.rows, taken.basis), (0, None), "it starts again");
    assert!(!bed.store.note_job(first, 6, None).await.unwrap());
    let done = Ending::Done {
        file: file(),
        rows: 6,
        basis: BASIS,
    };
    for ending in [done, Ending::Lost, Ending::GivenBack] {
        assert!(!bed.store.end_job(first, ending, at(60)).await.unwrap());
    }
    let found = bed.store.job(job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.rows), (JobState::Running, 0));
    assert!(
        bed.store
            .end_job(Hold::of(&taken), done, at(60))
            .await
            .unwrap()
    );
    assert!(
        !bed.store
            .end_job(Hold::of(&taken), done, at(61))
            .await
            .unwrap()
    );
}

pub async fn a_stalled_job_is_queued_again_before_a_worker_is_free(bed: &Bed) {
    let job = add_job(bed, "Cali", 1).await;
    let heard = add_job(bed, "Leticia", 2).await;
    let silent = Hold::of(&claim_next(bed, LONG).await.unwrap());
    let silence = Duration::from_secs(3);
    tokio::time::sleep(silence).await;
    let other = Hold::of(&claim_next(bed, LONG).await.unwrap());
    bed.store.lose_silent_jobs(silence, at(50)).await.unwrap();
    let found = bed.store.job(job.id).await.unwrap().unwrap();
    let state = (found.state, found.lost, found.ended_at);
    assert_eq!(state, (JobState::Waiting, 1, None));
    assert!(!bed.store.note_job(silent, 5, None).await.unwrap());
    let found = bed.store.job(heard.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.lost), (JobState::Running, 0));
    assert!(bed.store.note_job(other, 5, None).await.unwrap());
}

pub async fn a_job_that_stalls_too_often_has_failed(bed: &Bed) {
    let job = add_job(bed, "Cali", 1).await;
    for attempt in 1..=MOST_LOST {
        wait_briefly().await;
        let claimed = claim_next(bed, SHORT).await.unwrap();
        assert_eq!((claimed.attempt, claimed.lost), (attempt, attempt - 1));
    }
    wait_briefly().await;
    assert_eq!(claim_next(bed, SHORT).await, None);
    let found = bed.store.job(job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.lost), (JobState::Failed, MOST_LOST));
    assert_eq!(found.ended_at, Some(at(50)));
}

pub async fn a_failure_is_retried_and_a_release_is_not_counted(bed: &Bed) {
    let job = add_job(bed, "Cali", 1).await;
    for lost in 0..MOST_LOST {
        let given = claim_next(bed, LONG).await.unwrap();
        let back = bed
            .store
            .end_job(Hold::of(&given), Ending::GivenBack, at(60));
        assert!(back.await.unwrap());
        let again = claim_next(bed, LONG).await.unwrap();
        assert_eq!((again.attempt, again.lost), (given.attempt + 1, lost));
        let lost = bed
            .store
            .end_job(Hold::of(&again), Ending::Lost, at(60 + i64::from(lost)));
        assert!(lost.await.unwrap());
    }
    assert_eq!(claim_next(bed, LONG).await, None);
    let found = bed.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(found.state, JobState::Failed);
    assert_eq!(found.ended_at, Some(at(59 + i64::from(MOST_LOST))));
}

pub async fn a_cancelled_job_cannot_be_claimed(bed: &Bed) {
    let job = add_job(bed, "Cali", 1).await;
    let hold = Hold::of(&claim_next(bed, LONG).await.unwrap());
    assert!(bed.store.cancel_job(job.id, at(60)).await.unwrap());
    assert!(!bed.store.cancel_job(job.id, at(61)).await.unwrap());
    assert!(!bed.store.note_job(hold, 5, None).await.unwrap());
    let done = Ending::Done {
        file: file(),
        rows: 5,
        basis: BASIS,
    };
    assert!(!bed.store.end_job(hold, done, at(60)).await.unwrap());
    wait_briefly().await;
    assert_eq!(claim_next(bed, SHORT).await, None);
    let found = bed.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.ended_at),
        (JobState::Cancelled, Some(at(60)))
    );
    let waiting = add_job(bed, "Cali", 2).await;
    assert!(bed.store.cancel_job(waiting.id, at(60)).await.unwrap());
    assert_eq!(claim_next(bed, LONG).await, None);
    assert!(!bed.store.cancel_job(Uuid::new_v4(), at(60)).await.unwrap());
}

pub async fn a_file_is_found_by_an_equal_request_and_shared(bed: &Bed) {
    let job = add_job(bed, "Cali", 1).await;
    assert_eq!(bed.store.done_job(&job.wanted).await.unwrap(), None);
    assert!(!bed.store.share_job(job.id, "token:x").await.unwrap());
    let hold = Hold::of(&claim_next(bed, LONG).await.unwrap());
    let done = Ending::Done {
        file: file(),
        rows: 5,
        basis: BASIS,
    };
    bed.store.end_job(hold, done, at(60)).await.unwrap();
    let found = bed.store.done_job(&request("Cali")).await.unwrap();
    assert_eq!(found.map(|job| job.id), Some(job.id));
    let in_spanish = Wanted {
        lang: Lang::Es,
        ..request("Cali")
    };
    let all_days = Wanted {
        selection: Selection::of("Cali"),
        ..request("Cali")
    };
    for other in [in_spanish, all_days, request("Leticia")] {
        assert_eq!(bed.store.done_job(&other).await.unwrap(), None);
    }
    for _ in 0..2 {
        assert!(bed.store.share_job(job.id, "token:x").await.unwrap());
    }
    let campaign = &bed.campaign.id;
    let shared = bed.store.jobs_of(campaign, "token:x").await.unwrap();
    assert_eq!(shared[0].askers, [ANA, "token:x"]);
    let newer = add_job(bed, "Leticia", 5).await;
    let mine = bed.store.jobs_of(campaign, ANA).await.unwrap();
    let mine: Vec<_> = mine.iter().map(|job| job.id).collect();
    assert_eq!(mine, [newer.id, job.id], "newest first");
    let elsewhere = CampaignId::parse("otra").unwrap();
    assert!(bed.store.jobs_of(&elsewhere, ANA).await.unwrap().is_empty());
    assert!(
        bed.store
            .jobs_of(campaign, "token:y")
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn old_jobs_are_listed_and_deleted(bed: &Bed) {
    let first = add_job(bed, "Cali", 1).await;
    let second = add_job(bed, "Cali", 2).await;
    add_job(bed, "Cali", 3).await;
    for (job, ended) in [(&second, at(70)), (&first, at(80))] {
        bed.store.cancel_job(job.id, ended).await.unwrap();
    }
    let ids = async |from, before| {
        let ended = bed.store.ended_jobs(from, before).await.unwrap();
        ended.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let millisecond = SignedDuration::from_millis(1);
    assert!(ids(at(0), at(70)).await.is_empty());
    assert_eq!(ids(at(0), at(70) + millisecond).await, [second.id]);
    assert_eq!(ids(at(70), at(90)).await, [second.id, first.id]);
    assert_eq!(ids(at(71), at(90)).await, [first.id]);
    bed.store.remove_job(second.id).await.unwrap();
    bed.store.remove_job(second.id).await.unwrap();
    assert_eq!(ids(at(0), at(90)).await, [first.id]);
    assert_eq!(bed.store.job(second.id).await.unwrap(), None);
}
