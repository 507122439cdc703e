//! Reports in the background: they outlive their instance, are never done without the file and never short, are made
//! once and handed out again, and are for whoever asked.

use std::io::Cursor;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use calamine::{Reader, Xlsx};
use jiff::{SignedDuration, Timestamp};
use jornada::campaigns::Campaigns;
use jornada::config::{Env, PhotosSetting, StoreSetting};
use jornada::domain::record::Deletion;
use jornada::domain::staff::{Role, Scope};
use jornada::domain::{Job, RegistrationId};
use jornada::photo::Photos;
use jornada::photo::seal::{MasterKey, Seal, VaultKey};
use jornada::report::sweeper::Sweeper;
use jornada::staff::token::Token;
use jornada::store::Amended;
use mongodb::bson::{Binary, Document, doc};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;
use uuid::Uuid;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use crate::support::app::{App, Stores};

/// So many take some seconds in a debug build.
const MANY: u32 = 40_000;

/// A program with a token for reports: it is led nowhere by itself, and gets files as they are.
pub struct Program {
    http: Client,
    token: Token,
}

impl Program {
    pub async fn of(area: &Area) -> Self {
        Self {
            http: Client::builder().redirect(Policy::none()).build().unwrap(),
            token: area.token(&[Scope::Report], |_| {}).await,
        }
    }

    pub async fn get(&self, app: &App, path: &str) -> Response {
        let asked = self.http.get(format!("{}{path}", app.base));
        asked.bearer_auth(self.token.expose()).send().await.unwrap()
    }

    /// Where the form leads.
    async fn ask(&self, app: &App, fields: &str) -> String {
        let asked = self
            .http
            .post(format!("{}/staff/c/{}/reports", app.base, app.campaign))
            .header("content-type", "application/x-www-form-urlencoded")
            .bearer_auth(self.token.expose())
            .body(fields.to_owned());
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 303, "{:?}", answer.text().await);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// The file, however long it takes on a busy machine.
    pub async fn file(&self, app: &App, fields: &str) -> String {
        let led = self.ask(app, fields).await;
        let page = led.trim_end_matches("/file");
        self.done(app, page).await;
        format!("{page}/file")
    }

    async fn progress(&self, app: &App, page: &str) -> Value {
        let answer = self.get(app, &format!("{page}/progress")).await;
        answer.json().await.unwrap()
    }

    /// Waits until it is begun and not finished.
    async fn half(&self, app: &App, page: &str) {
        app.until("the report is at half", async |app| {
            let seen = self.progress(app, page).await;
            assert_ne!(seen["state"], "done", "too few rows for this machine");
            let rows = seen["rows"].as_u64().unwrap();
            rows > 0 && seen["of"].as_u64().is_some_and(|of| rows < of)
        })
        .await;
    }

    async fn done(&self, app: &App, page: &str) {
        app.until_within("the report is done", 120, async |app| {
            let seen = self.progress(app, page).await;
            assert_ne!(seen["state"], "failed");
            seen["state"] == "done"
        })
        .await;
    }
}

/// Makes so many of the one registration that there is.
async fn multiply(area: &Area) {
    let settings: Vec<_> = area
        .installation
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    match StoreSetting::from_env(&Env::of(&settings)).unwrap() {
        StoreSetting::Sqlite(path) => {
            let columns = "campaign, value, answers, digest, received_at, photo_sha256, photo_extension, photo_bytes";
            let sql = format!(
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MANY} - 1) \
                 INSERT INTO registrations (id, {columns}) SELECT randomblob(16), {columns} FROM registrations, n"
            );
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.busy_timeout(Duration::from_secs(10)).unwrap();
            connection.execute_batch(&sql).unwrap();
        }
        StoreSetting::Mongo(address) => {
            let address = secrecy::ExposeSecret::expose_secret(&address);
            let client = mongodb::Client::with_uri_str(address).await.unwrap();
            let all = client.default_database().unwrap();
            let all = all.collection::<Document>("registrations");
            let one = all.find_one(doc! {}).await.unwrap().unwrap();
            let copy = |_| {
                let mut copy = one.clone();
                let id = Uuid::new_v4().as_bytes().to_vec();
                let subtype = mongodb::bson::spec::BinarySubtype::Generic;
                copy.insert("_id", Binary { subtype, bytes: id });
                copy
            };
            let copies: Vec<_> = (1..MANY).map(copy).collect();
            all.insert_many(copies).await.unwrap();
        }
    }
}

