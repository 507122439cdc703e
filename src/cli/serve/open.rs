//! The parts of an instance, connected.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::admission::{AbuseCounters, Admission};
use crate::app::metrics::Metrics;
use crate::campaigns::Campaigns;
use crate::config::{CacheSetting, Config};
use crate::intake::Intake;
use crate::intake::closings::Closings;
use crate::intake::photos::PhotoKeeper;
use crate::intake::refusals::Refusals;
use crate::intake::vault::Vault;
use crate::photo::Photos;
use crate::report::Reports;
use crate::staff::overview::Overviews;
use crate::staff::password::Passwords;
use crate::staff::{Audit, Gate};
use crate::store::Store;
use crate::tally::Tally;
use crate::tally::board::Board;
use crate::tally::shown::Shown;
use crate::telemetry::metrics::Dependency;
use crate::web::budget::UploadBudget;
use crate::web::places::Places;
use crate::web::{App, AppState, MAX_EVENT_CLIENTS};

/// Reports written at once: each takes a processor while it lasts.
const REPORTS_AT_ONCE: usize = 1;
/// Reports that may wait for their turn; past them the answer is 503.
const REPORTS_WAITING: usize = 8;

/// Connects to what there is; only the store must be there.
pub(super) async fn open(
    config: Config,
    campaigns: Campaigns,
    stop: CancellationToken,
) -> anyhow::Result<AppState> {
    let metrics = Metrics::new().context("cannot register the metrics")?;
    let meter = |dependency| metrics.dependencies.meter(dependency);
    let store = Store::open(&config.store).await.context("JORNADA_STORE")?;
    let store = store.timed(meter(Dependency::Store));
    let vault = Vault::open(store.clone(), &config.photo_keys).await;
    let vault = vault.context("JORNADA_PHOTO_KEY")?;
    let files = Photos::new(&config.photos, vault.seal().clone());
    let files = files.timed(meter(Dependency::Photos));
    let closings = Closings::open(&store).await.context("JORNADA_STORE")?;
    let photos = PhotoKeeper::open(
        files.clone(),
        vault,
        store.clone(),
        config.pending_photos,
        metrics.pending.clone(),
    );
    let photos = photos.await.context("JORNADA_PHOTOS")?;
    let tally = Tally::open(&config.cache, &config.instance).context("JORNADA_CACHE")?;
    let board = Board::new(campaigns.iter().map(|campaign| &campaign.id));
    let shown = Shown::new(board.clone(), campaigns.iter().cloned().collect());
    metrics
        .register(shown)
        .context("cannot register the totals")?;
    metrics.upload_limit.set(config.upload_memory.cast_signed());
    let passwords = Passwords::new(metrics.staff.passwords.clone())?;
    let redis = match &config.cache {
        CacheSetting::Memory => None,
        CacheSetting::Redis(url) => Some(url),
    };
    let counters = AbuseCounters::open(redis).context("JORNADA_CACHE")?;
    let gate = Gate::new(
        &config.secret,
        counters.clone(),
        config.admin_totp,
        passwords,
    );
    let admission = Admission::new(
        &config.secret,
        counters,
        config.exempt,
        config.limits,
        metrics.abuse.clone(),
    );
    let tally = tally.timed(meter(Dependency::Cache));
    Ok(AppState::new(App {
        board,
        uploads: UploadBudget::new(config.upload_memory, metrics.upload_bytes.clone()),
        places: Places::new(config.max_requests, metrics.requests_in_flight.clone()),
        reports: Reports::new(REPORTS_AT_ONCE, REPORTS_WAITING)
            .asked_by_some_of(metrics.requests_in_flight.clone()),
        files,
        job_asked: Arc::default(),
        event_clients: Arc::new(Semaphore::new(MAX_EVENT_CLIENTS)),
        audit: Audit::new(&config.secret),
        admission,
        gate,
        overviews: Overviews::new(store.clone()),
        intake: Intake {
            store,
            photos,
            closings,
            secret: config.secret,
            metrics: metrics.registrations.clone(),
            refusals: Refusals::default(),
        },
        instance: config.instance,
        public_url: config.public_url,
        hosts: config.hosts,
        campaigns,
        tally,
        metrics,
        stop,
    }))
}
