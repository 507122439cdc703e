//! `jornada votes`: imports, exports or erases the votes of a campaign as a whole.

mod import;

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use super::admin_context::{AdminContext, block_on};
use crate::config::{Env, campaigns_folder};
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{Campaign, Vote};
use jornada_service::campaigns::Campaigns;
use jornada_service::csv_guard::guarded;

/// Votes per read and per transaction.
const PAGE_SIZE: u16 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum VotesCommand {
    /// Print all votes of a campaign, in the order of their ids
    Export(ExportArgs),
    /// Import published results, such as those of an election: stores a vote for each that a CSV file counts. Safe to stop and repeat
    Import(import::ImportArgs),
    /// Erase all votes of a campaign and their counts, for example those of a rehearsal. Safe to repeat
    Erase(EraseArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Id of the campaign
    campaign: String,
    /// One JSON object per line, or CSV with a heading
    #[arg(long, value_enum, default_value_t = VotesFormat::Ndjson)]
    format: VotesFormat,
}

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// Id of the campaign
    campaign: String,
    /// Confirms that all votes of the campaign are to be erased; they cannot be brought back
    #[arg(long, required = true)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VotesFormat {
    Ndjson,
    Csv,
}

/// Runs the command.
pub(super) fn run(env: &Env, command: &VotesCommand) -> anyhow::Result<()> {
    let campaigns = Campaigns::read(&campaigns_folder(env))?;
    let id = match command {
        VotesCommand::Export(args) => &args.campaign,
        VotesCommand::Import(args) => &args.campaign,
        VotesCommand::Erase(args) => &args.campaign,
    };
    let campaign = find_campaign(&campaigns, id, &campaigns_folder(env))?;
    match command {
        VotesCommand::Export(args) => block_on(async {
            let context = AdminContext::open(env).await?;
            export(&context, campaign, args.format).await
        }),
        VotesCommand::Import(args) => import::run(env, campaign, args),
        VotesCommand::Erase(_) => block_on(async {
            let context = AdminContext::open(env).await?;
            erase(&context, campaign).await
        }),
    }
}

fn find_campaign<'a>(
    campaigns: &'a Campaigns,
    id: &str,
    folder: &Path,
) -> anyhow::Result<&'a Arc<Campaign>> {
    let campaign = campaigns.get(id);
    let campaign = campaign.with_context(|| {
        format!(
            "CAMPAIGN: no file in {} has the id '{id}'",
            folder.display()
        )
    })?;
    ensure!(
        campaign.is_vote(),
        "CAMPAIGN: '{id}' takes in registrations: expected a campaign with kind = \"vote\""
    );
    Ok(campaign)
}

async fn export(
    context: &AdminContext,
    campaign: &Arc<Campaign>,
    format: VotesFormat,
) -> anyhow::Result<()> {
    let event = AuditEvent::new(AuditAction::VotesExported).with_campaign(&campaign.id);
    context.record(event).await?;
    let mut out = BufWriter::new(io::stdout().lock());
    if let VotesFormat::Csv = format {
        let names = campaign.fields.iter().map(|field| field.name.clone());
        let heading = ["id", "received_at", "door"].map(str::to_owned);
        write_row(&mut out, heading.into_iter().chain(names))?;
    }
    let mut after = None;
    loop {
        let page = context.store.votes_after(campaign, after, PAGE_SIZE);
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(out.flush()?);
        };
        after = Some(last.id);
        for vote in &page {
            match format {
                VotesFormat::Ndjson => write_line(&mut out, campaign, vote)?,
                VotesFormat::Csv => write_row(&mut out, columns(campaign, vote))?,
            }
        }
    }
}

fn write_line(out: &mut impl Write, campaign: &Campaign, vote: &Vote) -> anyhow::Result<()> {
    let mut line = Map::new();
    let door: &str = vote.door.into();
    line.insert("id".to_owned(), vote.id.to_string().into());
    line.insert(
        "received_at".to_owned(),
        vote.received_at.to_string().into(),
    );
    line.insert("door".to_owned(), door.into());
    let answers = vote.answers.named(campaign);
    let answers: Map<_, _> = answers
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect();
    line.insert("answers".to_owned(), Value::Object(answers));
    serde_json::to_writer(&mut *out, &line)?;
    Ok(writeln!(out)?)
}

fn columns(campaign: &Campaign, vote: &Vote) -> impl Iterator<Item = String> {
    let door: &str = vote.door.into();
    let fixed = [
        vote.id.to_string(),
        vote.received_at.to_string(),
        door.to_owned(),
    ];
    let answers = (0..campaign.fields.len()).map(|field| {
        let text = vote.answers.get(field).unwrap_or_default();
        guarded(text).into_owned()
    });
    fixed.into_iter().chain(answers)
}

/// Writes a row of CSV (RFC 4180).
fn write_row(out: &mut impl Write, columns: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut row = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    row.write_record(columns)?;
    Ok(out.write_all(&row.into_inner()?)?)
}

async fn erase(context: &AdminContext, campaign: &Arc<Campaign>) -> anyhow::Result<()> {
    let event = AuditEvent::new(AuditAction::VotesErased).with_campaign(&campaign.id);
    context.record(event).await?;
    let (mut erased, mut after) = (0, None);
    loop {
        let page = context.store.votes_after(campaign, after, PAGE_SIZE);
        let page = page.await?;
        let is_first = after.is_none();
        after = page.last().map(|vote| vote.id);
        // From the beginning again until nothing is left, because votes may have come in meanwhile.
        if page.is_empty() && is_first {
            println!("{erased} erased");
            return Ok(());
        }
        erased += context.store.erase_votes(campaign, page).await?;
    }
}
