//! Background reports: they survive the death of an instance, and are never done without a complete file.

use std::io::Cursor;
use std::time::{Duration, Instant};

use calamine::{Reader, Xlsx};
use jiff::Timestamp;
use jornada_domain::job::{ReportFormat, ReportRequest};
use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{JobState, ReportJob};
use reqwest::Response;
use uuid::Uuid;

use crate::area::Area;
use crate::many_registrations::{MANY, start_with_many};
use crate::person::Person;
use crate::report_client::{Program, job_id};
use jornada_testkit::instance::{RunningInstance, Stores};

async fn job(area: &Area, page: &str) -> ReportJob {
    area.store.job(job_id(page)).await.unwrap().unwrap()
}

async fn assert_complete(answer: Response) {
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-report-rows"], MANY.to_string());
    let length: usize = answer.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let bytes = answer.bytes().await.unwrap().to_vec();
    assert_eq!(bytes.len(), length);
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range("Cali").unwrap();
    // Registrations, headings, an empty row and the total.
    assert_eq!(sheet.height(), MANY as usize + 3);
}

fn count_started(app: &RunningInstance) -> usize {
    let log = app.log();
    log.iter()
        .filter(|line| line.contains("started a report"))
        .count()
}

#[tokio::test]
async fn a_report_is_finished_after_its_instance_restarts() {
    let area = start_with_many(Stores::Embedded).await;
    let program = Program::new(&area).await;
    let page = program
        .request_report(&area.app, "value=Cali&format=xlsx")
        .await;
    program.wait_until_half(&area.app, &page).await;
    assert_eq!(
        program
            .get(&area.app, &format!("{page}/file"))
            .await
            .status(),
        404
    );
    area.app.signal("-KILL");
    let killed = Instant::now();
    let again = area.installation.start().await;
    again
        .wait_until_within("it is taken over", 30, async |app| count_started(app) == 1)
        .await;
    assert!(killed.elapsed() < Duration::from_secs(30));
    program.wait_until_done(&again, &page).await;
    assert_complete(program.get(&again, &format!("{page}/file")).await).await;
    let job = job(&area, &page).await;
    assert_eq!((job.attempt, job.failed_attempts), (2, 1));
}

#[tokio::test]
async fn another_instance_finishes_the_report_of_a_dead_one() {
    let area = start_with_many(Stores::Servers).await;
    let other = area.installation.start().await;
    let program = Program::new(&area).await;
    let page = program
        .request_report(&area.app, "value=Cali&format=xlsx")
        .await;
    let (dies, lives) = if count_started(&area.app) == 1 {
        (&area.app, &other)
    } else {
        (&other, &area.app)
    };
    program.wait_until_half(lives, &page).await;
    dies.signal("-KILL");
    program.wait_until_done(lives, &page).await;
    assert_eq!((count_started(dies), count_started(lives)), (1, 1));
    assert_complete(program.get(lives, &format!("{page}/file")).await).await;
}

#[tokio::test]
async fn an_instance_that_shuts_down_releases_its_report() {
    let mut area = start_with_many(Stores::Embedded).await;
    let program = Program::new(&area).await;
    let page = program
        .request_report(&area.app, "value=Cali&format=xlsx")
        .await;
    program.wait_until_half(&area.app, &page).await;
    area.app.signal("-TERM");
    assert!(area.app.wait_for_exit().await.success());
    let again = area.installation.start().await;
    again
        .wait_until("it is started again", async |app| count_started(app) == 1)
        .await;
    program.wait_until_done(&again, &page).await;
    assert_complete(program.get(&again, &format!("{page}/file")).await).await;
    let job = job(&area, &page).await;
    assert_eq!(
        (job.attempt, job.failed_attempts),
        (2, 0),
        "it was given back, not lost"
    );
}

#[tokio::test]
async fn each_report_is_made_once_by_one_of_two_instances() {
    let area = Area::start(Stores::Servers).await;
    let other = area.installation.start().await;
    for (document, city) in [("1001", "Cali"), ("1002", "Leticia"), ("1003", "Mocoa")] {
        area.app.register("Ana Ejemplo", document, city).await;
    }
    let program = Program::new(&area).await;
    for (number, city) in ["Cali", "Leticia", "Mocoa", "_all"].iter().enumerate() {
        let app = if number % 2 == 0 { &area.app } else { &other };
        let page = program
            .request_report(app, &format!("value={city}&format=csv"))
            .await;
        program
            .wait_until_done(app, page.trim_end_matches("/file"))
            .await;
    }
    assert_eq!(count_started(&area.app) + count_started(&other), 4);
}

