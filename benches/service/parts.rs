//! Parts of the bench that need few registrations: start, memory, registrations, public totals.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use reqwest::Client;

use super::cleanup::clean_up;
use super::crowd::Crowd;
use super::figures::{percentile, print_line};
use super::instance::Instance;
use super::wrk;
use jornada_testkit::instance::{Installation, Stores};

const ROUNDS: usize = 5;
const STARTS: usize = 15;
const PEOPLE: u16 = 5_000;
/// Connections that send registrations.
const SENDERS: usize = 16;
/// Connections that read the totals.
const READERS: usize = 64;
const READ_SECONDS: usize = 6;

/// Measures the time from start to ready, with the servers up, and the memory of an idle instance.
pub async fn start() -> Result<()> {
    for stores in [Stores::Servers, Stores::Embedded] {
        let (http, installation) = (Client::new(), Installation::new(stores));
        // Bucket, indexes and files are created once; not part of a start.
        drop(Instance::start(&installation, &http).await?);
        let (mut starts, mut idle) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let instance = Instance::start(&installation, &http).await?;
            starts.push(instance.ready_after.as_secs_f64() * 1e3);
            tokio::time::sleep(Duration::from_millis(700)).await;
            idle.push(instance.resident()?);
        }
        print_line(
            &format!("{stores:?}: start to ready, ms"),
            starts,
            Some(100.0),
        );
        print_line(
            &format!("{stores:?}: resident when idle, MiB"),
            idle,
            Some(25.0),
        );
        clean_up(&installation).await?;
    }
    Ok(())
}

/// Measures CPU time and latency of registrations, and memory afterwards.
pub async fn registrations() -> Result<()> {
    for stores in [Stores::Servers, Stores::Embedded] {
        let (http, installation) = (Client::new(), Installation::new(stores));
        let instance = Instance::start(&installation, &http).await?;
        let crowd = Arc::new(Crowd::new(http, &instance.base, &installation.campaign));
        // Warm-up: connections and memory are allocated once.
        crowd.register(500, SENDERS).await?;
        let mut figures = [const { Vec::new() }; 5];
        for _ in 0..ROUNDS {
            for (runs, figure) in figures.iter_mut().zip(round(&instance, &crowd).await?) {
                runs.push(figure);
            }
        }
        let [cpu, switches, preempted, p50, p99] = figures;
        let line = |what: &str| format!("{stores:?}: {what}");
        let goal = (stores == Stores::Servers).then_some(0.25);
        print_line(&line("CPU-s per 1,000 registrations"), cpu, goal);
        print_line(&line("context switches per registration"), switches, None);
        print_line(&line("of these involuntary"), preempted, None);
        print_line(&line(&format!("p50 of {SENDERS} at once, ms")), p50, None);
        print_line(&line(&format!("p99 of {SENDERS} at once, ms")), p99, None);
        tokio::time::sleep(Duration::from_secs(2)).await;
        print_line(
            &format!("{stores:?}: resident afterwards, MiB"),
            vec![instance.resident()?],
            None,
        );
        drop(instance);
        clean_up(&installation).await?;
    }
    Ok(())
}

/// Registers people. Returns CPU seconds per 1,000, context switches per registration, involuntary ones, p50 and p99.
async fn round(instance: &Instance, crowd: &Arc<Crowd>) -> Result<[f64; 5]> {
    let (cpu, switches) = (instance.cpu()?, instance.context_switches()?);
    let mut times = crowd.register(PEOPLE.into(), SENDERS).await?;
    let people = f64::from(PEOPLE);
    let cpu = (instance.cpu()? - cpu) * 1e3 / people;
    let [waits, preempted] = instance.context_switches()?;
    let preempted = (preempted - switches[1]) / people;
    let all = (waits - switches[0]) / people + preempted;
    let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    Ok([cpu, all, preempted, p50, p99])
}

/// Measures CPU time and latency of the public totals with all cities.
pub async fn chart() -> Result<()> {
    let (http, installation) = (Client::new(), Installation::new(Stores::Servers));
    let instance = Instance::start(&installation, &http).await?;
    let crowd = Arc::new(Crowd::new(
        http.clone(),
        &instance.base,
        &installation.campaign,
    ));
    crowd.register(SENDERS * 10, SENDERS).await?;
    let url = format!(
        "{}/api/v1/campaigns/{}/chart",
        instance.base, installation.campaign
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let bytes = http.get(&url).send().await?.bytes().await?.len();
    ensure!(bytes > 1_000, "the chart shows no cities");
    let (mut cpu, mut p50, mut p99, mut rate) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = instance.cpu()?;
        let asked = wrk::run(&url, READERS, READ_SECONDS)?;
        cpu.push((instance.cpu()? - before) * 1e3 / asked.requests);
        p50.push(asked.p50);
        p99.push(asked.p99);
        rate.push(asked.per_second);
    }
    print_line(
        &format!("CPU-s per 1,000 charts of {bytes} bytes"),
        cpu,
        Some(0.015),
    );
    print_line(&format!("p50 of {READERS} at once, ms"), p50, Some(1.0));
    print_line(&format!("p99 of {READERS} at once, ms"), p99, None);
    print_line("charts a second", rate, None);
    print_line("resident afterwards, MiB", vec![instance.resident()?], None);
    drop(instance);
    clean_up(&installation).await
}
