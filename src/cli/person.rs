//! `jornada erase` and `jornada export`: a person's right to erasure and to access. For operators on the machine, never
//! on the web.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;

use super::archive::Archive;
use super::office::run;
use crate::config::Env;
use crate::domain::record::{self, Record};
use crate::domain::staff::audit::{Action, Deed, Doer};
use crate::domain::{Campaign, ReceiptNumber};
use crate::intake::amend;
use crate::intake::photos::KeeperError;
use crate::photo::PhotosError;
use crate::staff::person::{self, Dossier, Picture};
use crate::store::Amended;

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// Number of the receipt
    #[arg(value_parser = receipt)]
    receipt: ReceiptNumber,
    /// Reason; stored permanently, so nothing personal
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Number of the receipt
    #[arg(value_parser = receipt)]
    receipt: ReceiptNumber,
    /// ZIP file to create
    file: PathBuf,
}

fn receipt(typed: &str) -> Result<ReceiptNumber, String> {
    ReceiptNumber::parse(typed).ok_or_else(|| "expected the number of a receipt".to_owned())
}

/// Erases a registration and its photo.
pub(super) fn erase(env: &Env, args: &EraseArgs) -> anyhow::Result<()> {
    let reason = record::reason(&args.reason).ok();
    let reason = reason.context("--reason: expected 4 to 300 characters, no control characters")?;
    run(async {
        let archive = Archive::open(env).await?;
        let (campaign, record) = find(&archive, args.receipt).await?;
        archive.office.note(about(Action::Delete, &record)).await?;
        let deletion = record.delete(Doer::CommandLine.name(), reason, Timestamp::now());
        let (store, keeper) = (&archive.office.store, &archive.keeper);
        match amend::delete(store, keeper, &campaign, &record, &deletion).await? {
            Amended::Done => println!("erased"),
            _ => bail!("the registration was changed at the same time: run the command again"),
        }
        Ok(())
    })
}

/// Writes all data about a registration into a ZIP file.
pub(super) fn export(env: &Env, args: &ExportArgs) -> anyhow::Result<()> {
    run(async {
        let archive = Archive::open(env).await?;
        let (campaign, record) = find(&archive, args.receipt).await?;
        let (store, id) = (&archive.office.store, record.registration.id);
        let consent = match &record.consent {
            Some(version) => store.consent(version).await?,
            None => None,
        };
        let dossier = Dossier {
            picture: picture(&archive, &campaign, &record).await?,
            answers: store.answers(&campaign.id, id).await?,
            campaign: &campaign,
            record: &record,
            consent,
        };
        archive
            .office
            .note(about(Action::PersonExport, &record))
            .await?;
        person::write(&args.file, &dossier).with_context(|| args.file.display().to_string())
    })
}

/// Returns the photo, or why it is missing: the rest is exported anyway.
async fn picture(
    archive: &Archive,
    campaign: &Campaign,
    record: &Record,
) -> anyhow::Result<Picture> {
    let Some(photo) = record.photo() else {
        return Ok(Picture::None);
    };
    let id = record.registration.id;
    let picture = match archive.keeper.get(&campaign.id, id, photo).await {
        Ok(Some(bytes)) => return Ok(Picture::Whole(bytes)),
        Ok(None) => Picture::Missing,
        Err(KeeperError::Photos(PhotosError::Altered)) => {
            archive
                .office
                .note(about(Action::PhotoAltered, record))
                .await?;
            Picture::Altered
        }
        Err(error) => return Err(error.into()),
    };
    eprintln!("the photo is not in the file: it is missing or was altered, see \"photo\" in it");
    Ok(picture)
}

fn about(action: Action, record: &Record) -> Deed {
    let registration = &record.registration;
    Deed::about(action, &registration.campaign, registration.id)
}

async fn find(archive: &Archive, number: ReceiptNumber) -> anyhow::Result<(Arc<Campaign>, Record)> {
    let store = &archive.office.store;
    let none = "no registration with this receipt number";
    let found = store.receipt(number).await?.context(none)?;
    let campaign = archive.campaigns.get(found.campaign.as_str());
    let campaign = campaign.context("JORNADA_CAMPAIGNS: the file of its campaign is missing")?;
    let record = store.record(campaign, found.id).await?.context(none)?;
    Ok((Arc::clone(campaign), record))
}
