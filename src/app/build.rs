//! Connects the parts of an instance.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::App;
use super::metrics::Metrics;
use crate::admission::{AbuseCounters, Admission};
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

/// Requests that may wait for their report; further ones get 503.
const REPORTS_WAITING: usize = 8;

/// Connects to the dependencies. Only the store must be available.
///
/// # Errors
/// A setting that cannot work, under its name, or an unavailable store.
pub async fn build(
    config: &Config,
    campaigns: Campaigns,
    stop: CancellationToken,
) -> anyhow::Result<App> {
    let metrics = Metrics::new().context("cannot register metrics")?;
    let store = Store::open(&config.store).await.context("JORNADA_STORE")?;
    let store = store.timed(metrics.dependencies.meter(Dependency::Store));
    let (object_store, registrations) = open_registrations(config, &store, &metrics).await?;
    let tally = Tally::open(&config.cache, &config.instance).context("JORNADA_CACHE")?;
    let tally = tally.timed(metrics.dependencies.meter(Dependency::Cache));
    let live_totals = Board::new(campaigns.iter().map(|campaign| &campaign.id));
    let collector = Shown::new(live_totals.clone(), campaigns.iter().cloned().collect());
    metrics
        .register(collector)
        .context("cannot register the totals")?;
    let (admission, authenticator) = open_admission(config, &metrics)?;
    Ok(App {
        instance: config.instance.clone(),
        campaigns,
        admission,
        registrations,
        tally,
        live_totals,
        reports: Reports::new(REPORTS_WAITING).giving_way_to(metrics.requests_in_flight.clone()),
        object_store,
        job_added: Arc::default(),
        authenticator,
        audit_log: Arc::new(Audit::new(&config.secret)),
        overviews: Overviews::new(store.clone()),
        store,
        metrics,
        stop,
    })
}

async fn open_registrations(
    config: &Config,
    store: &Store,
    metrics: &Metrics,
) -> anyhow::Result<(Photos, Intake)> {
    let vault = Vault::open(store.clone(), &config.photo_keys).await;
    let vault = vault.context("JORNADA_PHOTO_KEY")?;
    let object_store = Photos::new(&config.photos, vault.seal().clone());
    let object_store = object_store.timed(metrics.dependencies.meter(Dependency::Photos));
    let closings = Closings::open(store).await.context("JORNADA_STORE")?;
    let photos = PhotoKeeper::open(
        object_store.clone(),
        vault,
        store.clone(),
        config.pending_photos,
        metrics.pending.clone(),
    );
    let registrations = Intake {
        store: store.clone(),
        photos: photos.await.context("JORNADA_PHOTOS")?,
        closings,
        secret: config.secret.clone(),
        metrics: metrics.registrations.clone(),
        refusals: Refusals::default(),
    };
    Ok((object_store, registrations))
}

fn open_admission(config: &Config, metrics: &Metrics) -> anyhow::Result<(Admission, Gate)> {
    let passwords = Passwords::new(metrics.staff.passwords.clone())?;
    let redis = match &config.cache {
        CacheSetting::Memory => None,
        CacheSetting::Redis(url) => Some(url),
    };
    let counters = AbuseCounters::open(redis).context("JORNADA_CACHE")?;
    let authenticator = Gate::new(
        &config.secret,
        counters.clone(),
        config.admin_totp,
        passwords,
    );
    let admission = Admission::new(
        &config.secret,
        counters,
        config.exempt.clone(),
        config.limits,
        metrics.abuse.clone(),
    );
    Ok((admission, authenticator))
}
