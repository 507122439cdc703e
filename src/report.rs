//! The full list and the total of one value (a city), or of all, as a file that a clerk opens in Excel or a
//! program reads. Rows go from the store to the file in batches: reading and writing overlap, memory stays flat.
//!
//! XLSX ([`xlsx`]) ends with a totals row, and for all values with a totals sheet and its chart. CSV ([`csv`]) has a
//! header and registrations, nothing else: a program that counts its rows has the total ([`Finished::rows`] says it
//! to everyone else).

mod columns;
pub mod csv;
pub mod draft;
mod link;
pub mod metrics;
pub mod order;
mod progress;
mod rest;
mod sheet_name;
mod totals;
pub mod worker;
mod writer;
pub mod xlsx;

use std::fs::File;
use std::sync::Arc;

use jiff::Timestamp;
use rust_xlsxwriter::XlsxError;

use crate::domain::{Campaign, Lang, Selection};
use crate::store::StoreError;

pub use crate::domain::job::Format;
pub use draft::{Draft, Reports, basis};
pub use progress::Progress;

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Whose registrations.
    pub campaign: Arc<Campaign>,
    /// Which of them.
    pub selection: Selection,
    /// The language of its labels.
    pub lang: Lang,
    /// When it was asked for.
    pub made_at: Timestamp,
    /// Scheme and host that its links begin with, without a slash at the end.
    pub base: String,
}

impl Subject {
    /// The value, or the word for all of them.
    fn title(&self) -> &str {
        let all = self.lang.pick("Todos", "All");
        self.selection.value.as_deref().unwrap_or(all)
    }

    /// Where staff see the photos: what stands before the id of a registration; [`PHOTO`] comes after it.
    fn registrations_page(&self) -> String {
        let Self { base, campaign, .. } = self;
        format!("{base}/staff/c/{}/registrations/", campaign.id)
    }
}

/// The end of the address of a photo's page.
const PHOTO: &str = "/photo";

/// A whole report.
#[derive(Debug)]
pub struct Finished {
    /// The file, at its start. It has no name, so that nothing is left of it once it is closed, however that happens.
    pub file: File,
    /// Its length.
    pub bytes: u64,
    /// The registrations in it: the total.
    pub rows: u64,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// As many reports as may be are being written or waited for: ask again later.
    #[error("too many reports at once")]
    Busy,
    /// The store did not answer, or stopped half-way.
    #[error("cannot read the registrations of a report")]
    Store(#[from] StoreError),
    /// Fewer rows than there must be reached the file.
    #[error("a report came out short: {least} kept, {read} read, {written} written")]
    Short {
        /// Registrations that were kept when the report began.
        least: u64,
        /// Registrations that the store handed over.
        read: u64,
        /// Rows in the file.
        written: u64,
    },
    /// The temporary file failed.
    #[error("cannot write the file of a report")]
    File(#[from] std::io::Error),
    /// The workbook failed.
    #[error("cannot write the workbook of a report")]
    Workbook(#[from] XlsxError),
    /// Nobody waits for it any more.
    #[error("the report was given up")]
    GivenUp,
    /// The writer broke off. The workbook's library does so when the disk is full.
    #[error("the writer of a report broke off")]
    BrokeOff,
}
