//! `jornada dead-letters`: records of the vote queue that cannot become a vote: lists, shows, replays and drops them.

mod print;

use std::io::{self, BufWriter, Write};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, value_parser};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::admin_context::{AdminContext, block_on};
use crate::config::{Env, FromEnv, campaigns_folder};
use jornada_domain::DeadLetterId;
use jornada_domain::dead_letter::DeadLetter;
use jornada_domain::staff::audit::{AuditAction, AuditEvent, dead_letter_subject};
use jornada_service::campaigns::Campaigns;
use jornada_service::key::InstallationSecret;
use jornada_service::registrations::closure_cache::ClosureCache;
use jornada_service::votes::dead_letter_text::escape;
use jornada_service::votes::dead_letters::{Replayed, replay};
use jornada_service::votes::queued::VoteJudge;

/// Letters per read, of up to 64 KiB each.
const PAGE_SIZE: u8 = 50;
/// Letters that are replayed at the same time.
const CONCURRENT_REPLAYS: usize = 16;

#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// Print the newest, one a line: id, time, reason, source/partition/offset, bytes, campaign
    List {
        /// Maximum number of lines
        #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Print everything about one, its key and value included
    Show {
        /// Id from the list
        #[arg(value_parser = parse_id)]
        id: DeadLetterId,
    },
    /// Judge records again, and store those that are votes now. Safe to repeat
    Replay(ReplayArgs),
    /// Delete records for good
    Drop(DropArgs),
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Ids from the list, up to 100
    #[arg(value_parser = parse_id, num_args = 1..=100, required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<DeadLetterId>,
    /// Replay all
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct DropArgs {
    /// Ids from the list, up to 100
    #[arg(value_parser = parse_id, num_args = 1..=100, required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<DeadLetterId>,
    /// Drop all
    #[arg(long, requires = "yes")]
    all: bool,
    /// Confirms that all are to be dropped; they cannot be brought back
    #[arg(long)]
    yes: bool,
}

fn parse_id(id: &str) -> Result<DeadLetterId, &'static str> {
    DeadLetterId::parse(id).ok_or("expected 32 hexadecimal digits")
}

/// Runs the command.
pub(super) fn run(env: &Env, command: &DeadLettersCommand) -> anyhow::Result<()> {
    block_on(async {
        let context = AdminContext::open(env).await?;
        context.record(event(command)).await?;
        match command {
            DeadLettersCommand::List { limit } => list(&context, *limit).await,
            DeadLettersCommand::Show { id } => show(&context, *id).await,
            DeadLettersCommand::Replay(args) => {
                let judge = open_judge(env, &context).await?;
                replay_letters(&context, &judge, args).await
            }
            DeadLettersCommand::Drop(args) => drop_letters(&context, args).await,
        }
    })
}

fn event(command: &DeadLettersCommand) -> AuditEvent {
    let (action, ids) = match command {
        DeadLettersCommand::List { limit } => {
            let event = AuditEvent::new(AuditAction::DeadLettersRead);
            return event.with_detail("newest", limit);
        }
        DeadLettersCommand::Show { id } => (AuditAction::DeadLettersRead, &[*id][..]),
        DeadLettersCommand::Replay(args) => (AuditAction::DeadLettersReplayed, &args.ids[..]),
        DeadLettersCommand::Drop(args) => (AuditAction::DeadLettersDropped, &args.ids[..]),
    };
    let event = AuditEvent::new(action);
    if ids.is_empty() {
        return event.with_detail("letters", "all");
    }
    let subjects = ids.iter().map(|id| dead_letter_subject(*id));
    subjects.fold(event, AuditEvent::with_subject)
}

async fn open_judge(env: &Env, context: &AdminContext) -> anyhow::Result<VoteJudge> {
    let campaigns = Campaigns::read(&campaigns_folder(env))?;
    let closures = ClosureCache::load(&context.store).await?;
    let secret = InstallationSecret::from_env(env)?;
    Ok(VoteJudge::new(campaigns, closures, secret))
}

