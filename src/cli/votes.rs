//! `jornada votes`: imports, exports or erases the votes of a campaign as a whole.

mod import;

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};

use super::admin_context::{AdminContext, block_on};
use crate::config::{Env, campaigns_folder};
use jornada_domain::Campaign;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_service::campaigns::Campaigns;
use jornada_service::csv_guard::Separator;
use jornada_service::votes::export::VoteExportFormat;

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
    let format = match format {
        VotesFormat::Ndjson => VoteExportFormat::Ndjson,
        VotesFormat::Csv => VoteExportFormat::Csv(Separator::Comma),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    format.write_header(campaign, &mut out)?;
    let mut after = None;
    loop {
        let page = context.store.votes_after(campaign, after, PAGE_SIZE);
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(out.flush()?);
        };
        after = Some(last.id);
        format.write_votes(campaign, &page, &mut out)?;
    }
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