/// An area with many people in Cali.
async fn crowded(stores: Stores) -> Area {
    let area = Area::start(stores).await;
    let answer = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    assert_eq!(answer.status(), 201);
    multiply(&area).await;
    area
}

pub fn id(page: &str) -> Uuid {
    let id = page.split('/').nth(5).unwrap();
    Uuid::parse_str(id).unwrap()
}

async fn job(area: &Area, page: &str) -> Job {
    area.store.job(id(page)).await.unwrap().unwrap()
}

async fn assert_whole(answer: Response) {
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
    // Those of the list, the headings, a gap and the total.
    assert_eq!(sheet.height(), MANY as usize + 3);
}

fn begun(app: &App) -> usize {
    let log = app.log();
    log.iter()
        .filter(|line| line.contains("began a report"))
        .count()
}

#[tokio::test]
async fn a_report_outlives_its_instance_which_comes_back() {
    let area = crowded(Stores::Embedded).await;
    let program = Program::of(&area).await;
    let page = program.ask(&area.app, "value=Cali&format=xlsx").await;
    program.half(&area.app, &page).await;
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
        .until_within("it is taken over", 30, async |app| begun(app) == 1)
        .await;
    assert!(killed.elapsed() < Duration::from_secs(30));
    program.done(&again, &page).await;
    assert_whole(program.get(&again, &format!("{page}/file")).await).await;
    let job = job(&area, &page).await;
    assert_eq!((job.attempt, job.lost), (2, 1));
}

#[tokio::test]
async fn another_instance_finishes_what_a_dead_one_began() {
    let area = crowded(Stores::Servers).await;
    let other = area.installation.start().await;
    let program = Program::of(&area).await;
    let page = program.ask(&area.app, "value=Cali&format=xlsx").await;
    let (dies, lives) = if begun(&area.app) == 1 {
        (&area.app, &other)
    } else {
        (&other, &area.app)
    };
    program.half(lives, &page).await;
    dies.signal("-KILL");
    program.done(lives, &page).await;
    assert_eq!((begun(dies), begun(lives)), (1, 1));
    assert_whole(program.get(lives, &format!("{page}/file")).await).await;
}

#[tokio::test]
async fn an_instance_that_ends_gives_its_report_back() {
    let mut area = crowded(Stores::Embedded).await;
    let program = Program::of(&area).await;
    let page = program.ask(&area.app, "value=Cali&format=xlsx").await;
    program.half(&area.app, &page).await;
    area.app.signal("-TERM");
    assert!(area.app.ended().await.success());
    let again = area.installation.start().await;
    again
        .until_within("it is begun at once", 5, async |app| begun(app) == 1)
        .await;
    program.done(&again, &page).await;
    assert_whole(program.get(&again, &format!("{page}/file")).await).await;
    let job = job(&area, &page).await;
    assert_eq!((job.attempt, job.lost), (2, 0), "nothing was lost");
}

#[tokio::test]
async fn each_report_is_made_once_by_one_of_two_instances() {
    let area = Area::start(Stores::Servers).await;
    let other = area.installation.start().await;
    for (document, city) in [("1001", "Cali"), ("1002", "Leticia"), ("1003", "Mocoa")] {
        area.app.register("Ana Ejemplo", document, city).await;
    }
    let program = Program::of(&area).await;
    for (number, city) in ["Cali", "Leticia", "Mocoa", "_all"].iter().enumerate() {
        let app = if number % 2 == 0 { &area.app } else { &other };
        let page = program.ask(app, &format!("value={city}&format=csv")).await;
        program.done(app, page.trim_end_matches("/file")).await;
    }
    assert_eq!(begun(&area.app) + begun(&other), 4);
}

