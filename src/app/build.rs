//! Connects the parts of an instance.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::App;
use super::metrics::Metrics;
use crate::config::ServeConfig;
use jornada_objects::ObjectStore;
use jornada_queue::{Observer, Producer};
use jornada_runtime::cache::CacheSetting;
use jornada_runtime::metrics::Dependency;
use jornada_service::admission::{AbuseCounters, Admission};
use jornada_service::batcher::{Batcher, MAX_WAITING_REGISTRATIONS, MAX_WAITING_VOTES};
use jornada_service::campaigns::Campaigns;
use jornada_service::registrations::Registrations;
use jornada_service::registrations::closure_cache::ClosureCache;
use jornada_service::registrations::key_ring::KeyRing;
use jornada_service::registrations::photo_repository::PhotoRepository;
use jornada_service::registrations::rejections::RejectionCounts;
use jornada_service::reports::ReportGenerator;
use jornada_service::staff::overview::OverviewCache;
use jornada_service::staff::password::Passwords;
use jornada_service::staff::{AuditLog, Authenticator};
use jornada_service::tally::TallyCache;
use jornada_service::tally::collector::TotalsCollector;
use jornada_service::tally::live_totals::LiveTotals;
use jornada_service::votes::Votes;
use jornada_service::votes::latest::LatestVotes;
use jornada_service::votes::tokens::VoterTokens;
use jornada_store::Store;

/// Maximum number of requests that wait for a report; further ones get 503.
const REPORTS_WAITING: usize = 8;

/// Connects to the dependencies. Only the store must be available. Errors begin with the setting.
pub async fn build(
    config: &ServeConfig,
    campaigns: Campaigns,
    stop: CancellationToken,
) -> anyhow::Result<App> {
    let metrics = Metrics::new().context("cannot register metrics")?;
    let store = Store::open(&config.store).await.context("JORNADA_STORE")?;
    let store = store.with_meter(metrics.dependencies.meter(Dependency::Store));
    let (object_store, registrations) = open_registrations(config, &store, &metrics).await?;
    let store_id = store.id().await.context("JORNADA_STORE")?;
    let tally_cache = TallyCache::open(&config.cache, store_id, &config.instance);
    let tally_cache = tally_cache.context("JORNADA_CACHE")?;
    let tally_cache = tally_cache.with_meter(metrics.dependencies.meter(Dependency::Cache));
    let live_totals = LiveTotals::new(campaigns.iter().map(|campaign| &campaign.id));
    let collector = TotalsCollector::new(live_totals.clone(), campaigns.iter().cloned().collect());
    metrics
        .register(collector)
        .context("cannot register the totals")?;
    let (admission, authenticator) = open_admission(config, &metrics)?;
    let queue = if config.is_read_only {
        Ok(None)
    } else {
        Producer::open(&config.queue, metrics.queue.clone()).await
    };
    let votes = Votes {
        instance: Some(config.instance.as_str().into()),
        queue: queue.context("JORNADA_QUEUE")?,
        batcher: Batcher::new(store.clone(), metrics.batches.of_votes(), MAX_WAITING_VOTES),
        closures: registrations.closures.clone(),
        secret: config.secret.clone(),
        metrics: metrics.votes.clone(),
    };
    Ok(App {
        instance: config.instance.clone(),
        is_read_only: config.is_read_only,
        campaigns,
        admission,
        registrations,
        votes,
        latest_votes: LatestVotes::new(store.clone()),
        voter_tokens: VoterTokens::default(),
        queue_observer: Observer::open(&config.queue).context("JORNADA_QUEUE")?,
        tally_cache,
        live_totals,
        reports: ReportGenerator::new(REPORTS_WAITING)
            .pausing_for(metrics.requests_in_flight.clone()),
        object_store,
        job_added: Arc::default(),
        authenticator,
        audit_log: Arc::new(AuditLog::new(&config.secret)),
        overviews: OverviewCache::new(store.clone()),
        store,
        metrics,
        stop,
    })
}

async fn open_registrations(
    config: &ServeConfig,
    store: &Store,
    metrics: &Metrics,
) -> anyhow::Result<(ObjectStore, Registrations)> {
    let key_ring = KeyRing::open(store.clone(), &config.photo_keys).await;
    let key_ring = key_ring.context("JORNADA_PHOTO_KEY")?;
    let object_store = ObjectStore::new(&config.photos, key_ring.encryptor().clone());
    let object_store = object_store.with_meter(metrics.dependencies.meter(Dependency::Photos));
    let closures = ClosureCache::load(store).await.context("JORNADA_STORE")?;
    let photos = PhotoRepository::open(
        object_store.clone(),
        key_ring,
        store.clone(),
        config.pending_photos,
        metrics.buffered_photos.clone(),
    );
    let registrations = Registrations {
        store: store.clone(),
        batcher: Batcher::new(
            store.clone(),
            metrics.batches.of_registrations(),
            MAX_WAITING_REGISTRATIONS,
        ),
        photos: photos.await.context("JORNADA_PHOTOS")?,
        closures,
        secret: config.secret.clone(),
        metrics: metrics.registrations.clone(),
        rejections: RejectionCounts::default(),
    };
    Ok((object_store, registrations))
}

fn open_admission(
    config: &ServeConfig,
    metrics: &Metrics,
) -> anyhow::Result<(Admission, Authenticator)> {
    let passwords = Passwords::new(metrics.staff.queued_passwords.clone())?;
    let redis = match &config.cache {
        CacheSetting::Memory => None,
        CacheSetting::Redis(url) => Some(url),
    };
    let counters = AbuseCounters::open(redis).context("JORNADA_CACHE")?;
    let authenticator = Authenticator::new(
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
