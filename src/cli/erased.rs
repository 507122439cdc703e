//! `jornada erased`: exports the list of erased registrations beside the backups, erases them again after a restore,
//! and frees the number of one.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Subcommand;

use super::admin_context::{AdminContext, block_on};
use super::disputes;
use super::maintenance_context::MaintenanceContext;
use super::person::{parse_reason, parse_receipt};
use crate::config::Env;
use jornada_domain::dispute::DisputeState;
use jornada_domain::history::DeletionCause;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{Campaign, ReceiptNumber, RegistrationId};
use jornada_service::backup::erased_list::{ErasedLine, ErasedLines};
use jornada_store::Store;

/// Registrations per read.
const PAGE_SIZE: u16 = 1000;
/// Reason recorded with the deletion.
const REASON: &str = "Borrado otra vez tras restaurar / erased again after a restore";

#[derive(Debug, Subcommand)]
pub(super) enum ErasedCommand {
    /// Print the ids of erased registrations, one JSON object per line. Store the latest list with the backups
    Export,
    /// Erase all registrations of a list again, after restoring an older backup. Safe to repeat
    Replay {
        /// Output of `erased export`
        file: PathBuf,
    },
    /// Free the number of an erased registration, so that it can be registered again
    Lift {
        /// Number of the receipt
        #[arg(value_parser = parse_receipt)]
        receipt: ReceiptNumber,
        /// Reason; stored permanently in the audit log, so nothing personal
        #[arg(long)]
        reason: String,
    },
}

/// Runs the command.
pub(super) fn run(env: &Env, command: &ErasedCommand) -> anyhow::Result<()> {
    match command {
        ErasedCommand::Export => {
            block_on(async { export(&AdminContext::open(env).await?.store).await })
        }
        ErasedCommand::Replay { file } => block_on(async {
            let context = MaintenanceContext::open(env).await?;
            replay(&context, file).await
        }),
        ErasedCommand::Lift { receipt, reason } => {
            let reason = parse_reason(reason)?;
            block_on(async { lift(&AdminContext::open(env).await?, *receipt, reason).await })
        }
    }
}

async fn export(store: &Store) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in lines(store).await? {
        serde_json::to_writer(&mut out, &line)?;
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

/// Returns the list of erased registrations.
pub(super) async fn lines(store: &Store) -> anyhow::Result<Vec<ErasedLine>> {
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let page = store.erased_registrations(after, PAGE_SIZE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let erased = page.into_iter();
        lines.extend(erased.map(|it| ErasedLine::new(it.campaign, it.id, it.cause.into())));
    }
    after = None;
    loop {
        let page = store.ended_disputes(after, PAGE_SIZE).await?;
        let Some((_, last, _)) = page.last() else {
            return Ok(lines);
        };
        after = Some(*last);
        let ended = page.into_iter();
        lines
            .extend(ended.map(|(campaign, id, state)| ErasedLine::new(campaign, id, state.into())));
    }
}

/// Erases all registrations of a list that are still there.
pub(super) async fn replay(context: &MaintenanceContext, file: &Path) -> anyhow::Result<()> {
    let (mut erased, mut missing) = (0_u64, BTreeMap::new());
    for line in ErasedLines::open(file)? {
        let line = line?;
        // The cause of an ended dispute is its state.
        let state = line.cause.parse().unwrap_or(DisputeState::Erased);
        let cause = line.cause.parse().unwrap_or(DeletionCause::Requested);
        // A missing campaign does not prevent erasures in the others.
        match context.campaigns.get(line.campaign.as_str()) {
            Some(campaign) => {
                erased += u64::from(erase(context, campaign, line.id, (cause, state)).await?);
            }
            None => *missing.entry(line.campaign).or_insert(0_u64) += 1,
        }
    }
    println!("{erased} erased again");
    let missing: Vec<_> = missing
        .iter()
        .map(|(campaign, lines)| format!("{campaign}.toml ({lines})"))
        .collect();
    ensure!(
        missing.is_empty(),
        "JORNADA_CAMPAIGNS: missing files, with the number of registrations that were not erased again: {}",
        missing.join(", ")
    );
    Ok(())
}

async fn erase(
    context: &MaintenanceContext,
    campaign: &Arc<Campaign>,
    id: RegistrationId,
    (cause, state): (DeletionCause, DisputeState),
) -> anyhow::Result<bool> {
    let admin = &context.admin;
    let event = AuditEvent::for_registration(AuditAction::Delete, &campaign.id, id);
    let event = event.with_detail("reason", "restore");
    if let Some(dispute) = admin.store.dispute(campaign, id).await? {
        admin.record(event).await?;
        let reason = REASON.to_owned();
        return disputes::erase(context, campaign, &dispute, state, reason).await;
    }
    let Some(record) = admin.store.history(campaign, id).await? else {
        let deletion = admin.store.deletion(&campaign.id, id).await?;
        let is_blocked = deletion.is_some_and(|deletion| !deletion.cause.frees_number());
        if is_blocked && cause == DeletionCause::Lifted {
            let event = AuditEvent::for_registration(AuditAction::Lift, &campaign.id, id);
            admin.record(event.with_detail("reason", "restore")).await?;
            admin.store.lift_deletion(&campaign.id, id).await?;
        }
        return Ok(false);
    };
    admin.record(event.with_detail("cause", cause)).await?;
    let reason = REASON.to_owned();
    ensure!(
        context.delete(campaign, &record, cause, reason).await?,
        "a registration was changed at the same time: run the command again"
    );
    Ok(true)
}

async fn lift(admin: &AdminContext, receipt: ReceiptNumber, reason: String) -> anyhow::Result<()> {
    let deleted = admin.store.deleted_registration(receipt).await?;
    let deleted = deleted.context("no erased registration with this receipt number")?;
    ensure!(
        deleted.cause == DeletionCause::Requested,
        "the number is free already"
    );
    let (campaign, id) = (&deleted.campaign, deleted.id);
    let event = AuditEvent::for_registration(AuditAction::Lift, campaign, id);
    admin.record(event.with_detail("reason", reason)).await?;
    admin.store.lift_deletion(campaign, id).await?;
    println!("the number can be registered again");
    Ok(())
}