#[tokio::test]
async fn a_cancelled_report_stops_soon_and_leaves_nothing() {
    let area = crowded(Stores::Embedded).await;
    let mut ana = Person::of(&area, "ana@example.org", Role::Admin).await;
    let program = Program::of(&area).await;
    let page = program.ask(&area.app, "value=Cali&format=xlsx").await;
    program.half(&area.app, &page).await;
    let shown = ana.get(&page).await;
    assert!(shown.body.contains("<progress") && shown.body.contains("http-equiv=\"refresh\""));
    let cancelled = ana.post(&format!("{page}/cancel"), &[]).await;
    assert_eq!(
        (cancelled.status, cancelled.location()),
        (303, page.as_str())
    );
    let since = Instant::now();
    area.app
        .until_within("it stops", 3, async |app| {
            let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
            let metrics = metrics.unwrap().text().await.unwrap();
            metrics.contains("jornada_report_jobs_at_work 0")
                && metrics.contains("jornada_report_jobs_total{outcome=\"stopped\"} 1")
        })
        .await;
    assert!(since.elapsed() < Duration::from_secs(3));
    assert_eq!(
        program.progress(&area.app, &page).await["state"],
        "cancelled"
    );
    assert_eq!(ana.get(&format!("{page}/file")).await.status, 404);
    assert!(!ana.get(&page).await.body.contains("<progress"));
}

#[tokio::test]
async fn a_report_is_not_done_before_its_file_is_kept() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let program = Program::of(&area).await;
    let obstacle = area.installation.folder.path().join("data/photos/_reports");
    std::fs::write(&obstacle, "in the way").unwrap();
    let page = program.ask(&area.app, "value=Cali&format=csv").await;
    assert!(!page.ends_with("/file"), "{page}");
    assert_eq!(program.progress(&area.app, &page).await["state"], "running");
    std::fs::remove_file(obstacle).unwrap();
    program.done(&area.app, &page).await;
    let file = program.get(&area.app, &format!("{page}/file")).await;
    assert_eq!(file.text().await.unwrap().lines().count(), 2);
}

#[tokio::test]
async fn a_file_is_handed_out_again_until_something_changes() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    area.app.register("Luz Ejemplo", "1002", "Leticia").await;
    let program = Program::of(&area).await;
    let first = program.file(&area.app, "value=Cali&format=csv").await;
    let file = program.get(&area.app, &first).await;
    assert_eq!(file.headers()["cache-control"], "no-store");
    let disposition = file.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("-Cali.csv\""), "{disposition}");
    let bytes = file.bytes().await.unwrap();
    let mut ana = Person::of(&area, "ana@example.org", Role::Clerk).await;
    assert_eq!(ana.get(&first).await.status, 404, "she has not asked");
    let page = format!("/staff/c/{}/reports", area.app.campaign);
    ana.get(&page).await;
    let shared = ana
        .post(&page, &[("value", "Cali"), ("format", "csv")])
        .await;
    assert_eq!((shared.status, shared.location()), (303, first.as_str()));
    assert_eq!(ana.get(&first).await.body.as_bytes(), bytes);
    // What changes elsewhere changes nothing here.
    area.app.register("Eva Ejemplo", "1003", "Leticia").await;
    assert_eq!(
        program.file(&area.app, "value=cali&format=csv").await,
        first
    );
    area.app.register("Sol Ejemplo", "1004", "Cali").await;
    let second = program.file(&area.app, "value=Cali&format=csv").await;
    assert_ne!(second, first);
    let longer = program.get(&area.app, &second).await;
    assert_eq!(longer.headers()["x-report-rows"], "2");
    let days = "value=Cali&format=csv&from=2001-01-01&until=2001-01-02";
    let earlier = program.file(&area.app, days).await;
    let earlier = program.get(&area.app, &earlier).await;
    assert_eq!(earlier.headers()["x-report-rows"], "0");
}

