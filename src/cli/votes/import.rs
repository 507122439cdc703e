//! `jornada votes import`: reads a file of results twice, to check it and then to store its votes.

mod plan;

use std::fs::File;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use prometheus::Registry;

use crate::cli::admin_context::{AdminContext, block_on};
use crate::config::{Env, FromEnv};
use jornada_domain::Campaign;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_service::batcher::metrics::BatchMetricsByKind;
use jornada_service::batcher::{Batcher, MAX_WAITING_VOTES};
use jornada_service::key::InstallationSecret;
use jornada_service::registrations::closure_cache::ClosureCache;
use jornada_service::votes::import::layout::{CountColumns, ResultsLayout};
use jornada_service::votes::import::results::ResultsReader;
use jornada_service::votes::import::{ImportCounts, ImportError, VoteImport};
use jornada_service::votes::metrics::VoteMetrics;
use jornada_service::votes::{CastError, Votes};
use plan::Plan;

/// Time between two lines of progress, on a terminal and elsewhere.
const PROGRESS_INTERVALS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// Id of the campaign
    pub(super) campaign: String,
    /// CSV file with a heading, in UTF-8
    file: PathBuf,
    /// The columns of the fields, as a line of CSV
    #[arg(long, value_name = "FIELD=HEADING,...", value_parser = parse_columns, default_value = "")]
    columns: Columns,
    /// The column with the number of votes
    #[arg(
        long,
        value_name = "HEADING",
        required_unless_present = "wide",
        conflicts_with = "wide"
    )]
    count: Option<String>,
    /// The columns with the numbers of votes, one for each option of this field
    #[arg(long, value_name = "FIELD=HEADING,...", value_parser = parse_wide)]
    wide: Option<Wide>,
    /// A field that has this value in every vote; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", value_parser = parse_pair)]
    set: Vec<(String, String)>,
    /// A value of the file that has another name in the campaign; may be repeated
    #[arg(long, value_name = "FIELD=PUBLISHED=VALUE", value_parser = parse_rename)]
    rename: Vec<(String, String, String)>,
    /// A value of the file that is not counted, such as null votes; may be repeated
    #[arg(long, value_name = "FIELD=PUBLISHED", value_parser = parse_pair)]
    skip: Vec<(String, String)>,
    /// Separator of the columns, or `tab`
    #[arg(long, default_value = ",", value_parser = parse_delimiter)]
    delimiter: u8,
    /// Only check the file and print its sums; needs no store
    #[arg(long)]
    dry_run: bool,
}

/// Fields and the headings of their columns.
#[derive(Clone, Debug)]
struct Columns(Vec<(String, String)>);

/// A field, and the headings that are its options.
#[derive(Clone, Debug)]
struct Wide(String, Vec<String>);

fn parse_pair(raw: &str) -> Result<(String, String), String> {
    let pair = raw
        .split_once('=')
        .map(|(field, value)| (field.trim(), value.trim()));
    match pair {
        Some((field, value)) if !field.is_empty() && !value.is_empty() => {
            Ok((field.to_owned(), value.to_owned()))
        }
        _ => Err(format!("'{raw}': expected FIELD=VALUE")),
    }
}

fn parse_rename(raw: &str) -> Result<(String, String, String), String> {
    let (field, rest) = parse_pair(raw)?;
    // A published name may contain the sign, a value of a campaign hardly ever does.
    let (published, value) = rest
        .rsplit_once('=')
        .ok_or("expected FIELD=PUBLISHED=VALUE")?;
    Ok((field, published.trim().to_owned(), value.trim().to_owned()))
}

/// Splits a line of CSV.
fn split(raw: &str) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(raw.as_bytes());
    let mut rows = reader.deserialize::<Vec<String>>();
    let row = rows.next().unwrap_or_else(|| Ok(Vec::new()));
    row.map_err(|error| error.to_string())
}

fn parse_columns(raw: &str) -> Result<Columns, String> {
    let pairs = split(raw)?;
    let pairs = pairs.iter().map(|pair| parse_pair(pair));
    Ok(Columns(pairs.collect::<Result<_, _>>()?))
}

fn parse_wide(raw: &str) -> Result<Wide, String> {
    let (field, headings) = parse_pair(raw)?;
    Ok(Wide(field, split(&headings)?))
}

fn parse_delimiter(raw: &str) -> Result<u8, String> {
    match raw.as_bytes() {
        b"tab" => Ok(b'\t'),
        [one] if one.is_ascii() && !one.is_ascii_alphanumeric() && *one != b'"' => Ok(*one),
        _ => Err("expected one character such as ; or the word tab".to_owned()),
    }
}

