//! `jornada load`: sends invented registrations, and verifies afterwards that every acknowledged one is stored.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, value_parser};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::end;
use crate::campaigns::Campaigns;
use crate::config::{Env, FromEnv, PhotoKeys, PhotosSetting, StoreSetting};
use crate::domain::Campaign;
use crate::intake::vault::Vault;
use crate::load::client::{self, Client};
use crate::load::findings::Findings;
use crate::load::journal::{Heading, Journal, Promises};
use crate::load::people::People;
use crate::load::picture;
use crate::load::run::{self, Load, Plan};
use crate::load::target::Target;
use crate::load::verify::Proof;
use crate::photo::Photos;
use crate::store::Store;

/// Maximum number of receipts printed per kind of error.
const MOST_NAMED: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum LoadCommand {
    /// Send invented registrations at a constant rate and print a JSON summary. SIGTERM or Ctrl-C ends it early
    Run(RunArgs),
    /// Verify that every acknowledged registration is stored once and complete, and print a JSON summary
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(super) struct Site {
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
    site: Site,
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
    site: Site,
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
pub(super) fn play(env: &Env, command: LoadCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match command {
        LoadCommand::Run(args) => runtime.block_on(send(env, args)),
        LoadCommand::Verify(args) => runtime.block_on(prove(env, args)),
    }
}

impl Site {
    fn target(&self) -> anyhow::Result<Target> {
        Target::parse(&self.to, self.beyond_this_machine).context("--to")
    }
}

fn campaign(env: &Env, id: &str) -> anyhow::Result<Arc<Campaign>> {
    let campaigns = Campaigns::read(env.or("JORNADA_CAMPAIGNS", "campaigns").as_ref())?;
    let campaign = campaigns.get(id);
    campaign
        .cloned()
        .with_context(|| format!("JORNADA_CAMPAIGNS: no campaign '{id}'"))
}

async fn send(env: &Env, args: RunArgs) -> anyhow::Result<()> {
    let target = args.site.target()?;
    let campaign = campaign(env, &args.campaign)?;
    let run_name = run_name()?;
    let people = People::new(campaign.clone(), &run_name, args.photo_bytes, args.keyless)?;
    let heading = Heading {
        run: run_name.clone(),
        campaign: args.campaign,
        photo_bytes: args.photo_bytes,
        keyless: args.keyless,
        started_at: Timestamp::now(),
    };
    let address = target.registrations(&campaign.id);
    let load = Load {
        client: Client::new(client::http()?, address, Duration::from_secs(args.patience)),
        people,
        keyless: args.keyless,
        journal: Journal::begin(&args.journal, heading)
            .with_context(|| format!("cannot create {}", args.journal.display()))?,
        run: run_name,
    };
    let plan = Plan {
        rate: args.rate,
        time: Duration::from_secs(args.seconds),
    };
    let stop = CancellationToken::new();
    let (asked, stopped) = (end::asked()?, stop.clone());
    tokio::spawn(async move {
        asked.await;
        stopped.cancel();
    });
    let summary = run::run(load, plan, stop).await?;
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

async fn prove(env: &Env, args: VerifyArgs) -> anyhow::Result<()> {
    let target = args.site.target()?;
    let promises = Promises::read(&args.journal)
        .with_context(|| format!("cannot read {}", args.journal.display()))?;
    let heading = &promises.heading;
    let campaign = campaign(env, &heading.campaign)?;
    let setting = StoreSetting::from_env(env)?;
    let photos = PhotosSetting::from_env(env)?;
    let keys = PhotoKeys::from_env(env)?;
    let store = Store::open(&setting).await.context("JORNADA_STORE")?;
    let key_ring = Vault::open(store.clone(), &keys).await;
    let key_ring = key_ring.context("JORNADA_PHOTO_KEY")?;
    let proof = Proof {
        chart: target.chart(&campaign.id),
        people: People::new(campaign, &heading.run, heading.photo_bytes, heading.keyless)?,
        store,
        photos: Photos::new(&photos, key_ring.seal().clone()),
        http: client::http()?,
        within: Duration::from_secs(args.within),
    };
    let findings = proof.judge(&promises).await?;
    println!("{}", counts(&findings));
    if findings.are_right() {
        return Ok(());
    }
    name_wrong_ones(&findings);
    bail!("acknowledged registrations are missing or wrong");
}

fn counts(findings: &Findings) -> serde_json::Value {
    serde_json::json!({
        "acknowledged": findings.acknowledged,
        "kept": findings.kept,
        "kept_unacknowledged": findings.kept_unacknowledged,
        "total": findings.total,
        "lost": findings.lost.len(),
        "doubled": findings.doubled.len(),
        "altered": findings.altered.len(),
        "photos": findings.photos.len(),
        "too_many": findings.too_many,
        "chart_differs": findings.chart_differs,
    })
}

fn name_wrong_ones(findings: &Findings) {
    let kinds = [
        ("lost", &findings.lost),
        ("doubled", &findings.doubled),
        ("altered", &findings.altered),
        ("photo", &findings.photos),
    ];
    for (kind, receipts) in kinds {
        for receipt in receipts.iter().take(MOST_NAMED) {
            eprintln!("{kind}: {receipt}");
        }
    }
}