#[tokio::test]
async fn a_clerk_of_one_city_sees_no_report_of_another() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    area.app.register("Luz Ejemplo", "1002", "Leticia").await;
    let program = Program::of(&area).await;
    let leticia = program.file(&area.app, "value=Leticia&format=csv").await;
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["Cali"]).await;
    ana.log_in("ana@example.org", PASSWORD, "").await;
    let page = format!("/staff/c/{}/reports", area.app.campaign);
    let shown = ana.get(&page).await;
    assert!(shown.body.contains("value=\"Cali\"") && !shown.body.contains("Leticia"));
    for (value, status) in [
        ("Cali", 303),
        ("Leticia", 404),
        ("_all", 404),
        ("Atlantis", 404),
        ("", 422),
    ] {
        ana.get(&page).await;
        let asked = ana
            .post(&page, &[("value", value), ("format", "csv")])
            .await;
        assert_eq!(asked.status, status, "{value}");
    }
    let theirs = leticia.trim_end_matches("/file");
    for path in ["", "/file", "/progress"] {
        assert_eq!(ana.get(&format!("{theirs}{path}")).await.status, 404);
    }
    ana.get(&page).await;
    assert_eq!(ana.post(&format!("{theirs}/cancel"), &[]).await.status, 404);
    for fields in [
        [("value", "Cali"), ("format", "pdf"), ("from", "")],
        [("value", "Cali"), ("format", "csv"), ("from", "ayer")],
    ] {
        ana.get(&page).await;
        assert_eq!(ana.post(&page, &fields).await.status, 422, "{fields:?}");
    }
}

/// What removes the files of this area, and the folder in which they are.
fn sweeper(area: &Area) -> (Sweeper, PathBuf) {
    let folder = area.installation.folder.path().join("data/photos");
    let seal = Seal::new(VaultKey::generate(MasterKey::new(&[1; 32]).id()).unwrap());
    let photos = Photos::new(&PhotosSetting::Disk(folder.clone()), seal);
    (Sweeper::new(area.store.clone(), photos), folder)
}

fn later(minutes: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn files_are_swept_after_a_day() {
    let area = Area::start(Stores::Embedded).await;
    area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let program = Program::of(&area).await;
    let file = program.file(&area.app, "value=Cali&format=csv").await;
    let (sweeper, folder) = sweeper(&area);
    assert_eq!(sweeper.sweep(later(23 * 60)).await.unwrap(), 0);
    assert_eq!(program.get(&area.app, &file).await.status(), 200);
    assert_eq!(sweeper.sweep(later(25 * 60)).await.unwrap(), 1);
    assert_eq!(program.get(&area.app, &file).await.status(), 404);
    assert_eq!(area.store.job(id(&file)).await.unwrap(), None);
    let left = std::fs::read_dir(folder.join("_reports").join(&area.app.campaign));
    assert_eq!(left.unwrap().count(), 0);
}

#[tokio::test]
async fn who_is_deleted_does_not_live_on_in_a_file() {
    let area = Area::start(Stores::Embedded).await;
    let answer = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let registered: Value = answer.json().await.unwrap();
    let program = Program::of(&area).await;
    let file = program.file(&area.app, "value=Cali&format=csv").await;
    let campaigns = Campaigns::read(&area.installation.folder.path().join("campaigns"));
    let campaigns = campaigns.unwrap();
    let campaign = campaigns.get(&area.app.campaign).unwrap();
    let ana = RegistrationId::parse(registered["id"].as_str().unwrap()).unwrap();
    let ana = area.store.record(campaign, ana).await.unwrap().unwrap();
    let deletion = Deletion {
        at: Timestamp::now(),
        by: "account:x".into(),
        reason: "pedido".into(),
        value: "Cali".into(),
    };
    let deleted = area.store.delete(campaign, &ana, &deletion).await;
    assert_eq!(deleted.unwrap(), Amended::Done);
    let without = program.file(&area.app, "value=Cali&format=csv").await;
    assert_ne!(without, file);
    let listed = program.get(&area.app, &without).await;
    assert_eq!(listed.headers()["x-report-rows"], "0");
    let (sweeper, _) = sweeper(&area);
    assert_eq!(
        sweeper.sweep(later(1)).await.unwrap(),
        0,
        "it can be fetched"
    );
    assert_eq!(sweeper.sweep(later(11)).await.unwrap(), 1);
    assert_eq!(program.get(&area.app, &file).await.status(), 404);
    assert_eq!(program.get(&area.app, &without).await.status(), 200);
}