async fn list(context: &AdminContext, limit: u32) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut left, mut after) = (limit, None);
    while left > 0 {
        let size = u8::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
        let page = context.store.dead_letters(after, size).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position());
        for letter in &page {
            writeln!(out, "{}", print::line(letter))?;
            left -= 1;
        }
    }
    Ok(out.flush()?)
}

async fn show(context: &AdminContext, id: DeadLetterId) -> anyhow::Result<()> {
    let letter = context.store.dead_letter(id).await?;
    let letter = letter.with_context(|| unknown(id))?;
    let mut out = BufWriter::new(io::stdout().lock());
    print::write_all(&mut out, &letter)?;
    Ok(out.flush()?)
}

fn unknown(id: DeadLetterId) -> String {
    format!("no dead letter has the id {id}")
}

/// Numbers of letters of a replay.
#[derive(Debug, Default)]
struct ReplayCounts {
    stored: u64,
    refused: u64,
    unknown: u64,
}

async fn replay_letters(
    context: &AdminContext,
    judge: &VoteJudge,
    args: &ReplayArgs,
) -> anyhow::Result<()> {
    let mut counts = ReplayCounts::default();
    if args.all {
        let mut after = None;
        loop {
            let page = context.store.dead_letters(after, PAGE_SIZE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.position());
            replay_page(context, judge, page, &mut counts).await?;
        }
    }
    for id in &args.ids {
        let letter = context.store.dead_letter(*id).await?;
        if letter.is_none() {
            println!("{}", unknown(*id));
            counts.unknown += 1;
        }
        let page = letter.into_iter().collect();
        replay_page(context, judge, page, &mut counts).await?;
    }
    println!("{} stored, {} stay", counts.stored, counts.refused);
    let has_failed = !args.all && counts.refused + counts.unknown > 0;
    ensure!(!has_failed, "not all of the named letters were replayed");
    Ok(())
}

async fn replay_page(
    context: &AdminContext,
    judge: &VoteJudge,
    page: Vec<DeadLetter>,
    counts: &mut ReplayCounts,
) -> anyhow::Result<()> {
    let replays = stream::iter(page).map(async |letter| {
        let id = letter.id;
        let cut = print::cut(&letter.record);
        let replayed = replay(&context.store, judge, letter).await?;
        anyhow::Ok((id, cut, replayed))
    });
    let mut replays = replays.buffered(CONCURRENT_REPLAYS);
    while let Some((id, cut, replayed)) = replays.try_next().await? {
        match replayed {
            Replayed::Stored(_) => counts.stored += 1,
            Replayed::Refused(refusal) => {
                counts.refused += 1;
                let detail = cut.unwrap_or(escape(&refusal.detail));
                println!("{id} stays: {} {detail}", refusal.reason);
            }
        }
    }
    Ok(())
}

async fn drop_letters(context: &AdminContext, args: &DropArgs) -> anyhow::Result<()> {
    let (mut dropped, mut unknown_ids) = (0_u64, 0_u64);
    for id in &args.ids {
        if context.store.delete_dead_letter(*id).await? {
            dropped += 1;
        } else {
            println!("{}", unknown(*id));
            unknown_ids += 1;
        }
    }
    if args.all {
        dropped = drop_all(context).await?;
    }
    println!("{dropped} dropped");
    ensure!(unknown_ids == 0, "not all of the named letters were there");
    Ok(())
}

async fn drop_all(context: &AdminContext) -> anyhow::Result<u64> {
    let mut dropped = 0;
    loop {
        let page = context.store.dead_letters(None, PAGE_SIZE).await?;
        if page.is_empty() {
            return Ok(dropped);
        }
        for letter in page {
            dropped += u64::from(context.store.delete_dead_letter(letter.id).await?);
        }
    }
}
