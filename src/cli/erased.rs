//! `jornada erased`: exports the list of erased registrations beside the backups, erases them again after a restore,
//! and frees the number of one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::admin_context::{AdminContext, block_on};
use super::disputes;
use super::maintenance_context::MaintenanceContext;
use super::person::{parse_reason, parse_receipt};
use crate::config::Env;
use jornada_domain::dispute::DisputeState;
use jornada_domain::history::DeletionCause;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{Campaign, CampaignId, ReceiptNumber, RegistrationId};

/// Registrations per read.
const PAGE_SIZE: u16 = 1000;
/// Maximum length of a line in bytes.
const MAX_LINE_BYTES: u64 = 1024;
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

/// One line of the list.
#[derive(Serialize, Deserialize)]
struct ErasedLine {
    campaign: CampaignId,
    id: RegistrationId,
    /// Missing in older lists.
    #[serde(default = "ErasedLine::default_cause")]
    cause: String,
}

impl ErasedLine {
    fn default_cause() -> String {
        DeletionCause::Requested.to_string()
    }
}

/// Runs the command.
pub(super) fn run(env: &Env, command: &ErasedCommand) -> anyhow::Result<()> {
    match command {
        ErasedCommand::Export => block_on(async { export(&AdminContext::open(env).await?).await }),
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

async fn export(admin: &AdminContext) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut after = None;
    loop {
        let page = admin.store.erased_registrations(after, PAGE_SIZE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for erased in page {
            write_line(&mut out, erased.campaign, erased.id, &erased.cause)?;
        }
    }
    after = None;
    loop {
        let page = admin.store.ended_disputes(after, PAGE_SIZE).await?;
        let Some((_, last, _)) = page.last() else {
            break;
        };
        after = Some(*last);
        for (campaign, id, state) in page {
            write_line(&mut out, campaign, id, &state)?;
        }
    }
    Ok(out.flush()?)
}

fn write_line(
    out: &mut impl Write,
    campaign: CampaignId,
    id: RegistrationId,
    cause: &impl ToString,
) -> anyhow::Result<()> {
    let cause = cause.to_string();
    let line = ErasedLine {
        campaign,
        id,
        cause,
    };
    serde_json::to_writer(&mut *out, &line)?;
    Ok(writeln!(out)?)
}

async fn replay(context: &MaintenanceContext, file: &Path) -> anyhow::Result<()> {
    let file = File::open(file).with_context(|| file.display().to_string())?;
    let mut file = BufReader::new(file);
    let (mut erased, mut missing, mut number) = (0_u64, BTreeMap::new(), 0_u64);
    let mut line = String::new();
    loop {
        line.clear();
        number += 1;
        if file.by_ref().take(MAX_LINE_BYTES).read_line(&mut line)? == 0 {
            break;
        }
        let read = serde_json::from_str(&line);
        let read: ErasedLine = read.with_context(|| format!("line {number}"))?;
        // Of a dispute that ended the list has its state.
        let state = read.cause.parse().unwrap_or(DisputeState::Erased);
        let cause = read.cause.parse().unwrap_or(DeletionCause::Requested);
        // A missing campaign does not prevent erasures in the others.
        match context.campaigns.get(read.campaign.as_str()) {
            Some(campaign) => {
                erased += u64::from(erase(context, campaign, read.id, (cause, state)).await?);
            }
            None => *missing.entry(read.campaign).or_insert(0_u64) += 1,
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
