//! A report of a million registrations, from MongoDB to the complete file over HTTP, compared with the workbook library
//! alone for the same rows; and its effect on other requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jornada::domain::Campaign;
use reqwest::{Client, RequestBuilder};
use tokio_util::sync::CancellationToken;

use super::crowd::Crowd;
use super::figures::{line, percentile};
use super::instance::Instance;
use super::job::{Asker, job_alone};
use super::rows::{CITY, POOL, fill, library, person};
use super::support::app::{Installation, Stores};
use super::sweep::sweep;

const ROWS: usize = 1_000_000;
const ROUNDS: usize = 3;
/// Interval between requests of one visitor; a steady pace, independent of the other visitors.
const PAUSE: Duration = Duration::from_millis(50);
const REGISTERING: usize = 4;
const LOOKING: usize = 8;
const QUIET: Duration = Duration::from_secs(10);

pub async fn report() -> Result<()> {
    let (http, installation) = (Client::new(), Installation::new(Stores::Servers));
    let campaign = campaign(&installation)?;
    let instance = Instance::start(&installation, &http).await?;
    let settings = &installation.settings;
    let store = settings.iter().find(|(name, _)| name == "JORNADA_STORE");
    fill(&campaign, ROWS, &store.context("no store")?.1).await?;
    let url = format!(
        "{}/api/v1/campaigns/{}/reports/{CITY}.xlsx",
        instance.base, installation.campaign
    );
    let token = installation.token();
    let asked = http.get(url).bearer_auth(&token);
    alone(&campaign, &instance, &asked).await?;
    let program = Asker::new(&instance.base, &installation.campaign, token)?;
    job_alone(&instance, &program).await?;
    let crowd = Crowd::new(http, &instance.base, &installation.campaign);
    beside_others(&Arc::new(crowd), &asked, &program).await?;
    drop(instance);
    sweep(&installation).await
}

/// Reads the campaign file of the instance.
fn campaign(installation: &Installation) -> Result<Campaign> {
    let folder = installation.folder.path().join("campaigns");
    let text = std::fs::read_to_string(folder.join("vacunacion.toml"))?;
    let list =
        |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    let campaign = Campaign::parse(&text, list);
    let mut campaign = campaign.map_err(|_| anyhow::anyhow!("the campaign cannot be read"))?;
    // The generated forms contain no consent.
    campaign.consent = None;
    Ok(campaign)
}

/// Measures reports without other load, each followed by the library alone.
async fn alone(campaign: &Campaign, instance: &Instance, asked: &RequestBuilder) -> Result<()> {
    let pool: Arc<Vec<_>> = Arc::new((0..POOL).map(|number| person(campaign, number)).collect());
    let (mut seconds, mut ratio, mut cpu, mut above) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        instance.forget_peak()?;
        let (idle, before) = (instance.resident()?, instance.cpu()?);
        let begun = Instant::now();
        fetch(asked).await?;
        let took = begun.elapsed().as_secs_f64();
        cpu.push(instance.cpu()? - before);
        above.push(instance.peak()? - idle);
        let pool = Arc::clone(&pool);
        let begun = Instant::now();
        tokio::task::spawn_blocking(move || library(&pool, ROWS, 6)).await?;
        ratio.push(took / begun.elapsed().as_secs_f64());
        seconds.push(took);
    }
    line(
        &format!("report of {ROWS} rows over HTTP, s"),
        seconds,
        None,
    );
    line("the same, CPU-s of the instance", cpu, None);
    line("the same, times the library alone", ratio, Some(1.25));
    line("the same, peak above idle, MiB", above, Some(32.0));
    Ok(())
}

/// Measures how a report and a job slow down registrations and reads of the totals at a steady pace.
async fn beside_others(crowd: &Arc<Crowd>, asked: &RequestBuilder, program: &Asker) -> Result<()> {
    let mut quiet = [Vec::new(), Vec::new()];
    let (mut in_report, mut in_job) = (quiet.clone(), quiet.clone());
    let (mut took, mut pause) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let nothing = async || {
            tokio::time::sleep(QUIET).await;
            Ok(())
        };
        let ((), idle) = beside(crowd, nothing).await?;
        let ((), met) = beside(crowd, async || fetch(asked).await).await?;
        // Registrations have arrived since the last job, so that its file is not reused.
        let (course, met_in_job) = beside(crowd, async || program.follow().await).await?;
        for place in 0..2 {
            quiet[place].push(idle[place]);
            in_report[place].push(met[place] / idle[place]);
            in_job[place].push(met_in_job[place] / idle[place]);
        }
        took.push(course.took);
        pause.push(course.longest_pause);
    }
    line("a job beside visitors, s", took, None);
    line("longest time without progress, s", pause, Some(0.5));
    let mut met = quiet.into_iter().zip(in_report).zip(in_job);
    for what in ["registrations", "charts"] {
        let ((quiet, in_report), in_job) = met.next().context("both were measured")?;
        line(&format!("p99 of {what}, ms"), quiet, None);
        line("times as much during a report", in_report, Some(2.0));
        line("times as much during a job", in_job, Some(2.0));
    }
    Ok(())
}

/// Runs `work` while visitors send requests. Returns its result and their p99 of registrations and totals, in
/// milliseconds.
async fn beside<T>(
    crowd: &Arc<Crowd>,
    work: impl AsyncFnOnce() -> Result<T>,
) -> Result<(T, [f64; 2])> {
    let stop = CancellationToken::new();
    let visitors = tokio::spawn(visit(Arc::clone(crowd), stop.clone()));
    let done = work().await?;
    stop.cancel();
    Ok((done, visitors.await??))
}

/// Runs visitors until `stop`; returns their p99 of registrations and totals, in milliseconds.
async fn visit(crowd: Arc<Crowd>, stop: CancellationToken) -> Result<[f64; 2]> {
    let (mut registering, mut looking) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for visitor in 0..REGISTERING + LOOKING {
        let (crowd, stop) = (Arc::clone(&crowd), stop.clone());
        let registers = visitor < REGISTERING;
        let tasks = if registers {
            &mut registering
        } else {
            &mut looking
        };
        tasks.spawn(async move {
            let mut times = Vec::new();
            while !stop.is_cancelled() {
                let rest = tokio::time::sleep(PAUSE);
                times.push(if registers {
                    crowd.one().await?
                } else {
                    crowd.look().await?
                });
                rest.await;
            }
            anyhow::Ok(times)
        });
    }
    let mut p99 = [0.0; 2];
    for (tasks, p99) in [registering, looking].into_iter().zip(&mut p99) {
        let times = tasks
            .join_all()
            .await
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        *p99 = percentile(&mut times.concat(), 99);
    }
    Ok(p99)
}

/// Downloads a report and discards it.
async fn fetch(asked: &RequestBuilder) -> Result<()> {
    let asked = asked.try_clone().context("a request without a body")?;
    let mut answer = asked.send().await?;
    ensure!(answer.status() == 200, "answered {}", answer.status());
    let rows = answer.headers().get("x-report-rows").context("no count")?;
    let rows: usize = rows.to_str()?.parse()?;
    ensure!(rows >= ROWS, "only {rows} rows");
    while answer.chunk().await?.is_some() {}
    Ok(())
}
