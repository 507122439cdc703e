//! Background tasks of an instance.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::App;
use jornada_domain::Campaign;
use jornada_domain::staff::audit::SystemActor;
use jornada_service::registrations::photo_deleter;
use jornada_service::registrations::photo_deleter::PhotoDeleter;
use jornada_service::registrations::photo_uploader::BufferedPhotoUploader;
use jornada_service::reports::worker::Worker;
use jornada_service::retention;
use jornada_service::retention::Sweep;
use jornada_service::retention::cleaner::ReportCleaner;
use jornada_service::tally::follower::Follower;
use jornada_service::tally::live_totals::TotalsSource;

/// Starts all tasks. They end when the instance shuts down.
pub fn start(app: &App, tasks: &TaskTracker) {
    start_totals(app, tasks);
    start_caches(app, tasks);
    if !app.is_read_only {
        start_uploads_and_deletions(app, tasks);
        start_retention(app, tasks);
        start_reports(app, tasks);
    }
    if let Some(queue) = app.votes.queue.clone() {
        tasks.spawn(queue.watch(app.stop.clone()));
    }
    if let Some(observer) = app.queue_observer.clone() {
        tasks.spawn(observer.run(app.metrics.queue_state.clone(), app.stop.clone()));
    }
}

/// Updates the cached counts from the feed of the store, and the live totals from the cache.
fn start_totals(app: &App, tasks: &TaskTracker) {
    let follower = Follower {
        store: app.store.clone(),
        cache: app.tally_cache.clone(),
        campaigns: campaigns(app),
        metrics: app.metrics.tally.clone(),
    };
    tasks.spawn(follower.run(app.stop.clone()));
    let source = TotalsSource {
        cache: app.tally_cache.clone(),
        store: app.store.clone(),
        campaigns: campaigns(app),
    };
    let (live_totals, metrics) = (app.live_totals.clone(), app.metrics.tally.clone());
    tasks.spawn(live_totals.refresh_until(source, metrics, app.stop.clone()));
}

/// Uploads buffered photos to the object store, and deletes photos of deleted registrations.
fn start_uploads_and_deletions(app: &App, tasks: &TaskTracker) {
    let photos = &app.registrations.photos;
    let uploader = BufferedPhotoUploader::new(photos.clone(), &app.store);
    tasks.spawn(uploader.run(app.stop.clone()));
    let deleter = PhotoDeleter::new(
        photos.clone(),
        app.store.clone(),
        app.metrics.buffered_photos.clone(),
        photo_deleter::GRACE,
    );
    tasks.spawn(deleter.run(app.stop.clone()));
}

/// Deletes expired and orphaned data.
fn start_retention(app: &App, tasks: &TaskTracker) {
    let sweep = Sweep {
        lease: retention::lease(&app.store),
        store: app.store.clone(),
        objects: app.object_store.clone(),
        photos: app.registrations.photos.clone(),
        campaigns: campaigns(app),
        audit: Arc::clone(&app.audit_log),
        actor: SystemActor::System,
        is_dry_run: false,
        deletes_all_orphans: false,
    };
    tasks.spawn(sweep.run(
        retention::FIRST_DELAY,
        retention::INTERVAL,
        app.stop.clone(),
    ));
}

/// Refreshes what this instance caches, stores rejection counts and returns unused tokens.
fn start_caches(app: &App, tasks: &TaskTracker) {
    let (store, stop) = (&app.store, &app.stop);
    let closures = app.registrations.closures.clone();
    tasks.spawn(closures.poll_until(store.clone(), stop.clone()));
    let overviews = app.overviews.clone();
    tasks.spawn(overviews.refresh_until(campaigns(app), stop.clone()));
    let rejections = app.registrations.rejections.clone();
    tasks.spawn(rejections.flush_until(store.clone(), stop.clone()));
    let counters = app.admission.counters().clone();
    tasks.spawn(counters.return_tokens_until(stop.clone()));
}

/// Generates the reports of jobs, and deletes expired ones.
fn start_reports(app: &App, tasks: &TaskTracker) {
    let cleaner = ReportCleaner::new(app.store.clone(), app.object_store.clone());
    tasks.spawn(cleaner.run(app.stop.clone()));
    let worker = Worker {
        store: app.store.clone(),
        objects: app.object_store.clone(),
        campaigns: app.campaigns.clone(),
        live_totals: app.live_totals.clone(),
        metrics: app.metrics.reports.clone(),
        reports: app.reports.clone(),
        job_added: Arc::clone(&app.job_added),
    };
    tasks.spawn(worker.run(app.stop.clone()));
}

fn campaigns(app: &App) -> Vec<Arc<Campaign>> {
    app.campaigns.iter().cloned().collect()
}