#[tokio::test]
async fn a_cancelled_report_stops_soon_and_leaves_no_file() {
    let area = start_with_many(Stores::Embedded).await;
    let mut ana = Person::logged_in(&area, "ana@example.org", Role::Admin).await;
    let program = Program::new(&area).await;
    let page = program
        .request_report(&area.app, "value=Cali&format=xlsx")
        .await;
    program.wait_until_half(&area.app, &page).await;
    let shown = ana.get(&page).await;
    assert!(shown.body.contains("<progress") && shown.body.contains("http-equiv=\"refresh\""));
    let cancelled = ana.post(&format!("{page}/cancel"), &[]).await;
    assert_eq!(
        (cancelled.status, cancelled.location()),
        (303, page.as_str())
    );
    area.app
        .wait_until("it stops", async |app| {
            let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
            let metrics = metrics.unwrap().text().await.unwrap();
            metrics.contains("jornada_report_jobs_at_work 0")
                && metrics.contains("jornada_report_jobs_total{outcome=\"stopped\"} 1")
        })
        .await;
    assert_eq!(
        program.progress(&area.app, &page).await["state"],
        "cancelled"
    );
    let written = area.audit_entries(AuditAction::ReportCancelled).await;
    assert_eq!(written[0].record.event.detail["value"], "Cali");
    assert_eq!(ana.get(&format!("{page}/file")).await.status, 404);
    assert!(!ana.get(&page).await.body.contains("<progress"));
}

#[tokio::test]
async fn a_report_is_not_done_before_its_file_is_stored() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let program = Program::new(&area).await;
    let obstacle = area.installation.folder.path().join("data/photos/_reports");
    std::fs::write(&obstacle, "in the way").unwrap();
    let page = program
        .request_report(&area.app, "value=Cali&format=csv")
        .await;
    assert!(!page.ends_with("/file"), "{page}");
    assert_eq!(program.progress(&area.app, &page).await["state"], "running");
    std::fs::remove_file(obstacle).unwrap();
    program.wait_until_done(&area.app, &page).await;
    let file = program.get(&area.app, &format!("{page}/file")).await;
    assert_eq!(file.text().await.unwrap().lines().count(), 2);
}

#[tokio::test]
async fn a_busy_instance_requeues_a_stalled_job() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let program = Program::new(&area).await;
    // The upload is retried for half a minute.
    let obstacle = area.installation.folder.path().join("data/photos/_reports");
    std::fs::write(&obstacle, "in the way").unwrap();
    let page = program
        .request_report(&area.app, "value=Cali&format=csv")
        .await;
    assert_eq!(program.progress(&area.app, &page).await["state"], "running");
    let wanted = ReportRequest {
        format: ReportFormat::Xlsx,
        ..job(&area, &page).await.request
    };
    let other = ReportJob::new(Uuid::new_v4(), wanted, "token:x".into(), Timestamp::now());
    area.store.add_job(&other).await.unwrap();
    let started = area.store.claim_next_job().await.unwrap().unwrap();
    assert_eq!((started.id, started.state), (other.id, JobState::Running));
    area.app
        .wait_until_within("it is lost", 30, async |_| {
            let found = area.store.job(other.id).await.unwrap().unwrap();
            (found.state, found.failed_attempts) == (JobState::Queued, 1)
        })
        .await;
    assert_eq!(program.progress(&area.app, &page).await["state"], "running");
}

/// Threads of the instance that write a report now (proc(5), `comm`).
fn writers(app: &RunningInstance) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", app.pid())).unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        // A thread may end while it is looked at.
        std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
    };
    tasks.map(name).filter(|name| name == "report\n").count()
}

#[tokio::test]
async fn a_report_by_the_api_and_one_in_the_background_are_made_at_once_and_others_wait() {
    let area = start_with_many(Stores::Embedded).await;
    let app = &area.app;
    let program = Program::new(&area).await;
    let job = program.request_report(app, "value=Cali&format=xlsx").await;
    let second_job = program.request_report(app, "value=Cali&format=csv").await;
    program.wait_until_half(app, &job).await;
    let by_api = || {
        let file = format!("/api/v1/campaigns/{}/reports/Cali.xlsx", app.campaign);
        let program = &program;
        async move { program.get(app, &file).await.status().as_u16() }
    };
    let seen = async {
        let mut both = 0;
        while both < 50 {
            let now = writers(app);
            assert!(now <= 2, "{now} at once");
            let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
            let metrics = metrics.unwrap().text().await.unwrap();
            both += usize::from(now == 2 && metrics.contains("jornada_requests_in_flight 2"));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        [
            program.progress(app, &job).await,
            program.progress(app, &second_job).await,
        ]
    };
    let seen = tokio::time::timeout(Duration::from_mins(1), seen);
    let (first, second, jobs) = tokio::join!(by_api(), by_api(), seen);
    assert_eq!((first, second), (200, 200));
    let jobs = jobs.expect("one of each is at work while both requests are");
    let states = jobs.map(|job| job["state"].clone());
    assert_eq!(states, ["running", "waiting"]);
}
