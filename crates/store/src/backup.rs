//! Copies the tables of MongoDB, all as of one moment, and writes them back. A table is a sequence of BSON documents, as
//! MongoDB's own tools write it.

pub(crate) mod mongo;
mod table;

use jiff::Timestamp;
use mongodb::bson::RawDocument;

use super::disputes::record::ClosedDispute;
use super::error::{Result, StoreError};
use super::handle::{Store, StoreBackend};
use super::mongo::convert::{self, photo_ref, read_field, registration_id};
use super::mongo::handle::MongoStore;
use super::mongo::records::read_record;
use super::mongo::version;
use super::photos::buffer::{BufferedPhoto, BufferedPhotoKey};
use super::{StoreSetting, WrappedKey};
use jornada_domain::dispute::DisputeState;
use jornada_domain::registration::PhotoRef;
use jornada_domain::staff::audit::ChainHead;
use jornada_domain::{CampaignId, RegistrationId};
pub use table::{BackupTime, Documents, TableReader};

/// Names of the tables that are read by more than their copy.
pub const REGISTRATIONS: &str = "registrations";
/// Tables whose documents refer to photos.
pub const WITH_PHOTOS: [&str; 2] = [REGISTRATIONS, "disputes"];
/// Audit log.
pub const AUDIT: &str = "audit";
/// Photo buffer.
pub const BUFFERED_PHOTOS: &str = "pending_photos";
/// Wrapped keys of photos.
pub const WRAPPED_KEYS: &str = "vault_keys";

/// State of the photo of a registration or dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhotoOwner {
    /// A registration with a photo.
    Stored {
        /// Its campaign.
        campaign: CampaignId,
        /// Its id.
        id: RegistrationId,
        /// Its time of arrival, which is part of the photo's key.
        received_at: Timestamp,
        /// Its photo.
        photo: PhotoRef,
    },
    /// A registration whose photo was erased after its retention.
    PhotoErased(CampaignId, RegistrationId),
    /// A tombstone, with the cause of the deletion.
    Erased(CampaignId, RegistrationId, String),
}

/// The version of stored data, and the one that this program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataVersion {
    /// Version of the stored data; `None` for an empty database, or data of before the first version.
    pub stored: Option<i64>,
    /// Version of this program.
    pub supported: i64,
    /// Whether the data are part of a backup whose restore was interrupted.
    pub is_incomplete: bool,
}

/// Returns the version of the data in MongoDB, without changing anything.
pub async fn data_version(setting: &StoreSetting) -> Result<DataVersion> {
    let store = mongo::connect_to(setting).await?;
    let stamp = store.stamp().await?;
    Ok(DataVersion {
        stored: stamp.version,
        is_incomplete: stamp.is_restoring,
        supported: version::VERSION,
    })
}

impl Store {
    /// Returns the present moment: it includes every write that was acknowledged before.
    pub async fn backup_time(&self) -> Result<BackupTime> {
        self.as_mongo()?.backup_time().await
    }

    /// Returns the names of the tables that a backup contains.
    pub async fn backup_tables(&self) -> Result<Vec<String>> {
        self.as_mongo()?.backup_tables().await
    }

    /// Reads a table as of a moment, from a secondary if there is one. MongoDB keeps the history of five minutes by
    /// default; later it answers `SnapshotTooOld`.
    pub async fn read_table(&self, table: &str, at: BackupTime) -> Result<TableReader> {
        self.as_mongo()?.read_table(table, at).await
    }

    pub(crate) fn as_mongo(&self) -> Result<&MongoStore> {
        match &self.backend {
            StoreBackend::Mongo(store) => Ok(store),
            StoreBackend::Sqlite(_) => Err(table::of_sqlite()),
        }
    }
}

/// Returns the state of the photo in a document of the registrations or disputes; `None` if it has none.
pub fn photo_owner(document: &[u8]) -> Result<Option<PhotoOwner>> {
    let document = parse(document)?;
    let id = || read_field(document, "_id", registration_id);
    let campaign = |of: &RawDocument| read_field(of, "campaign", convert::campaign);
    if let Ok(gone) = document.get_document("gone") {
        let cause = gone.get_str("cause").unwrap_or_default().to_owned();
        return Ok(Some(PhotoOwner::Erased(campaign(gone)?, id()?, cause)));
    }
    if document.get_str("state").is_ok() {
        return disputed_photo(document);
    }
    if let Ok(photo) = document.get_document("photo") {
        return Ok(Some(PhotoOwner::Stored {
            campaign: campaign(document)?,
            id: id()?,
            received_at: read_field(document, "received_at", convert::time)?,
            photo: photo_ref(photo).ok_or_else(|| StoreError::malformed("photo"))?,
        }));
    }
    if matches!(document.get("photo_erased_at"), Ok(Some(_))) {
        return Ok(Some(PhotoOwner::PhotoErased(campaign(document)?, id()?)));
    }
    Ok(None)
}

fn disputed_photo(dispute: &RawDocument) -> Result<Option<PhotoOwner>> {
    let record: ClosedDispute = read_record(dispute)?;
    let (campaign, id) = (record.campaign, record.id);
    let state = record.receipt.state;
    if state != DisputeState::Open {
        return Ok(Some(PhotoOwner::Erased(campaign, id, state.to_string())));
    }
    if record.remove_at.is_some() {
        return Ok(Some(PhotoOwner::PhotoErased(campaign, id)));
    }
    Ok(record.photo.map(|photo| PhotoOwner::Stored {
        campaign,
        id,
        received_at: record.receipt.received_at,
        photo,
    }))
}

/// Returns the key of a photo in the buffer.
pub fn buffered_photo_key(document: &[u8]) -> Result<BufferedPhotoKey> {
    Ok(read_record::<BufferedPhoto>(parse(document)?)?.key())
}

/// Returns an entry of the audit log as the head of its chain.
pub fn audit_head(document: &[u8]) -> Result<ChainHead> {
    read_record(parse(document)?)
}

/// Returns a wrapped key.
pub fn wrapped_key(document: &[u8]) -> Result<WrappedKey> {
    read_record(parse(document)?)
}

fn parse(document: &[u8]) -> Result<&RawDocument> {
    RawDocument::from_bytes(document).map_err(|_| StoreError::malformed("shape"))
}
