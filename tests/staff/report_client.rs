//! A program that requests reports through the pages, with an API token.

use jornada_domain::staff::Scope;
use jornada_service::staff::token::Token;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;
use uuid::Uuid;

use crate::area::Area;
use jornada_testkit::instance::RunningInstance;

/// A client with a token for reports. Follows no redirects.
pub struct Program {
    http: Client,
    token: Token,
}

impl Program {
    pub async fn new(area: &Area) -> Self {
        Self {
            http: Client::builder().redirect(Policy::none()).build().unwrap(),
            token: area.create_token(&[Scope::Report], |_| {}).await,
        }
    }

    pub async fn get(&self, app: &RunningInstance, path: &str) -> Response {
        let asked = self.http.get(format!("{}{path}", app.base));
        asked.bearer_auth(self.token.expose()).send().await.unwrap()
    }

    /// Requests a report and returns the path to which the form redirects.
    pub async fn request_report(&self, app: &RunningInstance, fields: &str) -> String {
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

    /// Requests a report, waits until it is done, and returns the path of the file.
    pub async fn request_file(&self, app: &RunningInstance, fields: &str) -> String {
        let led = self.request_report(app, fields).await;
        let page = led.trim_end_matches("/file");
        self.wait_until_done(app, page).await;
        format!("{page}/file")
    }

    pub async fn progress(&self, app: &RunningInstance, page: &str) -> Value {
        let answer = self.get(app, &format!("{page}/progress")).await;
        answer.json().await.unwrap()
    }

    /// Waits until the report has rows but is not complete.
    pub async fn wait_until_half(&self, app: &RunningInstance, page: &str) {
        app.wait_until("the report is at half", async |app| {
            let seen = self.progress(app, page).await;
            assert_ne!(seen["state"], "done", "too few rows for this machine");
            let rows = seen["rows"].as_u64().unwrap();
            rows > 0 && seen["of"].as_u64().is_some_and(|of| rows < of)
        })
        .await;
    }

    /// Waits until the report is done. Reports run at low priority, so this takes long beside other tests.
    pub async fn wait_until_done(&self, app: &RunningInstance, page: &str) {
        app.wait_until_within("the report is done", 400, async |app| {
            let seen = self.progress(app, page).await;
            assert_ne!(seen["state"], "failed");
            seen["state"] == "done"
        })
        .await;
    }
}

/// Returns the job id in the path of a job's page, or of a path below it.
pub fn job_id(page: &str) -> Uuid {
    let id = page.split('/').nth(5).unwrap();
    Uuid::parse_str(id).unwrap()
}
