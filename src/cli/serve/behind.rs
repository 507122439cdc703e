//! What an instance does behind the requests.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::domain::staff::audit::Doer;
use crate::intake::mover::Mover;
use crate::intake::remover::{self, Remover};
use crate::report::worker::Worker;
use crate::retention::sweeper::Sweeper;
use crate::retention::{self, Sweep};
use crate::staff::Audit;
use crate::tally::board::Source;
use crate::tally::follow::Follower;
use crate::web::AppState;
use crate::web::health;

/// Begins all of it; each ends after `stop`.
pub(super) fn begin(app: &AppState, tasks: &TaskTracker, stop: &CancellationToken) {
    follow(app, tasks, stop);
    tasks.spawn(health::keep_asking(app.clone(), stop.clone()));
    tidy(app, tasks, stop);
    make_reports(app, tasks, stop);
}

fn follow(app: &AppState, tasks: &TaskTracker, stop: &CancellationToken) {
    for campaign in app.campaigns.iter() {
        let follower = Follower {
            store: app.intake.store.clone(),
            tally: app.tally.clone(),
            campaign: campaign.id.clone(),
            metrics: app.metrics.tally.clone(),
        };
        tasks.spawn(follower.run(stop.clone()));
        let source = Source {
            tally: app.tally.clone(),
            store: app.intake.store.clone(),
        };
        let (board, metrics) = (app.board.clone(), app.metrics.tally.clone());
        tasks.spawn(board.keep(campaign.clone(), source, metrics, stop.clone()));
    }
}

fn make_reports(app: &AppState, tasks: &TaskTracker, stop: &CancellationToken) {
    let (store, files) = (app.intake.store.clone(), app.files.clone());
    let sweeper = Sweeper::new(store.clone(), files.clone());
    tasks.spawn(sweeper.run(stop.clone()));
    let worker = Worker {
        store,
        photos: files,
        campaigns: app.campaigns.clone(),
        metrics: app.metrics.reports.clone(),
        requests: app.metrics.requests_in_flight.clone(),
        asked: Arc::clone(&app.job_asked),
    };
    tasks.spawn(worker.run(stop.clone()));
}

/// Moves, removes and erases what is due, and keeps what this instance knows or counts up to date.
fn tidy(app: &AppState, tasks: &TaskTracker, stop: &CancellationToken) {
    let store = &app.intake.store;
    let mover = Mover::new(app.intake.photos.clone(), store.clone());
    tasks.spawn(mover.run(stop.clone()));
    let remover = Remover::new(
        app.intake.photos.clone(),
        store.clone(),
        app.metrics.pending.clone(),
        remover::GRACE,
    );
    tasks.spawn(remover.run(stop.clone()));
    let sweep = Sweep {
        store: store.clone(),
        photos: app.files.clone(),
        keeper: app.intake.photos.clone(),
        campaigns: app.campaigns.iter().cloned().collect(),
        audit: Audit::new(&app.intake.secret),
        doer: Doer::System,
        is_dry: false,
        takes_all_orphans: false,
        id: Uuid::new_v4(),
    };
    tasks.spawn(sweep.run(retention::FIRST, retention::EVERY, stop.clone()));
    let closings = app.intake.closings.clone();
    tasks.spawn(closings.keep(store.clone(), stop.clone()));
    let campaigns = app.campaigns.iter().cloned().collect();
    tasks.spawn(app.overviews.clone().keep_counted(campaigns, stop.clone()));
    let refusals = app.intake.refusals.clone();
    tasks.spawn(refusals.keep_flushing(store.clone(), stop.clone()));
}
