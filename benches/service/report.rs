//! A report of a million registrations, from MongoDB to the complete file over HTTP, compared with the workbook library
//! alone for the same rows; and its effect on other requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jornada_domain::Campaign;
use reqwest::{Client, RequestBuilder};
use tokio_util::sync::CancellationToken;

use super::cleanup::clean_up;
use super::crowd::Crowd;
use super::figures::{percentile, print_line};
use super::instance::Instance;
use super::job::{ReportClient, measure_job};
use super::rows::{CITY, POOL, fill, library, person};
use jornada_testkit::instance::{Installation, Stores};

const ROWS: usize = 1_000_000;
const ROUNDS: usize = 3;
/// Interval between requests of one visitor; a steady pace, independent of the other visitors.
const REQUEST_INTERVAL: Duration = Duration::from_millis(50);
const REGISTERING: usize = 4;
const READING: usize = 8;
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
    let token = installation.create_token();
    let asked = http.get(url).bearer_auth(&token);
    measure_alone(&campaign, &instance, &asked).await?;
    let program = ReportClient::new(&instance.base, &installation.campaign, token)?;
    measure_job(&instance, &program).await?;
    let crowd = Crowd::new(http, &instance.base, &installation.campaign);
    measure_beside_visitors(&Arc::new(crowd), &asked, &program).await?;
    drop(instance);
    clean_up(&installation).await
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
async fn measure_alone(
    campaign: &Campaign,
    instance: &Instance,
    asked: &RequestBuilder,
) -> Result<()> {
    let pool: Arc<Vec<_>> = Arc::new((0..POOL).map(|number| person(campaign, number)).collect());
    let (mut seconds, mut ratio, mut cpu, mut above) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        instance.forget_peak()?;
        let (idle, before) = (instance.resident()?, instance.cpu()?);
        let begun = Instant::now();
        download(asked).await?;
        let took = begun.elapsed().as_secs_f64();
        cpu.push(instance.cpu()? - before);
        above.push(instance.peak()? - idle);
        let pool = Arc::clone(&pool);
        let begun = Instant::now();
        tokio::task::spawn_blocking(move || library(&pool, ROWS, 6)).await?;
        ratio.push(took / begun.elapsed().as_secs_f64());
        seconds.push(took);
    }
    print_line(
        &format!("report of {ROWS} rows over HTTP, s"),
        seconds,
        None,
    );
    print_line("the same, CPU-s of the instance", cpu, None);
    print_line("the same, times the library alone", ratio, Some(1.25));
    print_line("the same, peak above idle, MiB", above, Some(32.0));
    Ok(())
}

/// Measures how a report and a job slow down registrations and reads of the totals at a steady pace.
async fn measure_beside_visitors(
    crowd: &Arc<Crowd>,
    asked: &RequestBuilder,
    program: &ReportClient,
) -> Result<()> {
    let mut quiet = [Vec::new(), Vec::new()];
    let (mut in_report, mut in_job) = (quiet.clone(), quiet.clone());
    let (mut took, mut pause) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let nothing = async || {
            tokio::time::sleep(QUIET).await;
            Ok(())
        };
        let ((), idle) = run_beside_visitors(crowd, nothing).await?;
        let ((), met) = run_beside_visitors(crowd, async || download(asked).await).await?;
        // Registrations have arrived since the last job, so that its file is not reused.
        let (course, met_in_job) =
            run_beside_visitors(crowd, async || program.run_job().await).await?;
        for place in 0..2 {
            quiet[place].push(idle[place]);
            in_report[place].push(met[place] / idle[place]);
            in_job[place].push(met_in_job[place] / idle[place]);
        }
        took.push(course.took);
        pause.push(course.longest_pause);
    }
    print_line("a job beside visitors, s", took, None);
    print_line("longest time without progress, s", pause, Some(0.5));
    let mut met = quiet.into_iter().zip(in_report).zip(in_job);
    for what in ["registrations", "charts"] {
        let ((quiet, in_report), in_job) = met.next().context("both were measured")?;
        print_line(&format!("p99 of {what}, ms"), quiet, None);
        print_line("times as much during a report", in_report, Some(2.0));
        print_line("times as much during a job", in_job, Some(2.0));
    }
    Ok(())
}

/// Runs `work` while visitors send requests. Returns its result and their p99 of registrations and totals, in
/// milliseconds.
async fn run_beside_visitors<T>(
    crowd: &Arc<Crowd>,
    work: impl AsyncFnOnce() -> Result<T>,
) -> Result<(T, [f64; 2])> {
    let stop = CancellationToken::new();
    let visitors = tokio::spawn(run_visitors(Arc::clone(crowd), stop.clone()));
    let done = work().await?;
    stop.cancel();
    Ok((done, visitors.await??))
}

/// Runs visitors until `stop`; returns their p99 of registrations and totals, in milliseconds.
async fn run_visitors(crowd: Arc<Crowd>, stop: CancellationToken) -> Result<[f64; 2]> {
    let (mut registering, mut looking) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for visitor in 0..REGISTERING + READING {
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
                let rest = tokio::time::sleep(REQUEST_INTERVAL);
                times.push(if registers {
                    crowd.register_next().await?
                } else {
                    crowd.read_totals().await?
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
async fn download(asked: &RequestBuilder) -> Result<()> {
    let asked = asked.try_clone().context("a request without a body")?;
    let mut answer = asked.send().await?;
    ensure!(answer.status() == 200, "answered {}", answer.status());
    let rows = answer.headers().get("x-report-rows").context("no count")?;
    let rows: usize = rows.to_str()?.parse()?;
    ensure!(rows >= ROWS, "only {rows} rows");
    while answer.chunk().await?.is_some() {}
    Ok(())
}
