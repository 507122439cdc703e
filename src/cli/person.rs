//! `jornada erase` and `jornada export`: a person's right to erasure and to access. For operators on the machine, never
//! on the web.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;

use super::admin_context::block_on;
use super::disputes;
use super::maintenance_context::MaintenanceContext;
use crate::config::Env;
use jornada_domain::dispute::DisputeState;
use jornada_domain::history::{DeletionCause, RegistrationHistory};
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{Campaign, ReceiptNumber, reason};
use jornada_objects::ObjectError;
use jornada_service::registrations::photo_repository::PhotoError;
use jornada_service::staff::personal_data_export::{self, ExportedPhoto, PersonalDataExport};

const CHANGED: &str = "the registration was changed at the same time: run the command again";

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// Number of the receipt
    #[arg(value_parser = parse_receipt)]
    receipt: ReceiptNumber,
    /// Reason; stored permanently, so nothing personal
    #[arg(long)]
    reason: String,
    /// The registration was false: its number can be registered again
    #[arg(long)]
    false_entry: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Number of the receipt
    #[arg(value_parser = parse_receipt)]
    receipt: ReceiptNumber,
    /// ZIP file to create
    file: PathBuf,
}

pub(super) fn parse_receipt(typed: &str) -> Result<ReceiptNumber, String> {
    ReceiptNumber::parse(typed).ok_or_else(|| "expected the number of a receipt".to_owned())
}

pub(super) fn parse_reason(typed: &str) -> anyhow::Result<String> {
    let reason = reason::parse(typed).ok();
    reason.context("--reason: expected 4 to 300 characters, no control characters")
}

/// Erases a registration and its photo.
pub(super) fn erase(env: &Env, args: &EraseArgs) -> anyhow::Result<()> {
    let reason = parse_reason(&args.reason)?;
    block_on(async {
        let context = MaintenanceContext::open(env).await?;
        if let Some((campaign, dispute)) = disputes::find(&context, args.receipt).await? {
            let id = dispute.registration.id;
            let event = AuditEvent::for_registration(AuditAction::Delete, &campaign.id, id);
            context.admin.record(event).await?;
            let state = DisputeState::Erased;
            let erased = disputes::erase(&context, &campaign, &dispute, state, reason);
            ensure!(erased.await?, CHANGED);
            println!("erased");
            return Ok(());
        }
        let (campaign, record) = find_registration(&context, args.receipt).await?;
        audit(&context, AuditAction::Delete, &record).await?;
        let cause = if args.false_entry {
            DeletionCause::FalseEntry
        } else {
            DeletionCause::Requested
        };
        ensure!(
            context.delete(&campaign, &record, cause, reason).await?,
            CHANGED
        );
        println!("erased");
        Ok(())
    })
}

/// Writes all data about a registration into a ZIP file.
pub(super) fn export(env: &Env, args: &ExportArgs) -> anyhow::Result<()> {
    block_on(async {
        let context = MaintenanceContext::open(env).await?;
        let disputed = disputes::find(&context, args.receipt).await?;
        let is_disputed = disputed.is_some();
        let (campaign, record) = match disputed {
            Some((campaign, dispute)) => (campaign, disputes::to_history(dispute)),
            None => find_registration(&context, args.receipt).await?,
        };
        let (store, id) = (&context.admin.store, record.registration.id);
        let answers = if is_disputed {
            store.dispute_answers(&campaign.id, id).await?
        } else {
            store.answers(&campaign.id, id).await?
        };
        let consent = match &record.consent {
            Some(version) => store.consent(version).await?,
            None => None,
        };
        let data = PersonalDataExport {
            photo: export_photo(&context, &record).await?,
            answers,
            campaign: &campaign,
            history: &record,
            consent,
            is_disputed,
        };
        audit(&context, AuditAction::PersonExport, &record).await?;
        personal_data_export::write_zip(&args.file, &data)
            .with_context(|| args.file.display().to_string())
    })
}

/// Returns the photo, or why it is missing: the rest is exported anyway.
async fn export_photo(
    context: &MaintenanceContext,
    record: &RegistrationHistory,
) -> anyhow::Result<ExportedPhoto> {
    if record.photo().is_none() {
        return Ok(ExportedPhoto::None);
    }
    let picture = match context.photos.get(&record.registration).await {
        Ok(Some(bytes)) => return Ok(ExportedPhoto::Intact(bytes)),
        Ok(None) => ExportedPhoto::Missing,
        Err(PhotoError::Objects(ObjectError::Altered)) => {
            audit(context, AuditAction::PhotoAltered, record).await?;
            ExportedPhoto::Altered
        }
        Err(error) => return Err(error.into()),
    };
    eprintln!("the photo is not in the file: it is missing or was altered, see \"photo\" in it");
    Ok(picture)
}

async fn audit(
    context: &MaintenanceContext,
    action: AuditAction,
    record: &RegistrationHistory,
) -> anyhow::Result<()> {
    let (campaign, id) = (&record.registration.campaign, record.registration.id);
    let event = AuditEvent::for_registration(action, campaign, id);
    context.admin.record(event).await
}

async fn find_registration(
    context: &MaintenanceContext,
    number: ReceiptNumber,
) -> anyhow::Result<(Arc<Campaign>, RegistrationHistory)> {
    let store = &context.admin.store;
    let none = "no registration with this receipt number";
    let found = store.receipt(number).await?.context(none)?;
    let campaign = context.campaigns.get(found.campaign.as_str());
    let campaign = campaign.context("JORNADA_CAMPAIGNS: the file of its campaign is missing")?;
    let record = store.history(campaign, found.id).await?.context(none)?;
    Ok((Arc::clone(campaign), record))
}
