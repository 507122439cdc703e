//! Services, stores and metrics that form, API and staff area share, without HTTP. [`build`] connects them,
//! [`background`] runs the tasks outside requests.

pub mod background;
mod build;
pub mod metrics;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use build::build;

use jornada_objects::ObjectStore;
use jornada_queue::Observer;
use jornada_service::admission::Admission;
use jornada_service::campaigns::Campaigns;
use jornada_service::registrations::Registrations;
use jornada_service::reports::ReportGenerator;
use jornada_service::staff::overview::OverviewCache;
use jornada_service::staff::{AuditLog, Authenticator};
use jornada_service::tally::TallyCache;
use jornada_service::tally::live_totals::LiveTotals;
use jornada_service::votes::Votes;
use jornada_service::votes::latest::LatestVotes;
use jornada_service::votes::tokens::VoterTokens;
use jornada_store::Store;
use metrics::Metrics;

/// Parts of an instance. It holds no state that other instances need, so it may be killed at any time.
#[derive(Debug)]
pub struct App {
    /// Name of this instance, in metrics and `/readyz`.
    pub instance: String,
    /// Whether it takes in nothing and changes nothing (`--read-only`).
    pub is_read_only: bool,
    /// Campaigns of the installation.
    pub campaigns: Campaigns,
    /// The database.
    pub store: Store,
    /// Rate limits and bot checks.
    pub admission: Admission,
    /// Registers submissions.
    pub registrations: Registrations,
    /// Takes in votes.
    pub votes: Votes,
    /// The latest votes, for the results page.
    pub latest_votes: LatestVotes,
    /// Tokens of programs that vote.
    pub voter_tokens: VoterTokens,
    /// Looks at what waits in the queue.
    pub queue_observer: Option<Observer>,
    /// Shared counts; accepts refresh requests.
    pub tally_cache: TallyCache,
    /// Totals in memory, ready for responses.
    pub live_totals: LiveTotals,
    /// Generates reports, for requests and jobs.
    pub reports: ReportGenerator,
    /// Stores photos and report files.
    pub object_store: ObjectStore,
    /// Wakes the report worker when a job is added.
    pub job_added: Arc<Notify>,
    /// Logins and second factors.
    pub authenticator: Authenticator,
    /// Writer of the audit log.
    pub audit_log: Arc<AuditLog>,
    /// Cached statistics of the staff start page.
    pub overviews: OverviewCache,
    /// All metrics of the process.
    pub metrics: Metrics,
    /// Cancelled when the instance shuts down.
    pub stop: CancellationToken,
}