impl ImportArgs {
    fn layout(&self) -> anyhow::Result<ResultsLayout> {
        let counts = match (&self.count, &self.wide) {
            (Some(heading), _) => CountColumns::One(heading.clone()),
            (None, Some(Wide(field, headings))) => CountColumns::ForEach {
                field: field.clone(),
                headings: headings.clone(),
            },
            (None, None) => bail!("--count or --wide names the columns with the numbers of votes"),
        };
        Ok(ResultsLayout {
            columns: self.columns.0.clone(),
            constants: self.set.clone(),
            counts,
            renames: self.rename.clone(),
            skips: self.skip.clone(),
            delimiter: self.delimiter,
        })
    }
}

/// Runs the command.
pub(super) fn run(env: &Env, campaign: &Arc<Campaign>, args: &ImportArgs) -> anyhow::Result<()> {
    let layout = args.layout()?;
    layout.check(campaign)?;
    let plan = Plan::read(open(&args.file, &layout)?, campaign)?;
    plan.print(campaign)?;
    ensure!(
        plan.lines > 0,
        "the file has no line after its heading: nothing was imported"
    );
    let mistakes = plan.mistakes();
    ensure!(
        mistakes == 0,
        "{mistakes} counts or lines have mistakes: nothing was imported"
    );
    if args.dry_run {
        return Ok(());
    }
    block_on(async {
        let context = AdminContext::open(env).await?;
        let event = AuditEvent::new(AuditAction::VotesImported).with_campaign(&campaign.id);
        let event = event.with_detail("sha256", &plan.digest);
        context
            .record(event.with_detail("votes", plan.votes))
            .await?;
        let votes = open_votes(env, &context).await?;
        let import = VoteImport::new(votes, Arc::clone(campaign), plan.digest.clone());
        if let Some(first) = &plan.first
            && import.is_after_another(&context.store, first).await?
        {
            eprintln!(
                "warning: the campaign has votes of another file; if it has the same results, erase them and run the command again"
            );
        }
        let results = open(&args.file, &layout)?;
        store(import, results, &plan).await
    })
}

fn open(path: &Path, layout: &ResultsLayout) -> anyhow::Result<ResultsReader<File>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    ResultsReader::open(file, layout).with_context(|| path.display().to_string())
}

/// Returns the use case of the doors, without a queue.
async fn open_votes(env: &Env, context: &AdminContext) -> anyhow::Result<Votes> {
    let registry = Registry::new();
    let batches = BatchMetricsByKind::new(&registry)?;
    let store = context.store.clone();
    Ok(Votes {
        instance: None,
        queue: None,
        batcher: Batcher::new(store, batches.of_votes(), MAX_WAITING_VOTES),
        closures: ClosureCache::load(&context.store).await?,
        secret: InstallationSecret::from_env(env)?,
        metrics: VoteMetrics::new(&registry)?,
    })
}

async fn store(
    mut import: VoteImport,
    mut results: ResultsReader<File>,
    plan: &Plan,
) -> anyhow::Result<()> {
    let mut progress = progress(plan.votes);
    while let Some(line) = results.next_line() {
        for counted in line?.counts {
            let added = import.add(&counted, &mut progress).await;
            added.map_err(explain)?;
        }
    }
    let counts = import.finish().await.map_err(explain)?;
    println!(
        "{} stored, {} were stored before",
        counts.stored, counts.already_stored
    );
    ensure!(
        results.digest() == plan.digest,
        "the file was changed during the import, so the sums are not those of the file: erase the votes and import it again"
    );
    Ok(())
}

/// Returns what prints a line of progress from time to time.
fn progress(total: u64) -> impl FnMut(ImportCounts) {
    let is_terminal = stderr().is_terminal();
    let [terminal, log] = PROGRESS_INTERVALS;
    let interval = if is_terminal { terminal } else { log };
    let start = Instant::now();
    let mut last = None;
    move |counts| {
        if last.is_some_and(|last: Instant| last.elapsed() < interval) {
            return;
        }
        last = Some(Instant::now());
        let done = counts.stored + counts.already_stored;
        let percent = done * 100 / total.max(1);
        let rate = u128::from(done) * 1_000 / start.elapsed().as_millis().max(1);
        eprintln!("{done} of {total} votes ({percent} %), {rate} a second");
    }
}

/// Adds what to do about an error.
fn explain(error: ImportError) -> anyhow::Error {
    let advice = match &error {
        ImportError::Refused { error, .. } => match error {
            CastError::NotOpen { closes_at } => format!(
                "the campaign takes in votes between opens_at and closes_at ({closes_at}): change its file for the import"
            ),
            CastError::Conflict => {
                "the file was imported with other columns or values: erase the votes of the campaign first".to_owned()
            }
            _ => "the campaign file was changed during the import: run the command again".to_owned(),
        },
        ImportError::Store(_) | ImportError::BadDigest => {
            "run the command again: votes that are stored are not stored twice".to_owned()
        }
    };
    anyhow::Error::from(error).context(advice)
}
