//! Exports the registrations of one value (a city), or of all, as a file for spreadsheets or programs. Rows stream from
//! the store to the file in batches: reading and writing overlap, memory stays constant.
//!
//! XLSX ([`xlsx`]) ends with a totals row and, for all values, a totals sheet with a chart. CSV ([`csv`]) has a header
//! and registrations only: their number is the total, see also [`FinishedReport::rows`].

mod columns;
pub mod csv;
mod list_sheet;
pub mod metrics;
pub mod open_report;
mod photo_link;
mod progress;
pub mod request;
mod sheet_name;
mod sheet_rows;
mod throttle;
mod totals_sheet;
pub mod worker;
mod writer;
pub mod xlsx;

use std::fs::File;
use std::sync::Arc;

use jiff::Timestamp;
use rust_xlsxwriter::XlsxError;

use crate::csv_guard::Separator;
use crate::tally::live_totals::{TotalsView, value_label};
use jornada_domain::{Campaign, Lang, RegistrationSelection};
use jornada_store::StoreError;

pub use jornada_domain::job::ReportFormat;
pub use open_report::{OpenReport, ReportGenerator, source_version};
pub use progress::Progress;

/// Content of a report.
#[derive(Clone, Debug)]
pub struct ReportSpec {
    /// Campaign whose registrations are exported.
    pub campaign: Arc<Campaign>,
    /// Which registrations.
    pub selection: RegistrationSelection,
    /// Language of the labels.
    pub lang: Lang,
    /// Separator of a CSV file.
    pub separator: Separator,
    /// Time of the request.
    pub requested_at: Timestamp,
    /// Scheme and host of the links, without a trailing slash.
    pub base_url: String,
    /// Totals with the spellings of the values, if they are known.
    pub totals: Option<Arc<TotalsView>>,
}

impl ReportSpec {
    /// Returns the selected value as it is shown; `None` for all values.
    fn selected_label(&self) -> Option<String> {
        let value = self.selection.tally_value.as_deref()?;
        Some(self.label(value))
    }

    /// Returns the text to show for a value.
    fn label(&self, value: &str) -> String {
        value_label(&self.campaign, self.totals.as_deref(), value)
    }

    /// Returns the URL prefix of a photo page: a registration id or receipt number follows, then [`PHOTO_URL_SUFFIX`].
    fn photo_url_prefix(&self) -> String {
        let Self {
            base_url: base,
            campaign,
            ..
        } = self;
        format!("{base}/staff/c/{}/registrations/", campaign.id)
    }
}

/// URL suffix of a photo page.
const PHOTO_URL_SUFFIX: &str = "/photo";

/// A complete report.
#[derive(Debug)]
pub struct FinishedReport {
    /// The file, at its start. Unnamed, so that the system deletes it when it is closed, even by a crash.
    pub file: File,
    /// Length in bytes.
    pub bytes: u64,
    /// Number of registrations, which is the total.
    pub rows: u64,
}

/// A report that failed.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// All slots are taken: try again later.
    #[error("too many reports at once")]
    Busy,
    /// The store failed.
    #[error("cannot read the registrations of a report")]
    Store(#[from] StoreError),
    /// The file has fewer rows than expected.
    #[error("rows are missing in a report: {expected} expected, {read} read, {written} written")]
    RowsMissing {
        /// Minimum number: registrations stored at the start, less those deleted since.
        expected: u64,
        /// Registrations read from the store.
        read: u64,
        /// Rows written to the file.
        written: u64,
    },
    /// Writing the temporary file failed.
    #[error("cannot write the temporary file of a report: the folder TMPDIR")]
    File(#[from] std::io::Error),
    /// Building the workbook failed.
    #[error("cannot write the workbook of a report")]
    Workbook(#[from] XlsxError),
    /// The caller dropped the report.
    #[error("the report was cancelled")]
    Cancelled,
    /// The writing thread panicked.
    #[error("the writer of a report failed")]
    WriterFailed,
}
