//! `jornada load`: sends invented registrations, and verifies afterwards that every acknowledged one is stored.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, value_parser};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::admin_context::{open_key_ring, open_store};
use super::shutdown;
use crate::config::{Env, FromEnv, campaigns_folder};
use crate::load::client::{self, Client};
use crate::load::journal::{Heading, Journal, JournalContents};
use crate::load::people::People;
use crate::load::picture;
use crate::load::run::{self, Load};
use crate::load::target::LoadTarget;
use crate::load::verification_report::VerificationReport;
use crate::load::verifier::Verifier;
use jornada_domain::Campaign;
use jornada_objects::{MasterKeys, ObjectStore, ObjectStoreSetting};
use jornada_service::campaigns::Campaigns;

/// Maximum number of receipts printed per kind of error.
const MAX_NAMED: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum LoadCommand {
    /// Send invented registrations at a constant rate and print a JSON summary. SIGTERM or Ctrl-C ends it early
    Run(RunArgs),
    /// Verify that every acknowledged registration is stored once and complete, and print a JSON summary
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(super) struct TargetArgs {
    /// Base URL of the site, such as `http://127.0.0.1:8080`
    #[arg(long)]
    to: String,
    /// Allow a target other than this machine. Ask its owner first
    #[arg(long)]
    beyond_this_machine: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    site: TargetArgs,
    /// New file for acknowledged registrations
    #[arg(long)]
    journal: PathBuf,
    /// Id of the campaign
    #[arg(long, default_value = "simulacro")]
    campaign: String,
    /// Registrations per second
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Duration in seconds
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Size of each photo in bytes
    #[arg(long, default_value_t = 50_000, value_parser = photo_bytes)]
    photo_bytes: usize,
    /// Seconds for which one person retries
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u64).range(1..=3_600))]
    patience: u64,
    /// Send no idempotency key and no document, and never retry
    #[arg(long)]
    keyless: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    site: TargetArgs,
    /// Journal of a run
    #[arg(long)]
    journal: PathBuf,
    /// Seconds within which photos and chart must be complete
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u64).range(0..=3_600))]
    within: u64,
}

fn photo_bytes(raw: &str) -> Result<usize, String> {
    let bytes: usize = raw.parse().map_err(|_| "expected a number".to_owned())?;
    if picture::SIZES.contains(&bytes) {
        return Ok(bytes);
    }
    Err(format!(
        "expected {} to {}",
        picture::SIZES.start(),
        picture::SIZES.end()
    ))
}

/// Runs the command.
pub(super) fn run(env: &Env, command: LoadCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match command {
        LoadCommand::Run(args) => runtime.block_on(run_load(env, args)),
        LoadCommand::Verify(args) => runtime.block_on(verify(env, args)),
    }
}

impl TargetArgs {
    fn target(&self) -> anyhow::Result<LoadTarget> {
        LoadTarget::parse(&self.to, self.beyond_this_machine).context("--to")
    }
}

fn read_campaign(env: &Env, id: &str) -> anyhow::Result<Arc<Campaign>> {
    let campaigns = Campaigns::read(&campaigns_folder(env))?;
    let campaign = campaigns.get(id);
    campaign
        .cloned()
        .with_context(|| format!("JORNADA_CAMPAIGNS: no campaign '{id}'"))
}

async fn run_load(env: &Env, args: RunArgs) -> anyhow::Result<()> {
    let target = args.site.target()?;
    let campaign = read_campaign(env, &args.campaign)?;
    let run_name = run_name()?;
    let people = People::new(campaign.clone(), &run_name, args.photo_bytes, args.keyless)?;
    let heading = Heading {
        run: run_name,
        campaign: args.campaign,
        photo_bytes: args.photo_bytes,
        keyless: args.keyless,
        started_at: Timestamp::now(),
    };
    let load = Load {
        client: Client {
            http: client::build_http_client()?,
            url: target.api_url(&campaign.id, "registrations"),
            time_limit: Duration::from_secs(args.patience),
        },
        people,
        journal: Journal::create(&args.journal, heading)
            .with_context(|| format!("cannot create {}", args.journal.display()))?,
        rate: args.rate,
        time: Duration::from_secs(args.seconds),
    };
    let stop = CancellationToken::new();
    let (asked, stopped) = (shutdown::listen()?, stop.clone());
    tokio::spawn(async move {
        asked.await;
        stopped.cancel();
    });
    let summary = run::run(load, stop).await?;
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}

/// Returns six random characters that are valid in a document number.
fn run_name() -> anyhow::Result<String> {
    let mut random = [0; 5];
    getrandom::fill(&mut random)
        .map_err(|error| anyhow::anyhow!("cannot get random bytes: {error}"))?;
    Ok(data_encoding::BASE32_NOPAD.encode(&random)[..6].to_owned())
}

async fn verify(env: &Env, args: VerifyArgs) -> anyhow::Result<()> {
    let target = args.site.target()?;
    let journal = JournalContents::read(&args.journal)
        .with_context(|| format!("cannot read {}", args.journal.display()))?;
    let heading = &journal.heading;
    let campaign = read_campaign(env, &heading.campaign)?;
    let photos = ObjectStoreSetting::from_env(env)?;
    let keys = MasterKeys::from_env(env)?;
    let store = open_store(env).await?;
    let key_ring = open_key_ring(&store, &keys).await?;
    let verifier = Verifier {
        chart_url: target.api_url(&campaign.id, "chart"),
        people: People::new(campaign, &heading.run, heading.photo_bytes, heading.keyless)?,
        store,
        objects: ObjectStore::new(&photos, key_ring.encryptor().clone()),
        http: client::build_http_client()?,
        time_limit: Duration::from_secs(args.within),
    };
    let report = verifier.verify(&journal).await?;
    println!("{}", serde_json::to_value(&report)?);
    if report.is_clean() {
        return Ok(());
    }
    print_errors(&report);
    bail!("acknowledged registrations are missing or wrong");
}

fn print_errors(report: &VerificationReport) {
    let kinds = [
        ("lost", &report.lost),
        ("doubled", &report.doubled),
        ("altered", &report.altered),
        ("photo", &report.photos),
    ];
    for (kind, receipts) in kinds {
        for receipt in receipts.iter().take(MAX_NAMED) {
            eprintln!("{kind}: {receipt}");
        }
    }
}
