//! The same report as a background job: how often its progress changes, and its memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use super::figures::print_line;
use super::instance::Instance;
use super::rows::CITY;

/// Polling interval of the progress; shorter than that of the page.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// API client that requests reports.
pub struct ReportClient {
    http: Client,
    base: String,
    campaign: String,
    token: String,
}

/// Observed course of a job, in seconds.
pub struct JobTrace {
    pub took: f64,
    /// Maximum time between two changes of the row count.
    pub longest_pause: f64,
}

impl ReportClient {
    pub fn new(base: &str, campaign: &str, token: String) -> Result<Self> {
        Ok(Self {
            http: Client::builder().redirect(Policy::none()).build()?,
            base: base.to_owned(),
            campaign: campaign.to_owned(),
            token,
        })
    }

    fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }

    /// Requests a report and polls its progress until it is done.
    pub async fn run_job(&self) -> Result<JobTrace> {
        let page = format!("{}/staff/c/{}/reports", self.base, self.campaign);
        let form = "application/x-www-form-urlencoded";
        let asked = self.http.post(page).header("content-type", form);
        let asked = asked.body(format!("value={CITY}&format=xlsx"));
        let (begun, answer) = (Instant::now(), self.sign(asked).send().await?);
        let page = answer.headers().get("location").context("not accepted")?;
        let page = format!("{}{}/progress", self.base, page.to_str()?);
        let (mut rows, mut moved, mut longest_pause) = (0, None::<Instant>, 0.0_f64);
        loop {
            let seen = self.sign(self.http.get(&page)).send().await?;
            let (status, seen) = (seen.status(), seen.text().await?);
            ensure!(status == 200, "the progress answered {status}: {seen}");
            let seen: Value = serde_json::from_str(&seen)?;
            let now = seen["rows"].as_u64().context("no rows")?;
            if now != rows {
                let pause = moved.map_or(0.0, |moved| moved.elapsed().as_secs_f64());
                longest_pause = longest_pause.max(pause);
                (rows, moved) = (now, Some(Instant::now()));
            }
            match seen["state"].as_str().context("no state")? {
                "waiting" | "running" => tokio::time::sleep(POLL_INTERVAL).await,
                "done" => break,
                other => anyhow::bail!("the job is {other}"),
            }
        }
        let took = begun.elapsed().as_secs_f64();
        ensure!(moved.is_some(), "no progress was seen");
        Ok(JobTrace {
            took,
            longest_pause,
        })
    }
}

/// Measures a job without other load.
pub async fn measure_job(instance: &Instance, asker: &ReportClient) -> Result<()> {
    instance.forget_peak()?;
    let idle = instance.resident()?;
    let course = asker.run_job().await?;
    let above = instance.peak()? - idle;
    print_line("the same as a job, s", vec![course.took], None);
    print_line(
        "longest time without progress, s",
        vec![course.longest_pause],
        Some(0.5),
    );
    print_line("the same, peak above idle, MiB", vec![above], Some(32.0));
    Ok(())
}
