//! What every door of an instance needs (form, API, staff area), without HTTP: services, stores, metrics. [`build`]
//! connects the parts, [`background`] runs what no request waits for.

pub mod background;
mod build;
pub mod metrics;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use build::build;

use crate::admission::Admission;
use crate::campaigns::Campaigns;
use crate::intake::Registrations;
use crate::photo::ObjectStore;
use crate::report::ReportGenerator;
use crate::staff::overview::OverviewCache;
use crate::staff::{AuditLog, Authenticator};
use crate::store::Store;
use crate::tally::Tally;
use crate::tally::live_totals::LiveTotals;
use metrics::Metrics;

/// The parts of an instance. It holds no state that another instance could miss: it may be killed at any time.
#[derive(Debug)]
pub struct App {
    /// Name of this instance, in metrics and `/readyz`.
    pub instance: String,
    /// The campaigns.
    pub campaigns: Campaigns,
    /// The database.
    pub store: Store,
    /// Rate limits and bot checks.
    pub admission: Admission,
    /// Registers submissions.
    pub registrations: Registrations,
    /// Shared totals; takes requests for a refresh.
    pub tally: Tally,
    /// Totals in memory, ready to be shown.
    pub live_totals: LiveTotals,
    /// Writes reports, for requests and for jobs.
    pub reports: ReportGenerator,
    /// Stores photos and report files.
    pub object_store: ObjectStore,
    /// Wakes the report worker when a job was added.
    pub job_added: Arc<Notify>,
    /// Logins and second factors.
    pub authenticator: Authenticator,
    /// The audit log of this process.
    pub audit_log: Arc<AuditLog>,
    /// Statistics of the staff's first page.
    pub overviews: OverviewCache,
    /// All metrics of the process.
    pub metrics: Metrics,
    /// Cancelled when the instance shuts down.
    pub stop: CancellationToken,
}
