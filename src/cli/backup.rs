//! `jornada backup` and `jornada restore`: copies MongoDB and the photos while the site runs, and replaces a site by a
//! copy.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::Args;
use jiff::Timestamp;

use super::admin_context::{AdminContext, block_on};
use super::erased;
use super::maintenance_context::MaintenanceContext;
use crate::config::{Env, FromEnv};
use jornada_domain::staff::audit::{AuditAction, AuditEvent, ChainHead};
use jornada_objects::MasterKeys;
use jornada_service::backup::erased_list;
use jornada_service::backup::manifest::Manifest;
use jornada_service::backup::saved::SavedBackup;
use jornada_service::backup::take::{Site, forget_erased, take};
use jornada_service::backup::{BackupFolder, PhotoCounts};
use jornada_service::key::InstallationSecret;
use jornada_service::staff::AuditLog;
use jornada_store::{RestoreTarget, StoreSetting, TargetState};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// Folder of the backups; created if it is missing. Photos are in it once, however many backups it holds
    folder: PathBuf,
    /// Number of backups to keep; older ones are removed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    keep: u8,
    /// Only bring the list of erased people in the folder up to date, and remove their photos from it. Takes seconds
    #[arg(long)]
    only_erased: bool,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// Folder of the backups
    folder: PathBuf,
    /// Name of the backup; the newest one by default
    #[arg(long)]
    backup: Option<String>,
    /// Replace the data of the site that is in the store
    #[arg(long)]
    replace: bool,
    /// Only verify the backup
    #[arg(long)]
    check: bool,
}

/// Makes a backup. Leaves an entry in the audit log.
pub(super) fn backup(env: &Env, args: &BackupArgs) -> anyhow::Result<()> {
    let secret = InstallationSecret::from_env(env)?;
    let folder = BackupFolder::new(&args.folder);
    block_on(async {
        let context = MaintenanceContext::open(env).await?;
        // Fails for SQLite, before anything is recorded.
        context.admin.store.backup_tables().await?;
        if args.only_erased {
            let lines = erased::lines(&context.admin.store).await?;
            forget_erased(&folder, context.objects.encryptor(), &lines).await?;
            println!("{} erased registrations are listed", lines.len());
            return Ok(());
        }
        let event = AuditEvent::new(AuditAction::Backup);
        context.admin.record(event).await?;
        let site = Site {
            store: &context.admin.store,
            objects: &context.objects,
            secret: &secret,
        };
        let (name, manifest) = take(site, &folder, args.keep.into(), Timestamp::now()).await?;
        println!("{}", folder.path().join(name).display());
        print_contents(&manifest, manifest.photos);
        Ok(())
    })
}

/// Verifies a backup, and replaces the data in the stores by it.
pub(super) fn restore(env: &Env, args: &RestoreArgs) -> anyhow::Result<()> {
    let secret = InstallationSecret::from_env(env)?;
    let keys = MasterKeys::from_env(env)?;
    let setting = StoreSetting::from_env(env)?;
    let folder = BackupFolder::new(&args.folder);
    block_on(async {
        let backup = args.backup.as_deref();
        let backup = SavedBackup::open(&folder, backup, &secret, &keys).await?;
        println!("{} is complete", args.folder.join(&backup.name).display());
        print_contents(&backup.manifest, backup.manifest.photos);
        if args.check {
            return Ok(());
        }
        let target = RestoreTarget::connect(&setting).await;
        let target = target.context("JORNADA_STORE")?;
        match target.state().await.context("JORNADA_STORE")? {
            TargetState::Used if !args.replace => bail!(
                "the store has the data of a site: make a backup of it, then add --replace, which removes them"
            ),
            TargetState::Used => keep_erased(env, &folder).await?,
            TargetState::Empty | TargetState::Incomplete => {}
        }
        replace(env, &secret, &folder, &backup, &target).await
    })
}

/// Adds the people whom the present site has erased to the list of the folder.
async fn keep_erased(env: &Env, folder: &BackupFolder) -> anyhow::Result<()> {
    let admin = AdminContext::open(env).await?;
    let lines = erased::lines(&admin.store).await?;
    erased_list::add(&folder.erased(), &lines)
}

async fn replace(
    env: &Env,
    secret: &InstallationSecret,
    folder: &BackupFolder,
    backup: &SavedBackup,
    target: &RestoreTarget,
) -> anyhow::Result<()> {
    target.clear().await?;
    backup.load(target).await?;
    let admin = AdminContext {
        store: target.open().await?,
        audit: AuditLog::new(secret),
    };
    let context = MaintenanceContext::with_admin(env, admin).await?;
    let event = AuditEvent::new(AuditAction::Restore).with_detail("backup", &backup.name);
    context.admin.record(event).await?;
    let photos = backup.upload_photos(&context.objects).await?;
    if folder.erased().exists() {
        erased::replay(&context, &folder.erased()).await?;
    }
    let head = ChainHead::parse(&backup.manifest.audit_head).context("audit head")?;
    let report = context.admin.audit.verify(&context.admin.store, Some(head));
    let report = report.await?;
    ensure!(
        report.faults.is_empty(),
        "the restored audit log is not intact: {}",
        report.faults[0]
    );
    let expected = backup.manifest.photos;
    ensure!(
        photos.stored + photos.erased >= expected.stored && photos.total() == expected.total(),
        "{} of {} photos were restored: run it again",
        photos.stored,
        expected.stored
    );
    target.finish().await?;
    println!("restored and verified");
    print_contents(&backup.manifest, photos);
    Ok(())
}

fn print_contents(manifest: &Manifest, photos: PhotoCounts) {
    let Manifest { taken_at, .. } = manifest;
    println!("  as of {taken_at}, by version {}", manifest.program);
    println!(
        "  {} registrations and tombstones, {} votes, {} photos ({} of them in the photo buffer, {} erased since)",
        manifest.registrations(),
        manifest.votes(),
        photos.total() - photos.lost,
        photos.buffered,
        photos.erased
    );
    println!("  head of the audit log {}", manifest.audit_head);
    if photos.lost > 0 {
        eprintln!(
            "jornada: {} photos are missing or altered in the object store",
            photos.lost
        );
    }
}
